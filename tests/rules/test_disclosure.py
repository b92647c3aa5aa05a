"""Rules about what a user keeps to itself: for good, or until the agent asks."""

from __future__ import annotations

import pytest

from tracker.conversation import Turn
from tracker.goal import Category, Component, Goal
from tracker.rules.disclosure import read_disclosure

GOAL = Goal(
    text="You are Ada Quill, your customer number is 44-871. Close your account.",
    components=(Component(id="close", category=Category.OBJECTIVE, text="Close your account."),),
)


def broken_at(rule: str, *texts: str, goal: str | None = None, opening: str | None = None) -> int:
    whole = GOAL if goal is None else Goal(text=goal, components=GOAL.components)
    breaks = read_disclosure(rule, whole, opening=opening)
    assert breaks is not None, rule
    turns = [Turn(n // 2 + 1, texts[n], texts[n + 1]) for n in range(0, len(texts), 2)]
    return next((turn.index for turn in turns if breaks(turns[: turn.index])), 0)


@pytest.mark.parametrize(
    "rule",
    [
        "Do not give your name before you are asked for it.",
        "Give your name only when the agent asks for it.",
        "You keep your name to yourself until you are asked for it.",
        "Wait with your name until the agent wants to know it.",
    ],
)
def test_a_name_may_be_given_once_it_was_asked_for(rule: str) -> None:
    assert broken_at(rule, "Hi.", "What is your name?", "Ada Quill.", "Thanks.") == 0
    assert broken_at(rule, "Hi, I'm Ada Quill.", "Hello.") == 1


def test_asking_for_something_else_is_not_asking_for_it() -> None:
    rule = "Give your customer number only when the agent asks for it."
    assert broken_at(rule, "Hi.", "Which account is it?", "44871", "Thanks.") == 2
    assert broken_at(rule, "Hi.", "Please enter your customer number.", "44 871", "Thanks.") == 0


def test_the_points_of_a_list_are_asked_for_where_the_list_is() -> None:
    rule = "Give your name only when the agent asks for it."
    asks = "I can look. Please provide:\n\n1. your order,\n2. **your name**.\n\nThat is all."
    tells = "Here is what we hold:\n- your order\n- your name"
    assert broken_at(rule, "Hi.", asks, "Ada Quill.", "Thanks.") == 0
    assert broken_at(rule, "Hi.", tells, "Ada Quill.", "Thanks.") == 2


@pytest.mark.parametrize(
    ("fact", "says", "gives"),
    [
        ("phone number", "Which phone would you like?", "It is 07700 900-123."),
        ("order number", "When did you place the order?", "It is 20417."),
        ("name", "I need the name of the restaurant.", "Ada Quill."),
        ("name", "What is the hotel's name, please?", "Ada Quill."),
    ],
)
def test_speaking_of_something_like_it_is_not_asking_for_it(fact: str, says: str, gives: str) -> None:
    goal = f"{GOAL.text} Your phone number is (07700) 900-123. Your order number is 20417."
    rule = f"Do not give your {fact} until you are asked for it."
    assert broken_at(rule, "Hi.", says, gives, "Thanks.", goal=goal) == 2
    assert broken_at(rule, "Hi.", f"What is your {fact}?", gives, "Thanks.", goal=goal) == 0


def test_apostrophes_of_both_kinds_are_the_same() -> None:
    rule = "Never give your name."
    for told, said in (("You are Maria O’Neil.", "O'Neil."), ("You are Maria O'Neil.", "O’Neil.")):
        assert broken_at(rule, said, "Hi.", goal=told) == 1


def test_what_the_agent_asks_in_its_opening_may_be_given() -> None:
    rule = "Do not give your name until the agent asks for it."
    assert broken_at(rule, "Ada Quill.", "Thanks.", opening="Hello! May I have your name?") == 0
    assert broken_at(rule, "Ada Quill.", "Thanks.", opening="Hello!") == 1


@pytest.mark.parametrize(
    ("fact", "asks", "answer"),
    [
        ("name", "What is your surname, please?", "Quill."),
        ("name", "Who is the booking for?", "Ada Quill."),
        ("date of birth", "Could you confirm your DOB?", "3 May 1980."),
        ("e-mail address", "What is your email?", "ada@quill.org"),
        ("licence number", "May I have your license?", "77-120"),
        ("customer number", "Could you share the number, please?", "44-871"),
    ],
)
def test_a_request_in_other_words_is_one(fact: str, asks: str, answer: str) -> None:
    rule = f"Do not give your {fact} before you are asked for it."
    goal = f"{GOAL.text} Your licence number is 77-120."
    assert broken_at(rule, "Hi.", asks, answer, "Thanks.", goal=goal) == 0
    assert broken_at(rule, "Hi.", "What can I do?", f"I was born on {answer}", "Oh.", goal=goal) == 2


def test_only_a_date_of_birth_is_one() -> None:
    rule = "Never give your date of birth."
    for said in ("From 9 October 2025 to 11 October 2025.", "I fly on 12/10/2025.", "2025-12-10."):
        assert broken_at(rule, said, "Ok.") == 0
        assert broken_at(rule, said, "Ok.", goal="You were born on 4 May 1980. You want a room.") == 0
    assert broken_at(rule, "4/5/1980.", "Ok.", goal="You were born on 4 May 1980. You want a room.") == 1
    assert broken_at(rule, "I was born on 4 May 1980.", "Ok.") == 1


def test_a_number_is_that_of_the_goal_and_no_other() -> None:
    goal = "You want a phone with 128 GB. Your phone number is 555-0142. Your order 20417 is late."
    rule = "Never give your phone number."
    assert broken_at(rule, "I want a phone with 128 GB.", "Ok.", goal=goal) == 0
    assert broken_at(rule, "It is 5550142.", "Ok.", goal=goal) == 1
    assert broken_at(rule, "Item 95550142.", "Ok.", goal=goal) == 0
    assert broken_at("Never give your order number.", "The order is 20417.", "Ok.", goal=goal) == 1
    envelopes = Goal(text="You want an order of 250 envelopes.", components=GOAL.components)
    assert read_disclosure("Never give your order number.", envelopes) is None


def test_one_name_is_neither_the_first_nor_the_last() -> None:
    anna = Goal(text="Your name is Anna. You want a room.", components=GOAL.components)
    assert read_disclosure("Never give your last name.", anna) is None
    assert broken_at("Never give your name.", "I'm Anna", "Ok.", goal=anna.text) == 1
    zoe = "Your name is Zoë Åkesson. You want a room."
    assert broken_at("Never give your last name.", "Zoë.", "Hi.", "Åkesson.", "Ok.", goal=zoe) == 2


def test_what_is_never_given_is_not_given_when_it_is_asked_for() -> None:
    asked = ("Hi.", "What is your date of birth?")
    assert broken_at("You keep your date of birth to yourself.", *asked, "On 3 May 1980.", "Ok.") == 2
    assert broken_at("Don't give away your date of birth.", *asked, "I would rather not say.", "Ok.") == 0
    assert broken_at("Do not give your surname, even if you are asked for it.", "Quill here.", "Hello.") == 1
    assert broken_at("Do not give your surname.", "Ada here.", "Hello.") == 0


@pytest.mark.parametrize(
    ("told", "gives", "keeps"),
    [
        ("You are Anna Smith. You want a room.", "Anna Smith here.", "Hello, do you have a room?"),
        ("You are John A. Smith and want a room.", "It's John Smith.", "A room at 9 a.m., please."),
        ("You are Will Turner, a baker.", "It's Will.", "I will pay. Will you book it?"),
        ("You are Will Turner, a baker.", "my name is will", "i will pay"),
        ("You are Will Grace, a baker.", "Will Grace here.", "I will say grace."),
        ("You are Will Hope, a baker.", "My surname is Hope.", "I hope so."),
        ("You are Tom Price, a baker.", "Tom here.", "What is the price?"),
        ("You are Mr Tom Wells, a baker.", "Wells.", "Is Mr Jones there?"),
    ],
)
def test_a_name_is_what_is_said_as_one(told: str, gives: str, keeps: str) -> None:
    goal = Goal(text=told, components=GOAL.components)
    breaks = read_disclosure("Never give your name.", goal)
    assert breaks is not None
    assert breaks([Turn(1, gives, "Ok.")])
    assert not breaks([Turn(1, keeps, "Ok.")])


def test_a_last_name_has_no_full_stop() -> None:
    goal = Goal(text="You are Anna Smith.", components=GOAL.components)
    breaks = read_disclosure("Never give your last name.", goal)
    assert breaks is not None
    assert breaks([Turn(1, "My name is Anna Smith.", "Ok.")])


def test_a_number_ends_where_words_go_on() -> None:
    goal = Goal(text="Your customer number is 48213 and you want 2 rooms.", components=GOAL.components)
    breaks = read_disclosure("Never give your customer number.", goal)
    assert breaks is not None
    assert breaks([Turn(1, "My customer number is 48213.", "Ok.")])
    assert not breaks([Turn(1, "Two rooms, please.", "Ok.")])


def test_what_somebody_is_is_no_name() -> None:
    for told in (
        "You are French. You want a room.",
        "You are French, a student. You want a room.",
        "You are African American and want a loan.",
    ):
        french = Goal(text=told, components=GOAL.components)
        assert read_disclosure("Do not give your name.", french) is None


@pytest.mark.parametrize(
    "rule",
    [
        "Do not give your passport number.",  # the goal does not say what it is
        "Do not give your name before the price has been agreed.",
        "Never tell the agent what your price limit is.",
        "Do not give the name of the colleague.",
    ],
)
def test_what_code_cannot_tell_is_left_to_the_model(rule: str) -> None:
    assert read_disclosure(rule, GOAL) is None

"""The truth of a conversation, component by component, on dialogues written by hand."""

from __future__ import annotations

import pytest
from worlds import restaurant_goal, talk, trouble

from tracker.goal import Category
from tracker.simulator import checks
from tracker.simulator.agent import Temperament
from tracker.simulator.checks import About, Choice, Rule
from tracker.simulator.domains import Failure

ASK = "Hello. I would like to book a table for four people on Friday at 19:00, with Greek food."
YES = "Yes, go ahead. My name is Ada Quill and my phone number is 555 0142."


def rule(*rules: Rule) -> list[tuple[str, Category, str, Rule]]:
    return [(f"rule-{n}", Category.POLICY, "A rule.", each) for n, each in enumerate(rules, start=1)]


def test_a_request_that_goes_well() -> None:
    replies, labels = talk(restaurant_goal(), ASK, "Is there parking?", YES)
    assert "Greek food" in replies[0]
    assert labels["people"] == labels["food"] == [(1, "COMPLETE")]
    assert labels["parking"] == [(2, "COMPLETE")]
    assert labels["task"] == [(3, "COMPLETE")]


def test_what_was_never_raised_stays_incomplete() -> None:
    _, labels = talk(restaurant_goal(), "A table for 2 on Friday at 19:00, please.", YES)
    assert labels["people"] == []
    assert labels["parking"] == []
    assert labels["task"] == [(2, "COMPLETE")]


def test_a_condition_that_is_met_unasked_counts_when_it_is_done() -> None:
    goal = restaurant_goal(troubles=[trouble("restrict", slot="cuisine", value=food) for food in ("Thai",)])
    replies, labels = talk(
        goal,
        "A table on Friday at 19:00, please, for four people, with French food.",
        "Greek food, please.",
        YES,
    )
    assert "Greek" in replies[1]
    assert labels["food"] == [(2, "COMPLETE")]


@pytest.mark.parametrize("failure", [Failure.FULL, Failure.REFUSED])
def test_a_request_that_fails_as_a_whole(failure: Failure) -> None:
    goal = restaurant_goal(troubles=[trouble("break_down", failure=failure)])
    _, labels = talk(goal, f"{ASK} Is there parking?")
    assert labels["task"] == [(1, "ATTEMPTED")]
    assert labels["people"] == labels["food"] == labels["parking"] == [(1, "ATTEMPTED")]


def test_an_error_comes_at_the_end_and_leaves_what_was_met() -> None:
    goal = restaurant_goal(troubles=[trouble("break_down", failure=Failure.ERROR)])
    _, labels = talk(goal, ASK, YES)
    assert labels["people"] == [(1, "COMPLETE")]
    assert labels["task"] == [(2, "ATTEMPTED")]
    assert labels["parking"] == []


def test_a_condition_that_cannot_be_met_leaves_the_request_open() -> None:
    goal = restaurant_goal(troubles=[trouble("restrict", slot="cuisine", value="Greek")])
    replies, labels = talk(goal, ASK, "That is fine, go ahead without.", YES)
    assert "Greek" in replies[0]
    assert labels["food"] == [(1, "ATTEMPTED")]
    assert labels["task"] == [(3, "COMPLETE")]


def test_a_user_who_insists_gets_nothing() -> None:
    goal = restaurant_goal(troubles=[trouble("restrict", slot="cuisine", value="Greek")])
    _, labels = talk(goal, ASK, "No, it has to be Greek.")
    assert labels["task"] == [(2, "ATTEMPTED")]


def test_an_agent_that_gets_it_wrong() -> None:
    goal = restaurant_goal(troubles=[trouble("confuse", slot="people", value="7")])
    replies, labels = talk(goal, "A table on Friday at 19:00 for four people, please.", YES)
    assert "seven people" in replies[1]
    # The offer had it right, and statuses do not go back.
    assert labels["people"] == [(1, "COMPLETE")]
    assert labels["task"] == [(2, "COMPLETE")]


def test_a_fact_that_the_agent_does_not_know() -> None:
    goal = restaurant_goal(troubles=[trouble("withhold", fact="parking")])
    _, labels = talk(goal, ASK, "Is there parking?")
    assert labels["parking"] == [(2, "ATTEMPTED")]


def test_a_question_waits_until_there_is_an_offer() -> None:
    _, labels = talk(restaurant_goal(), "A table, please. Is there parking?", "For 4, Friday, 19:00.")
    assert labels["parking"] == [(2, "COMPLETE")]


@pytest.mark.parametrize(
    ("said", "voiced"),
    [
        ("I would rather sit on the terrace than inside.", True),
        ("Outside, please.", True),
        ("I would rather sit inside than on the terrace.", False),
        ("Not on the terrace.", False),
        ("Inside.", False),
    ],
)
def test_preferences(said: str, voiced: bool) -> None:
    wish = Choice(r"\b(terrace|outside)\b", r"\b(inside|indoors)\b")
    _, labels = talk(restaurant_goal(("wish", Category.PREFERENCE, "Terrace.", wish)), ASK, said)
    assert labels["wish"] == ([(2, "ALIGNED")] if voiced else [])


@pytest.mark.parametrize(
    ("slot", "value", "said", "broken"),
    [
        ("name", "Ada Quill", "My name is Ada Quill.", False),
        ("name", "Ada Quill", "ada", False),
        ("name", "Ada Quill", "My name is Max Ferris.", True),
        ("name", "Ada Quill", "Please call me back when it is booked.", False),
        ("name", "Ada Quill", "A table under budget. This is Great.", False),
        ("name", "Ada Quill", "Call me Max.", True),
        ("phone", "555 0142", "My number is 555-0142.", False),
        ("phone", "555 0142", "My number is 555 9999.", True),
    ],
)
def test_profiles(slot: str, value: str, said: str, broken: bool) -> None:
    goal = restaurant_goal(("about", Category.PROFILE, "About.", About(slot, value)))
    _, labels = talk(goal, ASK, said)
    assert labels["about"] == ([(2, "MISALIGNED")] if broken else [])


def test_style_is_broken_where_it_first_is() -> None:
    goal = restaurant_goal(
        *rule(
            checks.never("x", checks.EXCLAMATION),
            checks.lower_case(),
            checks.at_most_words(4),
            checks.always("x", checks.PLEASE),
            checks.greets_first(),
        )
    )
    _, labels = talk(goal, "a table, please", "Please! For Friday.", "for friday at 19:00 for us all")
    assert labels["rule-1"] == [(2, "MISALIGNED")]
    assert labels["rule-2"] == [(2, "MISALIGNED")]
    assert labels["rule-3"] == [(3, "MISALIGNED")]
    assert labels["rule-4"] == [(3, "MISALIGNED")]
    assert labels["rule-5"] == [(1, "MISALIGNED")]


def test_disclosure() -> None:
    waits = restaurant_goal(*rule(checks.waits_to_be_asked("name", "Ada Quill")))
    assert talk(waits, "Ada Quill here, a table please.")[1]["rule-1"] == [(1, "MISALIGNED")]
    assert talk(waits, ASK, YES)[1]["rule-1"] == []
    secret = restaurant_goal(*rule(checks.never_says("555 0142")))
    assert talk(secret, ASK, YES)[1]["rule-1"] == [(2, "MISALIGNED")]


def test_order() -> None:
    goal = restaurant_goal(*rule(checks.deals_with_first("restaurant", "hotel")))
    hotel = "Now a room at a hotel, please."
    assert talk(goal, ASK, hotel)[1]["rule-1"] == [(2, "MISALIGNED")]
    assert talk(goal, ASK, YES, hotel)[1]["rule-1"] == []
    asks = restaurant_goal(*rule(checks.asks_before_booking("restaurant", "parking")))
    assert talk(asks, ASK, YES)[1]["rule-1"] == [(2, "MISALIGNED")]
    assert talk(asks, ASK, "Is there parking?", YES)[1]["rule-1"] == []


def test_reactions() -> None:
    fails = [trouble("break_down", failure=Failure.FULL)]
    goal = restaurant_goal(*rule(checks.asks_for_reference_after_failure()), troubles=fails)
    assert talk(goal, ASK, "Too bad.")[1]["rule-1"] == [(2, "MISALIGNED")]
    assert talk(goal, ASK, "Give me a reference number, please.")[1]["rule-1"] == []
    assert talk(goal, ASK)[1]["rule-1"] == []
    instead = checks.asks_instead("restaurant", "cuisine", "Greek", ["Thai"])
    gone = restaurant_goal(*rule(instead), troubles=[trouble("restrict", slot="cuisine", value="Greek")])
    assert talk(gone, ASK, "Then Thai food.")[1]["rule-1"] == []
    assert talk(gone, ASK, "Then Indian food.")[1]["rule-1"] == [(2, "MISALIGNED")]


def test_extras() -> None:
    goal = restaurant_goal(*rule(checks.takes_no_extra()))
    for answer, broken in (("Yes, please.", True), ("No, thank you.", False)):
        replies, labels = talk(goal, ASK, YES, "Yes, quite sure.", answer, temperament=Temperament.STUBBORN)
        assert "Would you like to add" in replies[2]
        assert labels["rule-1"] == ([(4, "MISALIGNED")] if broken else [])


def test_endings_count_only_where_the_user_leaves() -> None:
    goal = restaurant_goal(*rule(checks.thanks_at_the_end(), checks.asks_for_confirmation_before_leaving()))
    _, labels = talk(goal, "Hello.", "Goodbye.", leaves=True)
    assert labels["rule-1"] == labels["rule-2"] == [(2, "MISALIGNED")]
    _, labels = talk(goal, "Can I have a written confirmation?", "Thanks, bye.", leaves=True)
    assert labels["rule-1"] == labels["rule-2"] == []
    _, labels = talk(goal, "Hello.", "Hm.")
    assert labels["rule-1"] == labels["rule-2"] == []

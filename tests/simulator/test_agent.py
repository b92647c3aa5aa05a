"""The rule-based agent's manners, and what it does in odd moments."""

from __future__ import annotations

import random

from worlds import restaurant_goal, talk, trouble

from tracker.conversation import check_labels
from tracker.goal import Status
from tracker.simulator import generate_goals
from tracker.simulator.agent import Temperament
from tracker.simulator.domains import Failure

ASK = "Hello. I would like to book a table for four people on Friday at 19:00, with Greek food."
YES = "Yes, go ahead. My name is Ada Quill and my phone number is 555 0142."


def test_a_crisp_agent_asks_for_everything_at_once() -> None:
    crisp, _ = talk(restaurant_goal(), "A table, please.")
    chatty, _ = talk(restaurant_goal(), "A table, please.", temperament=Temperament.CHATTY)
    assert crisp[0].count("?") == 3
    assert chatty[0].count("?") < 3
    assert len(chatty[0]) > 20


def test_a_chatty_agent_asks_about_wishes() -> None:
    replies, _ = talk(restaurant_goal(), ASK, temperament=Temperament.CHATTY)
    assert "Would you rather" in replies[0]


def test_a_stubborn_agent_wants_it_confirmed_twice() -> None:
    replies, _ = talk(restaurant_goal(), ASK, YES, "Yes.", temperament=Temperament.STUBBORN)
    assert "sure" in replies[1]
    assert "is booked" in replies[2]


def test_a_forgetful_agent_passes_over_questions() -> None:
    said = [ASK, *["Is there parking? Is there vegan food? When does the kitchen close?"] * 4]
    replies, _ = talk(restaurant_goal(), *said, temperament=Temperament.FORGETFUL)
    first, later = replies[1], " ".join(replies[2:])
    assert first.count("kitchen") + later.count("kitchen") >= 1


def test_replies_are_the_same_for_the_same_seed() -> None:
    said = (ASK, "Is there parking?", YES, "No. Goodbye.")
    for temperament in Temperament:
        once, _ = talk(restaurant_goal(), *said, temperament=temperament)
        again, _ = talk(restaurant_goal(), *said, temperament=temperament)
        assert once == again


def test_anything_will_do() -> None:
    replies, labels = talk(restaurant_goal(), "A table for four, please.", "Any will do.", YES)
    assert "four people" in replies[1]
    assert labels["task"] == [(3, "COMPLETE")]


def test_two_requests_one_after_the_other() -> None:
    replies, _ = talk(
        restaurant_goal(),
        ASK,
        YES,
        "No. Now a room at a hotel, on Friday, for two nights, for four people.",
    )
    assert "is booked" in replies[1]
    assert "two nights" in replies[2]


def test_a_name_is_asked_for_once_more_and_then_done_without() -> None:
    replies, _ = talk(restaurant_goal(), ASK, "Yes, go ahead.", "Just book it.")
    assert "name" in replies[1]
    assert "is booked" in replies[2]


def test_a_request_that_failed_stays_failed() -> None:
    goal = restaurant_goal(troubles=[trouble("break_down", failure=Failure.FULL)])
    replies, labels = talk(goal, "A table on Friday at 19:00 for 2.", "And with Greek food?")
    assert "cannot" in replies[1]
    assert labels["food"] == [(2, "ATTEMPTED")]


def test_what_is_done_cannot_be_changed() -> None:
    replies, labels = talk(
        restaurant_goal(),
        "A table for 2 on Friday at 19:00, Greek food.",
        YES,
        "It has to be for four people.",
    )
    assert "cannot be changed" in replies[2]
    assert labels["people"] == [(3, "ATTEMPTED")]


def test_nonsense_is_answered() -> None:
    replies, labels = talk(
        restaurant_goal(), "\N{PILE OF POO}", "qwertz", "'; DROP TABLE restaurant; --", "?"
    )
    assert all(replies)
    assert labels["task"] == []


SNIPPETS = (
    "Hello.",
    "I would like to book a table.",
    "a hotel room please",
    "return order K-4471",
    "cancel my order",
    "a train from Ashby to Ashby",
    "from Corwen to Dunmore",
    "buy a kettle",
    "dentist",
    "on Friday",
    "for two",
    "at 19:00",
    "in the morning",
    "for three nights",
    "by voucher",
    "to my home",
    "in the harbour",
    "cheap",
    "Is there parking?",
    "how long does it take?",
    "what does it cost?",
    "yes",
    "no",
    "any will do",
    "go ahead",
    "My name is Ada Quill.",
    "555 0142",
    "I am 40 years old",
    "not a member",
    "it has to be Friday",
    "blue",
    "Can you give me a reference number?",
    "Can I have a confirmation?",
    "Thank you.",
    "Goodbye.",
    "???",
    "12",
)


def test_whatever_is_said_is_answered_and_labelled() -> None:
    chance = random.Random(5)
    for simulated in generate_goals(12, random_state=5):
        said = [" ".join(chance.choice(SNIPPETS) for _ in range(chance.randint(1, 4))) for _ in range(8)]
        for temperament in Temperament:
            replies, labels = talk(simulated, *said, temperament=temperament, leaves=True)
            assert all(reply.strip() for reply in replies)
            check_labels(
                simulated.goal,
                {name: [(turn, Status(s)) for turn, s in found] for name, found in labels.items()},
                len(said),
            )

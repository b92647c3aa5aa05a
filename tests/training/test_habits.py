"""Habits of annotated users: what they tell and ask, when, and how often a profile is wrong.

The dialogues are invented; the format is MultiWOZ's.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from tracker.goal import Category, Status
from training import phrases
from training.acts import Dialogue, Label
from training.habits import habits
from training.multiwoz import Act, Databases, Exchange

Acts = Sequence[tuple[str, str, str, str]]


class _NoVenues(Databases):
    """Databases without a single venue."""

    def __init__(self) -> None:
        self.rows = {}


def _turn(
    index: int,
    user: str,
    reply: str,
    asked: Acts = (),
    answered: Acts = (),
    belief: Mapping[str, Mapping[str, str]] | None = None,
) -> Exchange:
    return Exchange(
        index, user, reply, tuple(Act(*a) for a in asked), tuple(Act(*a) for a in answered), belief or {}, {}
    )


@pytest.fixture(scope="module")
def ride() -> Dialogue:
    """A train to Wickham, told bit by bit; its day is asked for, its size is not."""
    turns = (
        _turn(
            1,
            "A train to Wickham.",
            "On which day do you travel?",
            [("train", "inform", "destination", "wickham")],
            [("train", "request", "day", "?")],
        ),
        _turn(2, "On Friday.", "TR9001 is at 09:10.", [("train", "inform", "day", "friday")]),
        _turn(
            3,
            "Book it for 3 people. What is the travel time?",
            "50 minutes.",
            [("train", "inform", "people", "3"), ("train", "request", "duration", "?")],
            [("train", "inform", "duration", "50 minutes")],
        ),
        _turn(4, "That is all, goodbye.", "Goodbye."),
    )
    goal = {"train": {"info": {"destination": "wickham", "day": "friday", "arriveBy": "23:45"}}}
    return Dialogue("multiwoz-X1", goal, turns, _NoVenues())


def _labels(dialogue: Dialogue, tables: Sequence[str], *words: str) -> set[Label]:
    """The labels that sentences of one table about some words have, over many draws."""
    texts = {table.format(*words) for table in tables}
    found: set[Label] = set()
    for seed in range(400):
        found |= {label for _, text, label in habits(dialogue, random.Random(seed)) if text in texts}
    return found


def _broken(turn: int) -> Label:
    return ((turn, Status.MISALIGNED),)


DAY, SIZE = (phrases.SLOTS["day"], "Friday"), (phrases.SLOTS["people"], "3 people")
TO, BY = (phrases.SLOTS["destination"], "Wickham"), (phrases.SLOTS["arriveBy"], "23:45")


@pytest.mark.parametrize(
    ("table", "words", "label"),
    [
        (phrases.NEVER_TELL, DAY, _broken(2)),
        (phrases.NEVER_TELL, BY, ()),
        (phrases.TELL_FIRST, TO, ()),
        (phrases.TELL_FIRST, DAY, _broken(1)),
        (phrases.TELL_WHEN_ASKED, DAY, ()),
        (phrases.TELL_WHEN_ASKED, TO, _broken(1)),
        (phrases.TELL_BEFORE, (*TO, *DAY), ()),
        (phrases.TELL_BEFORE, (*DAY, *TO), _broken(1)),
        (phrases.TELL_BEFORE, (*BY, *SIZE), _broken(3)),
        (phrases.FACT_NEVER, ("travel time", "train"), _broken(3)),
        (phrases.FACT_NEVER, ("reference number", "train"), ()),
        (phrases.FACT_BEFORE_END, ("travel time", "train"), ()),
        (phrases.FACT_BEFORE_END, ("reference number", "train"), _broken(4)),
        (phrases.THANK_AT_END, (), _broken(4)),
    ],
)
def test_what_is_told_and_asked_decides_a_policy(
    ride: Dialogue, table: Sequence[str], words: Sequence[str], label: Label
) -> None:
    assert _labels(ride, table, *words) == {label}


def test_what_the_agent_may_have_asked_for_in_other_words_gives_nothing(ride: Dialogue) -> None:
    assert _labels(ride, phrases.TELL_WHEN_ASKED, *SIZE) == set()


def test_profiles_are_seldom_contradicted(ride: Dialogue) -> None:
    labels = [
        label
        for seed in range(300)
        for category, _, label in habits(ride, random.Random(seed))
        if category is Category.PROFILE
    ]
    broken = sum(bool(label) for label in labels) / len(labels)
    assert 0.03 < broken < 0.2
    assert {label for label in labels if label} == {_broken(3)}


def test_kept_and_broken_policies_are_mixed(ride: Dialogue) -> None:
    labels = [
        label
        for seed in range(200)
        for category, _, label in habits(ride, random.Random(seed))
        if category is Category.POLICY
    ]
    assert 0.3 < sum(bool(label) for label in labels) / len(labels) < 0.7

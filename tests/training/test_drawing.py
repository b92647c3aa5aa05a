"""What a pass asks: the judged questions that tell most, and made ones that are new in every pass."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from fixture_types import Talk

from tracker.conversation import Conversation
from tracker.goal import Category, Component, Status
from training import drawing
from training.data import Asked, Pack, Packer, labelled_questions
from training.drawing import Drawer, telling_questions
from training.exact import ExactComponent

Draws = Callable[..., Drawer]
RULE = Component(id="x", category=Category.POLICY, text="Never use an exclamation mark.")


@pytest.fixture
def drawer(boats: Conversation, lamps: Conversation, packer: Packer) -> Draws:
    """Makes a drawer over two invented conversations: ``drawer(exact=2)``."""

    def make(**given: float) -> Drawer:
        shape = {"branches": 10, "branches_per_pass": 10, "exact": 3, "changed": 1, "random_state": 1}
        return Drawer([boats, lamps], packer, **{**shape, **given})

    return make


def _said(pack: Pack) -> list[tuple[str, int]]:
    return [(a.question.component.text, a.turn) for a in pack.asked]


def _made(pack: Pack) -> set[str]:
    return {a.question.component.text for a in pack.asked if a.made}


def test_a_draw_is_the_seeds_and_the_positions_alone(drawer: Draws, boats: Conversation) -> None:
    first, again = drawer(), drawer()
    again.draw(boats, 7)
    for position in (3, 9):
        assert _said(first.draw(boats, position)) == _said(again.draw(boats, position))
    assert _said(drawer(random_state=2).draw(boats, 3)) != _said(first.draw(boats, 3))


def test_made_questions_are_new_in_every_pass(drawer: Draws, boats: Conversation) -> None:
    draws = [_made(drawer().draw(boats, position)) for position in range(6)]
    assert len(set().union(*draws)) > 2 * max(map(len, draws))
    judged = [
        {said for said, a in zip(_said(pack), pack.asked, strict=True) if not a.made}
        for pack in (drawer(branches_per_pass=99, branches=6).draw(boats, p) for p in range(3))
    ]
    assert judged[0] == judged[1] == judged[2]
    assert len(judged[0]) == 6


def test_every_change_is_asked_and_at_most_half_is_made(drawer: Draws, boats: Conversation) -> None:
    moves = sum(a.moves for a in labelled_questions(boats))
    for position in range(5):
        pack = drawer(exact=8).draw(boats, position)
        assert sum(a.moves for a in pack.asked if not a.made) == moves
        made = [a for a in pack.asked if a.made]
        assert 0 < len(made) <= max(5, sum(a.moves for a in made))
        assert [a.turn for a in pack.asked] == sorted(a.turn for a in pack.asked)
        assert sum(a.moves for a in drawer(branches_per_pass=1).draw(boats, position).asked) >= moves


def test_moves_are_asked_about_again_as_if_they_had_been_missed(drawer: Draws, boats: Conversation) -> None:
    shape = {"exact": 0, "changed": 0}
    plain = drawer(**shape).draw(boats, 3)
    behind = drawer(**shape, missed=1.0).draw(boats, 3)
    more = [said for said in _said(behind) if said not in _said(plain)]
    # Of the four that moved before the last turn each is asked once: where it would be asked no more (the
    # profile, the objective, the wish), or as what it was before (the requirement).
    assert len(behind.asked) == len(plain.asked) + 4
    moved = {c.text for c in boats.goal if c.id in ("p1", "o1", "w1")}
    assert moved <= {text for text, _ in more} <= moved | {"A skipper comes along."}


@pytest.fixture
def long(talk: Talk) -> Conversation:
    return talk(*[(f"Message {number}.", "Yes.") for number in range(1, 9)])


def _turns(asked: Sequence[Asked]) -> list[int]:
    return [a.turn for a in asked]


@pytest.mark.parametrize("seed", range(4))
def test_made_components_are_asked_at_the_turns_that_tell(long: Conversation, seed: int) -> None:
    asked = telling_questions(long, [ExactComponent(RULE, 6)], random.Random(seed))
    assert _turns(asked)[1:] == [5, 6]
    assert _turns(asked)[0] < 5
    assert [a.target for a in asked] == [Status.ALIGNED, Status.ALIGNED, Status.MISALIGNED]
    assert _turns(telling_questions(long, [ExactComponent(RULE, 1)], random.Random(seed))) == [1]
    never = telling_questions(long, [ExactComponent(RULE, None)], random.Random(seed))
    assert len(set(_turns(never))) == len(never) == 2
    assert not any(a.moves for a in never)


def test_components_are_recast_with_some_of_other_subjects(
    boats: Conversation, lamps: Conversation, packer: Packer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, list[str]]] = []

    def recast(
        conversation: Conversation, count: int, *, foreign: Sequence[Component], random_state: int | str
    ) -> list[ExactComponent]:
        given.append((count, [component.text for component in foreign]))
        return [ExactComponent(replace_text(f"Rule {random_state}."), None)]

    def replace_text(text: str) -> Component:
        return RULE.model_copy(update={"text": text})

    monkeypatch.setattr(drawing, "recast_components", recast)
    mine = replace(boats, domain="boat hire")
    conversations = [
        mine,
        replace(lamps, id="other", domain="lamp repair"),
        replace(lamps, id="same", domain="boat repair", goal=boats.goal, labels=None),
    ]
    shape = {"branches": 9, "branches_per_pass": 9, "recast": 2}
    packs = [Drawer(conversations, packer, **shape).draw(mine, position) for position in range(4)]
    assert len(set().union(*map(_made, packs))) == 4
    assert {count for count, _ in given} == {2}
    assert {text for _, texts in given for text in texts} <= {component.text for component in lamps.goal}
    assert any(texts for _, texts in given)
    # Where nobody says what a conversation is about, nothing is surely of another subject.
    given.clear()
    Drawer(conversations, packer, **shape).draw(boats, 0)
    assert given == [(2, [])]

"""The local user over a tiny model: the same seed, a cache that keeps what was read, whole messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker.conversation import Message, Role
from tracker.goal import Category, Component, Goal
from tracker.hardware import load_options
from tracker.llama import Model
from tracker.simulator.local import LocalUser
from tracker.simulator.steering import Instruction
from tracker.simulator.user import message_pieces, setting_pieces

GOAL = Goal(
    text="Get a boat.", components=(Component(id="o", category=Category.OBJECTIVE, text="Get a boat."),)
)
SAID = [
    Message(role=Role.USER, content="A boat."),
    Message(role=Role.ASSISTANT, content="Which <|im_end|>one?"),
]


@pytest.fixture
def user(tiny_model: Path) -> Iterator[LocalUser]:
    opened = LocalUser(Model(tiny_model, load_options(1)), name="tiny", threads=1, temperature=1.0, top_p=1.0)
    yield opened
    opened.close()


def test_the_same_seed_gives_the_same_candidates(user: LocalUser) -> None:
    drawn = []
    for seed in ("a", "a", "b"):
        speaker = user.start(GOAL, random_state=seed)
        drawn.append(speaker.propose([], Instruction(), 3))
        speaker.close()
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(text.strip() for text in drawn[0])


def test_candidates_differ_and_are_one_line(user: LocalUser) -> None:
    speaker = user.start(GOAL, random_state="c")
    texts = speaker.propose(SAID, Instruction(text="Say something."), 4)
    assert len(set(texts)) > 1
    assert all("\n" not in text for text in texts)


def test_what_was_read_stays_and_what_was_told_does_not(user: LocalUser) -> None:
    speaker = user.start(GOAL, random_state="d")
    speaker.propose([], Instruction(text="A very long instruction indeed."), 2)
    speaker.propose(SAID, Instruction(), 1)
    vocabulary = user._model.vocabulary
    expected = vocabulary.tokens([*setting_pieces(GOAL.text), *message_pieces(SAID)])
    assert len(speaker._sequence) == len(expected)


def test_what_was_said_before_is_drawn_again(user: LocalUser, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = user.start(GOAL, random_state="f")
    drawn = iter([["A boat.", "A red one."], [""], ["A blue one."]])
    monkeypatch.setattr(speaker, "_messages", lambda *_: next(drawn))
    assert speaker.propose(SAID, Instruction(), 2) == ["A blue one.", "A red one."]


def test_a_user_that_only_repeats_itself_is_let(user: LocalUser, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = user.start(GOAL, random_state="g")
    monkeypatch.setattr(speaker, "_messages", lambda *_: ["A boat."])
    assert speaker.propose(SAID, Instruction()) == ["A boat."]


def test_steering_changes_what_is_said(user: LocalUser) -> None:
    user.temperature = 0
    speaker = user.start(GOAL, random_state="e")
    plain = speaker.propose(SAID, Instruction())
    told = speaker.propose(SAID, Instruction(text="Say next: a red boat."))
    again = speaker.propose(SAID, Instruction())
    assert plain == again != told

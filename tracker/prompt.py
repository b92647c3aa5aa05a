"""The words that the model reads: a conversation as a growing prefix, and one question per component.

Knows the wording and which pieces are control tokens. Knows nothing about token ids, and nothing about
the grammar that the answer obeys. Training and tracking read the same words from here.

A message is written the way the base model's chat template writes it (ChatML). Control tokens are
``Control`` pieces and are turned into single ids; everything that a user typed is a ``str`` and is
tokenised with special tokens off, so no message can open or close a turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tracker.conversation import Role, Turn
from tracker.goal import Category, Component, Status, start_status


class Control(StrEnum):
    """Control tokens of the base model, by the text that its vocabulary gives them."""

    OPEN = "<|im_start|>"
    CLOSE = "<|im_end|>"


Piece = Control | str
"""A control token, or text in which nothing is special."""


@dataclass(frozen=True)
class Question:
    """Asks how a component stands after the last turn read, given how it stood before that turn."""

    component: Component
    previous: Status

    @property
    def category(self) -> Category:
        return self.component.category


def message_pieces(role: Role, content: str) -> list[Piece]:
    return [Control.OPEN, f"{role}\n{content}", Control.CLOSE, "\n"]


def opening_pieces(opening: str | None) -> list[Piece]:
    """What stands before the first turn: the agent's greeting, or nothing."""
    return [] if opening is None else message_pieces(Role.ASSISTANT, opening)


def turn_pieces(turn: Turn) -> list[Piece]:
    """A turn as it is appended to the prefix."""
    pieces = message_pieces(Role.USER, turn.user)
    if turn.assistant is not None:
        pieces += message_pieces(Role.ASSISTANT, turn.assistant)
    return pieces


def question_pieces(question: Question) -> list[Piece]:
    """A component's branch behind a turn, up to where the JSON answer begins.

    The status before the turn is told only when it is not the start: of what can still move, that is an
    ATTEMPTED objective or requirement.
    """
    before = "" if question.previous == start_status(question.category) else f" {question.previous}"
    return [Control.OPEN, f"{question.category}{before}\n{question.component.text}\n"]

"""What every decoder does: reads a conversation as it grows, and answers questions about it.

Knows the interface and nothing about how it is done; ``tracker.plain``, ``tracker.branches`` and
``tracker.modelless`` do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tracker.errors import ContextLengthError
from tracker.goal import Status
from tracker.prompt import Piece, Question

Distribution = dict[Status, float]
"""The probability of each status that the question allows, in the order of ``reachable``, summing to 1."""


class Reading(Protocol):
    """One conversation that is being read."""

    def read(self, pieces: Sequence[Piece]) -> None:
        """Append pieces to the conversation."""

    def ask(self, questions: Sequence[Question]) -> list[Distribution]:
        """Answer each question as if it were asked alone, behind all that was read so far.

        Raises ``ContextLengthError`` when the conversation and a question do not fit the model's context;
        every later question about it then ends the same way.
        """

    def copy(self) -> Reading:
        """The same conversation, to be read on from here on its own."""

    def close(self) -> None:
        """Give back what the reading holds; it cannot be used any more."""


class Decoder(Protocol):
    """A way to get statuses out of a model."""

    @property
    def name(self) -> str: ...

    @property
    def room(self) -> int:
        """Tokens that readings may still hold together."""

    def needed(self, pieces: Sequence[Piece], questions: Sequence[Question]) -> int:
        """Tokens of ``room`` that a reading of these pieces takes while any of the questions is asked."""

    def start(self) -> Reading:
        """An empty reading."""

    def ask(
        self, asked: Sequence[tuple[Reading, Sequence[Question]]]
    ) -> list[list[Distribution] | ContextLengthError]:
        """Do what ``Reading.ask`` does for several of this decoder's readings, each of them there once.

        In the place of a reading that does not fit stands its error; the others are answered all the same.
        """

    def close(self) -> None:
        """Free the model; readings cannot be used any more."""

"""A decoder without a model, for trackers that go by words alone.

Knows that it has no opinion: every status that a question allows is as likely as the others, so that what
``tracker.lexical`` says decides. Knows where the lexical model and the calibration for it alone are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tracker.decoding import Distribution, Reading
from tracker.errors import ContextLengthError, ModelError
from tracker.forward import Calibration
from tracker.goal import reachable
from tracker.lexical import LexicalModel
from tracker.model.digest import sha256
from tracker.prompt import Piece, Question
from tracker.resources import models_dir


class WordsDecoder:
    """Reads nothing and prefers nothing; its conversations may have any length."""

    name = "words"
    room = sys.maxsize

    def needed(self, pieces: Sequence[Piece], questions: Sequence[Question]) -> int:
        return 0

    def start(self) -> Reading:
        return _Unread()

    def ask(
        self, asked: Sequence[tuple[Reading, Sequence[Question]]]
    ) -> list[list[Distribution] | ContextLengthError]:
        return [reading.ask(questions) for reading, questions in asked]

    def close(self) -> None:
        """Nothing is held."""


class _Unread:
    def read(self, pieces: Sequence[Piece]) -> None:
        """Nothing is kept."""

    def ask(self, questions: Sequence[Question]) -> list[Distribution]:
        allowed = [reachable(question.component.category, question.previous) for question in questions]
        return [dict.fromkeys(statuses, 1 / len(statuses)) for statuses in allowed]

    def copy(self) -> _Unread:
        return self

    def close(self) -> None:
        """Nothing is held."""


def shipped_words() -> tuple[LexicalModel, Calibration, str]:
    """The lexical model that goalstate ships, the calibration for it alone, and its name for records.

    Raises ``ModelError`` where one of them is missing or cannot be read.
    """
    folder = models_dir() or Path("models")
    lexical, calibration = folder / "lexical.npz", folder / "calibration-words.json"
    for path in (lexical, calibration):
        if not path.exists():
            raise ModelError(f"{path} is missing: the lexical model is not completely installed")
    return LexicalModel.read(lexical), Calibration.read(calibration), f"lexical+{sha256(lexical)[:12]}"

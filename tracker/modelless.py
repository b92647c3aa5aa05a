"""Doing without the language model: a decoder that has no opinion, so that the others' decide.

Knows which opinions go together by a name, where their models and the calibration for them are, and what they
settle before a language model is asked. Knows nothing about how an opinion is come by.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracker.decoding import Distribution, Reading
from tracker.errors import ContextLengthError, ModelError
from tracker.forward import Calibration
from tracker.goal import reachable
from tracker.model.digest import sha256
from tracker.opinions import Opinion, OpinionModel, read_opinions
from tracker.prompt import Piece, Question
from tracker.resources import models_dir

MODELLESS = {"words": (Opinion.WORDS,), "encoder": (Opinion.WORDS, Opinion.ENCODER)}
"""Names of such decoders, and the opinions that each goes by."""
SETTLED = 0.98
"""Where the other opinions by themselves are this sure what follows, the language model is not asked. On
validation that leaves it a third of the questions (training/README.md)."""


class ModellessDecoder:
    """Reads nothing and prefers nothing: every status that a question allows is as likely as the others.

    Its conversations may have any length.
    """

    room = sys.maxsize

    def __init__(self, name: str) -> None:
        self.name = name

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
        return [undecided(question) for question in questions]

    def copy(self) -> _Unread:
        return self

    def close(self) -> None:
        """Nothing is held."""


def undecided(question: Question) -> Distribution:
    """No opinion: every status that the question allows is as likely as the others."""
    statuses = reachable(question.category, question.previous)
    return dict.fromkeys(statuses, 1 / len(statuses))


def settled(
    alone: Calibration, question: Question, said: Mapping[Opinion, Distribution]
) -> Distribution | None:
    """What follows, where the opinions are sure of it by themselves; ``None`` where they leave it open.

    ``alone`` is the calibration for these opinions without a language model.
    """
    follows = alone[question.category].mend(undecided(question), said)
    return follows if max(follows.values()) >= SETTLED else None


@dataclass(frozen=True)
class Shipped:
    """What a tracker without a language model goes by."""

    opinions: dict[Opinion, OpinionModel]
    calibration: Calibration
    name: str
    """For people and for records."""


def shipped(decoder: str, *, threads: int | None) -> Shipped:
    """What goalstate ships for one of the decoders of ``MODELLESS``.

    Raises ``ModelError`` where a part is missing or cannot be read.
    """
    folder = models_dir()
    if folder is None:
        raise ModelError("no models were installed with goalstate")
    files = {opinion: folder / f"{opinion}.npz" for opinion in MODELLESS[decoder]}
    calibration = folder / calibration_name(decoder)
    for path in (*files.values(), calibration):
        if not path.exists():
            raise ModelError(f"{path} is missing: goalstate is not completely installed")
    name = "+".join(f"{opinion}-{sha256(path)[:12]}" for opinion, path in files.items())
    return Shipped(read_opinions(files, threads=threads), Calibration.read(calibration), name)


def decoder_by(opinions: Collection[Opinion]) -> str | None:
    """The decoder of ``MODELLESS`` that goes by just these opinions, if there is one."""
    return next((decoder for decoder, by in MODELLESS.items() if set(by) == set(opinions)), None)


def calibration_alone(folder: Path, opinions: Collection[Opinion]) -> Calibration | None:
    """The calibration for just these opinions without a language model; ``None`` where there is none.

    Raises ``ModelError`` where it cannot be read.
    """
    decoder = decoder_by(opinions)
    if decoder is None or not (path := folder / calibration_name(decoder)).exists():
        return None
    return Calibration.read(path)


def calibration_name(decoder: str) -> str:
    """The file of the calibration for a decoder of ``MODELLESS``."""
    return f"calibration-{decoder}.json"

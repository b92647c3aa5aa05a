"""Opinions beside the language model's: what gives them, and what they are called.

Knows the interface and nothing about how an opinion is come by (``tracker.lexical``, ``tracker.encoder``) or
what it counts for (``tracker.forward``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from tracker.conversation import Turn
from tracker.decoding import Distribution
from tracker.goal import Goal
from tracker.prompt import Question


class Opinion(StrEnum):
    """Whose opinion it is; also the name of its file in ``models/``, without the ending."""

    WORDS = "lexical"
    """Trees over what is counted in words."""
    ENCODER = "encoder"
    """A small encoder that reads both ways."""


LEAST = 1e-4
"""No opinion holds a status that a component can take for less likely: none rules anything out."""


def with_least(probabilities: Distribution) -> Distribution:
    """The probabilities with none below ``LEAST``, made to sum to 1."""
    raised = {status: max(LEAST, probability) for status, probability in probabilities.items()}
    total = sum(raised.values())
    return {status: probability / total for status, probability in raised.items()}


class OpinionReading(Protocol):
    """One conversation as far as it was read. It never changes: ``after`` makes another."""

    def after(self, turn: Turn) -> OpinionReading:
        """That of the conversation with one more turn."""

    def ask(self, questions: Sequence[Question]) -> list[Distribution]:
        """For each question the status after the last turn, as ``tracker.decoding.Reading.ask`` has it."""


class OpinionModel(Protocol):
    """What has an opinion on every question."""

    def start(self, goal: Goal, *, opening: str | None = None) -> OpinionReading:
        """Begin to read a conversation; ``opening`` is what the agent said before the first message."""


def read_opinions(files: Mapping[Opinion, Path], *, threads: int | None) -> dict[Opinion, OpinionModel]:
    """The models in these files. Raises ``ModelError`` where one cannot be read."""
    models: dict[Opinion, OpinionModel] = {}
    # Each is loaded here, so that one that does not count costs no time.
    for opinion, path in files.items():
        if opinion is Opinion.WORDS:
            from tracker.lexical import LexicalModel

            models[opinion] = LexicalModel.read(path)
        else:
            from tracker.encoder import EncoderModel

            models[opinion] = EncoderModel.read(path, threads=threads)
    return models

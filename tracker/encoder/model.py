"""The encoder model: for a question, the probability of each status by what the encoder reads.

Knows the file of vocabulary and weights, which of the network's scores are whose, and the questions of
``tracker.prompt``. Knows nothing about how the encoder is trained (``training.encoder``) or what its opinion
counts for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from threadpoolctl import ThreadpoolController

from tracker.arrays import Array, read_arrays, write_arrays
from tracker.conversation import Turn
from tracker.decoding import Distribution
from tracker.encoder.network import Floats, Network
from tracker.encoder.text import Tokeniser, conversation_tokens
from tracker.errors import ModelError
from tracker.goal import STATUSES, Category, Goal, Status, is_final, reachable
from tracker.opinions import with_least
from tracker.prompt import Question

WHAT = "the encoder"
_VOCABULARY = "vocabulary"
"""The array of word pieces, one a line, beside those of the weights."""


def score_places() -> dict[tuple[Category, Status], slice]:
    """Which scores answer a question, by the category and the status before: one for each status that can
    follow, in the order of ``reachable``."""
    places: dict[tuple[Category, Status], slice] = {}
    start = 0
    for category in Category:
        for status in STATUSES[category]:
            if not is_final(category, status):
                count = len(reachable(category, status))
                places[category, status] = slice(start, start + count)
                start += count
    return places


PLACES = score_places()
SCORES = max(place.stop for place in PLACES.values())
POSITIONS = {category: position for position, category in enumerate(Category)}


@dataclass(frozen=True)
class EncoderModel:
    """A vocabulary and a network."""

    tokeniser: Tokeniser
    network: Network
    threads: int | None = None
    """Threads of the matrix products; as many as numpy takes by default."""

    @classmethod
    def read(cls, path: Path, *, threads: int | None = None) -> EncoderModel:
        """Read what ``write_encoder`` wrote. Raises ``ModelError`` where the file is no such thing."""
        vocabulary, arrays = read_encoder(path)
        try:
            tokeniser, network = Tokeniser(vocabulary), Network(arrays)
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise ModelError(f"{path}: {WHAT} cannot be read: {error}") from None
        if network.vocabulary != len(tokeniser.vocabulary) or network.outputs != SCORES:
            raise ModelError(f"{path}: {WHAT}'s weights do not fit its vocabulary or the statuses")
        return cls(tokeniser, network, threads)

    def start(self, goal: Goal, *, opening: str | None = None) -> EncoderReading:
        """Begin to read a conversation; ``opening`` is what the agent said before the first message."""
        return EncoderReading(self, opening, ())


def read_encoder(path: Path) -> tuple[list[str], dict[str, Array]]:
    """The vocabulary and the compressed weights that ``write_encoder`` wrote, as they stand there.

    Raises ``ModelError`` where the file is no such thing; whether the weights fit is not looked at.
    """
    arrays = read_arrays(path, WHAT)
    try:
        return arrays.pop(_VOCABULARY).tobytes().decode().split("\n"), arrays
    except (ValueError, KeyError) as error:
        raise ModelError(f"{path}: {WHAT} cannot be read: {error}") from None


def write_encoder(path: Path, vocabulary: Sequence[str], weights: Mapping[str, Array]) -> None:
    """Write a vocabulary and compressed weights; a file that was there is replaced whole or not at all."""
    pieces = np.frombuffer("\n".join(vocabulary).encode(), dtype=np.uint8)
    write_arrays(path, {_VOCABULARY: pieces, **weights})


@dataclass(frozen=True)
class EncoderReading:
    """One conversation as far as it was read. It never changes: ``after`` makes another."""

    model: EncoderModel
    opening: str | None
    turns: tuple[Turn, ...]

    def after(self, turn: Turn) -> EncoderReading:
        """That of the conversation with one more turn."""
        return EncoderReading(self.model, self.opening, (*self.turns, turn))

    def ask(self, questions: Sequence[Question]) -> list[Distribution]:
        """For each question the status after the last turn, as ``tracker.decoding.Reading.ask`` has it."""
        if not questions:
            return []
        components = list(dict.fromkeys(question.component for question in questions))
        tokeniser = self.model.tokeniser
        read = conversation_tokens(tokeniser, self.turns, self.opening)
        asked = [(POSITIONS[c.category], tokeniser.component(c)) for c in components]
        with _controller().limit(limits=self.model.threads, user_api="blas"):
            scores = self.model.network.scores(read, asked)
        rows = dict(zip(components, scores, strict=True))
        return [_distribution(question, rows[question.component]) for question in questions]


def _distribution(question: Question, scores: Floats) -> Distribution:
    category, before = question.category, question.previous
    own = scores[PLACES[category, before]].astype(np.float64)
    weights = np.exp(own - own.max())
    probabilities = (weights / weights.sum()).tolist()
    return with_least(dict(zip(reachable(category, before), probabilities, strict=True)))


@cache
def _controller() -> ThreadpoolController:
    """Looking for the libraries takes a while, so it is done once."""
    return ThreadpoolController()

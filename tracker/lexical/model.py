"""The lexical model: for a question, the probability of each status by what words say.

Knows a tree ensemble for each category, the file that they come in, and the questions of ``tracker.prompt``.
Knows nothing about how trees are grown (``training.lexical``) or what their opinion counts for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracker.arrays import Array, read_arrays, write_arrays
from tracker.conversation import Turn
from tracker.decoding import Distribution
from tracker.errors import ModelError
from tracker.goal import STATUSES, Category, Goal, reachable
from tracker.lexical.features import NAMES, Featuriser, names
from tracker.lexical.lexicon import Lexicon
from tracker.lexical.trees import Trees
from tracker.opinions import with_least
from tracker.prompt import Question


@dataclass(frozen=True)
class LexicalModel:
    """A lexicon, and trees for each category whose classes are the category's statuses, in their order."""

    lexicon: Lexicon
    trees: Mapping[Category, Trees]

    @classmethod
    def read(cls, path: Path) -> LexicalModel:
        """Read what :meth:`save` wrote. Raises ``ModelError`` where the file is no such thing."""
        what = "the lexical model"
        arrays = read_arrays(path, what)
        try:
            trained_on = tuple(arrays.pop("features").tolist())
            if trained_on != tuple(NAMES):
                raise ModelError(f"{path}: {what} was trained on other features than this version has")
            lexicon = Lexicon.from_arrays(_part(arrays, "lexicon"))
            trees = {category: Trees.from_arrays(_part(arrays, category)) for category in Category}
        except (ValueError, TypeError, KeyError) as error:
            raise ModelError(f"{path}: {what} cannot be read: {error}") from None
        for category, part in trees.items():
            features = len(names(lexicon, category))
            if len(part.start) != len(STATUSES[category]) or part.feature.max(initial=0) >= features:
                raise ModelError(f"{path}: {what}'s trees for {category} do not fit its statuses")
        return cls(lexicon, trees)

    def save(self, path: Path) -> None:
        """Write the model; a file that was there is replaced whole or not at all."""
        parts = {"lexicon": self.lexicon.arrays()} | {c: trees.arrays() for c, trees in self.trees.items()}
        arrays = {f"{part}.{name}": array for part, found in parts.items() for name, array in found.items()}
        write_arrays(path, {"features": np.array(NAMES), **arrays})

    def start(self, goal: Goal, *, opening: str | None = None) -> LexicalReading:
        """Begin to read a conversation; ``opening`` is what the agent said before the first message."""
        return LexicalReading(self, Featuriser(self.lexicon, goal, opening=opening))


@dataclass(frozen=True)
class LexicalReading:
    """One conversation as far as it was read. It never changes: ``after`` makes another."""

    model: LexicalModel
    featuriser: Featuriser

    def after(self, turn: Turn) -> LexicalReading:
        """That of the conversation with one more turn."""
        return LexicalReading(self.model, self.featuriser.after(turn))

    def ask(self, questions: Sequence[Question]) -> list[Distribution]:
        """For each question the status after the last turn, as ``tracker.decoding.Reading.ask`` has it."""
        answers: dict[Question, Distribution] = {}
        for category in Category:
            asked = [q for q in questions if q.component.category is category]
            if not asked:
                continue
            rows = np.array([self.featuriser.features(q.component, q.previous) for q in asked], np.float64)
            for question, probabilities in zip(
                asked, self.model.trees[category].probabilities(rows), strict=True
            ):
                by_status = dict(zip(STATUSES[category], probabilities.tolist(), strict=True))
                open_ = reachable(category, question.previous)
                answers[question] = with_least({status: by_status[status] for status in open_})
        return [answers[question] for question in questions]


def _part(arrays: Mapping[str, Array], part: str) -> dict[str, Array]:
    return {name.partition(".")[2]: a for name, a in arrays.items() if name.partition(".")[0] == part}

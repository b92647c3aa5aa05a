"""The lexical model: for a question, the probability of each status by what words say.

Knows a tree ensemble for each category, the file that they come in, and the questions of ``tracker.prompt``.
Knows nothing about how trees are grown (``training.lexical``) or what their opinion counts for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracker.arrays import read_arrays, write_arrays
from tracker.conversation import Turn
from tracker.decoding import Distribution
from tracker.errors import ModelError
from tracker.goal import STATUSES, Category, Goal, reachable
from tracker.lexical.features import NAMES, Featuriser
from tracker.lexical.trees import Trees
from tracker.prompt import Question

LEAST = 1e-4
"""No status that a component can take is held for less likely: words alone rule nothing out."""


@dataclass(frozen=True)
class LexicalModel:
    """Trees for each category; their classes are the category's statuses, in their order."""

    trees: Mapping[Category, Trees]

    @classmethod
    def read(cls, path: Path) -> LexicalModel:
        """Read what :meth:`save` wrote. Raises ``ModelError`` where the file is no such thing."""
        what = "the lexical model"
        arrays = read_arrays(path, what)
        try:
            names = tuple(str(name) for name in arrays.pop("features"))
            trees = {
                category: Trees.from_arrays(
                    {
                        name.partition(".")[2]: array
                        for name, array in arrays.items()
                        if name.partition(".")[0] == category
                    }
                )
                for category in Category
            }
        except (ValueError, KeyError) as error:
            raise ModelError(f"{path}: {what} cannot be read: {error}") from None
        if names != tuple(NAMES):
            raise ModelError(f"{path}: {what} was trained on other features than this version has")
        for category, part in trees.items():
            if len(part.start) != len(STATUSES[category]) or part.feature.max(initial=0) >= len(NAMES):
                raise ModelError(f"{path}: {what}'s trees for {category} do not fit its statuses")
        return cls(trees)

    def save(self, path: Path) -> None:
        """Write the model; a file that was there is replaced whole or not at all."""
        arrays = {
            f"{category}.{name}": array
            for category, trees in self.trees.items()
            for name, array in trees.arrays().items()
        }
        write_arrays(path, {"features": np.array(NAMES), **arrays})

    def start(self, goal: Goal, *, opening: str | None = None) -> LexicalReading:
        """Begin to read a conversation; ``opening`` is what the agent said before the first message."""
        return LexicalReading(self, Featuriser(goal, opening=opening))


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
                open_ = {s: max(LEAST, by_status[s]) for s in reachable(category, question.previous)}
                total = sum(open_.values())
                answers[question] = {status: value / total for status, value in open_.items()}
        return [answers[question] for question in questions]

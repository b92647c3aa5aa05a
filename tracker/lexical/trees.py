"""Boosted trees as arrays: numbers in, probabilities of classes out.

Knows thresholds, leaves and the softmax. Knows nothing about what the numbers mean or how trees are grown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trees:
    """Trees whose leaves are added up, class by class (Friedman 2001).

    Shapes: the first five (nodes of all trees,); ``roots`` and ``classes`` (trees,); ``start`` (classes,).
    A row goes left where its feature is at most the threshold. A leaf is its own child.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats
    roots: Ints
    """Each tree's first node."""
    classes: Ints
    """The class that each tree's leaves count for."""
    start: Floats
    """What every class has before the first tree."""

    def __post_init__(self) -> None:
        nodes = len(self.feature)
        whole = (
            all(len(part) == nodes for part in (self.threshold, self.left, self.right, self.value))
            and len(self.roots) == len(self.classes)
            and all(
                not part.size or (part.min() >= 0 and part.max() < limit)
                for part, limit in (
                    (self.left, nodes),
                    (self.right, nodes),
                    (self.roots, nodes),
                    (self.classes, len(self.start)),
                )
            )
            and self.feature.min(initial=0) >= 0
            and self._ends()
        )
        if not whole:
            raise ValueError("the trees' arrays do not fit each other")

    def _ends(self) -> bool:
        """Whether every node is a leaf or has both children behind it, so that going down comes to an end."""
        own = np.arange(len(self.feature))
        leaf = (self.left == own) & (self.right == own)
        return bool(np.all(leaf | ((self.left > own) & (self.right > own))))

    def probabilities(self, rows: Floats) -> Floats:
        """Shape (rows, features) → (rows, classes), each row summing to 1."""
        scores = np.tile(self.start, (len(rows), 1))
        node = np.tile(self.roots, (len(rows), 1))
        row = np.arange(len(rows))[:, None]
        while True:
            goes_left = rows[row, self.feature[node]] <= self.threshold[node]
            below = np.where(goes_left, self.left[node], self.right[node])
            if np.array_equal(below, node):
                break
            node = below
        leaves = self.value[node]
        for position in range(len(self.start)):
            scores[:, position] += leaves[:, self.classes == position].sum(axis=1)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Its parts by name, as small as they can be without a change; see ``from_arrays``."""
        whole = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: part.astype(np.min_scalar_type(part.max(initial=0))) if part.dtype == np.int64 else part
            for name, part in whole.items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Trees:
        """Raises ``KeyError`` where one is missing and ``ValueError`` where they do not fit each other."""

        def whole(name: str) -> Ints:
            return arrays[name].astype(np.int64)

        def floats(name: str) -> Floats:
            return arrays[name].astype(np.float64)

        return cls(
            feature=whole("feature"),
            threshold=floats("threshold"),
            left=whole("left"),
            right=whole("right"),
            value=floats("value"),
            roots=whole("roots"),
            classes=whole("classes"),
            start=floats("start"),
        )

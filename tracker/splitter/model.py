"""The trained split: where a goal's text is cut, and what each part of it is.

Knows weights, and the best way through them. Knows nothing about a component's wording or its objective.

It is a semi-Markov conditional random field (Sarawagi and Cohen 2004). A goal is a row of pieces, a split is
a row of labelled runs of pieces. The score of a split is a sum over its runs (``Featuriser.run``, a weight
for each label), over the places that they pass over uncut (``Featuriser.place``), and over the labels that
follow each other. The best split is found by dynamic programming, exactly. The weights are numbers in one
``.npz`` file; a goal takes some hundredths of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tracker.arrays import read_arrays, write_arrays
from tracker.errors import ModelError
from tracker.goal import Category
from tracker.splitter.features import Featuriser
from tracker.splitter.pieces import Pieces

Floats = npt.NDArray[np.float64]
Label = Category | None
"""What a run of pieces is; ``None`` where it is no component."""

LABELS: tuple[Label, ...] = (None, *Category)
"""The order of labels in all arrays."""

LONGEST = 12
"""The most pieces of a component."""


@dataclass(frozen=True)
class Run:
    """The pieces from ``first`` up to ``stop``, and what they are together."""

    first: int
    stop: int
    label: Label


@dataclass(frozen=True)
class Weights:
    """What was learnt: a row of ``runs`` and a number of ``places`` for each feature that counts.

    Shapes: ``runs`` (run features, labels), ``places`` (place features,), ``follow`` (label before, label),
    ``start`` (labels,).
    """

    run_features: dict[str, int]
    place_features: dict[str, int]
    runs: Floats
    places: Floats
    follow: Floats
    start: Floats

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Read weights that :meth:`save` wrote. Raises ``ModelError`` where the file is no such thing."""
        what = "the decomposer's weights"
        arrays = read_arrays(path, what)
        try:
            weights = cls(
                {str(name): row for row, name in enumerate(arrays["run_features"])},
                {str(name): row for row, name in enumerate(arrays["place_features"])},
                *(arrays[name].astype(np.float64) for name in ("runs", "places", "follow", "start")),
            )
        except (ValueError, KeyError) as error:
            raise ModelError(f"{path}: {what} cannot be read: {error}") from None
        labels = len(LABELS)
        shapes = [a.shape for a in (weights.runs, weights.places, weights.follow, weights.start)]
        rows, places = len(weights.run_features), len(weights.place_features)
        if shapes != [(rows, labels), (places,), (labels, labels), (labels,)]:
            raise ModelError(f"{path}: {what} do not fit each other: {shapes}")
        return weights

    def save(self, path: Path) -> None:
        """Write the weights in half precision, features without any left out."""
        runs, places = self.runs.astype(np.float16), self.places.astype(np.float16)
        kept_runs, kept_places = np.any(runs != 0, axis=1), places != 0
        write_arrays(
            path,
            {
                "run_features": np.array(list(self.run_features))[kept_runs],
                "place_features": np.array(list(self.place_features))[kept_places],
                "runs": runs[kept_runs],
                "places": places[kept_places],
                "follow": self.follow.astype(np.float16),
                "start": self.start.astype(np.float16),
            },
        )


def spans(pieces: Pieces) -> list[tuple[int, int]]:
    """Every run that a component may be: at most ``LONGEST`` pieces of at most two sentences that meet."""
    count = len(pieces)
    return [
        (first, stop)
        for first in range(count)
        for stop in range(first + 1, min(count, first + LONGEST) + 1)
        if pieces.pieces[stop - 1].sentence - pieces.pieces[first].sentence <= 1
    ]


def best_split(pieces: Pieces, weights: Weights) -> list[Run]:
    """The split with the highest score; its runs cover the pieces in order."""
    count = len(pieces)
    featuriser = Featuriser(pieces)
    places = np.array(
        [
            0.0,
            *(
                float(weights.places[_rows(featuriser.place(piece), weights.place_features)].sum())
                for piece in range(1, count)
            ),
            0.0,
        ]
    )
    passed = np.concatenate([[0.0], np.cumsum(places)])
    # best[stop, label]: of the first ``stop`` pieces, where the last run has ``label``.
    best = np.full((count + 1, len(LABELS)), -np.inf)
    begun = np.zeros((count + 1, len(LABELS)), dtype=np.int64)
    entered = np.tile(weights.start, (count + 1, 1))
    came_from = np.zeros((count + 1, len(LABELS)), dtype=np.int64)
    ending: dict[int, list[int]] = {}
    for first, stop in spans(pieces):
        ending.setdefault(stop, []).append(first)
    for stop in range(1, count + 1):
        for first in ending[stop]:
            rows = _rows(featuriser.run(first, stop), weights.run_features)
            score = entered[first] + weights.runs[rows].sum(axis=0) + passed[stop] - passed[first + 1]
            better = score > best[stop]
            best[stop, better], begun[stop, better] = score[better], first
        follow = best[stop][:, None] + weights.follow
        came_from[stop], entered[stop] = follow.argmax(axis=0), follow.max(axis=0)
    runs: list[Run] = []
    stop = count
    label = int(best[stop].argmax()) if count else 0
    while stop:
        first = int(begun[stop, label])
        runs.append(Run(first, stop, LABELS[label]))
        label, stop = int(came_from[first, label]), first
    return runs[::-1]


def _rows(features: Iterable[str], index: Mapping[str, int]) -> list[int]:
    # In one order always: a sum of floats depends on it.
    return sorted({index[feature] for feature in features if feature in index})

"""Fit the weights of ``tracker.splitter.model``: a semi-Markov conditional random field.

Knows features, lattices and the likelihood. Knows nothing about files.

The loss is the negative log-likelihood of the aligned splits plus an L2 penalty, minimised by L-BFGS. What
became no component may be cut in any way inside its sentence, so the likelihood sums over those splits. All
goals go through the recursion together: one step a piece, not one a goal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from torch import Tensor

from tracker.splitter.features import Featuriser
from tracker.splitter.model import LABELS, LONGEST, Run, Weights, spans
from tracker.splitter.pieces import Pieces

_IMPOSSIBLE = -1e4
"""A score that no sum of weights makes up for; -inf would give gradients that are no numbers."""
_FOLLOW_PENALTY = 0.1
"""The few weights of labels that follow each other are seen often and need less of the penalty."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A cut text, its features, and the split that is right; ``weight`` counts it as so many goals."""

    pieces: Pieces
    spans: tuple[tuple[int, int], ...]
    runs: tuple[frozenset[str], ...]
    places: tuple[frozenset[str], ...]
    truth: tuple[Run, ...]
    weight: float

    @classmethod
    def of(cls, pieces: Pieces, truth: Sequence[Run], *, weight: float = 1.0) -> Example:
        featuriser = Featuriser(pieces)
        possible = tuple(spans(pieces))
        return cls(
            pieces=pieces,
            spans=possible,
            runs=tuple(frozenset(featuriser.run(first, stop)) for first, stop in possible),
            places=tuple(frozenset(featuriser.place(piece)) for piece in range(1, len(pieces))),
            truth=tuple(truth),
            weight=weight,
        )

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which label each span may have in a split that is right, shape ``(spans, labels)``."""
        true = {(run.first, run.stop): run.label for run in self.truth}
        unlabelled = [run for run in self.truth if run.label is None]
        allowed = np.zeros((len(self.spans), len(LABELS)), dtype=bool)
        for row, (first, stop) in enumerate(self.spans):
            if true.get((first, stop)) is not None:
                allowed[row, LABELS.index(true[first, stop])] = True
            elif any(run.first <= first and stop <= run.stop for run in unlabelled):
                allowed[row, LABELS.index(None)] = True
        return allowed


def fit(examples: Sequence[Example], *, penalty: float, least: int, steps: int) -> Weights:
    """Fit the weights.

    Parameters
    ----------
    penalty
        Of the squared weights, halved.
    least
        In how many goals a feature must be found to have a weight.
    steps
        Of L-BFGS at most.
    """
    run_index = _index((example.runs for example in examples), least)
    place_index = _index((example.places for example in examples), least)
    runs = _matrix([features for example in examples for features in example.runs], run_index)
    passed = _passed(examples) @ _matrix([f for example in examples for f in example.places], place_index)
    lattice = _Lattice(examples)
    allowed = torch.from_numpy(np.concatenate([example.allowed() for example in examples]))
    goal_weights = torch.tensor([example.weight for example in examples])
    labels = len(LABELS)
    ends = np.cumsum([len(run_index) * labels, len(place_index), labels * labels])
    penalties = np.full(ends[-1] + labels, penalty)
    penalties[ends[1] :] *= _FOLLOW_PENALTY

    def parts(x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        of_runs, of_places, follow, start = np.split(x, ends)
        return of_runs.reshape(-1, labels), of_places, follow.reshape(labels, labels), start

    def loss(x: Floats) -> tuple[float, Floats]:
        of_runs, of_places, *others = parts(x)
        scores = _variable(runs @ of_runs + (passed @ of_places)[:, None])
        follow, start = map(_variable, others)
        right = lattice.log_sum(scores.masked_fill(~allowed, _IMPOSSIBLE), follow, start)
        surprise = ((lattice.log_sum(scores, follow, start) - right) * goal_weights).sum()
        surprise.backward()
        slope = _slope(scores)
        gradient = [runs.T @ slope, passed.T @ slope.sum(axis=1), _slope(follow), _slope(start)]
        flat = np.concatenate([part.ravel() for part in gradient])
        return float(surprise.detach()) + 0.5 * float(penalties @ (x * x)), flat + penalties * x

    found = minimize(
        loss, np.zeros(len(penalties)), jac=True, method="L-BFGS-B", options={"maxiter": steps, "ftol": 1e-5}
    )
    return Weights(run_index, place_index, *parts(found.x))


class _Lattice:
    """All ways to split all goals, padded to the longest; sums over them in one sweep."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._lengths = torch.tensor([len(example.pieces) for example in examples])
        longest = int(self._lengths.max())
        # rows[goal, stop, length]: the span's row among all spans; the last row is one that scores nothing.
        total = sum(len(example.spans) for example in examples)
        rows = np.full((len(examples), longest + 1, LONGEST + 1), total)
        row = 0
        for goal, example in enumerate(examples):
            for first, stop in example.spans:
                rows[goal, stop, stop - first] = row
                row += 1
        self._rows = torch.from_numpy(rows)

    def log_sum(self, scores: Tensor, follow: Tensor, start: Tensor) -> Tensor:
        """The log of the sum of all splits' exponentiated scores, shape ``(goals,)``."""
        goals, longest = self._rows.shape[0], self._rows.shape[1] - 1
        padded = torch.cat([scores, scores.new_full((1, scores.shape[1]), _IMPOSSIBLE)])
        entered = [start.expand(goals, -1)]
        reached: list[Tensor] = []
        for stop in range(1, longest + 1):
            ways = [
                entered[stop - length] + padded[self._rows[:, stop, length]]
                for length in range(1, min(stop, LONGEST) + 1)
            ]
            reached.append(torch.stack(ways).logsumexp(0))
            entered.append((reached[-1][:, :, None] + follow).logsumexp(1))
        ends = torch.stack(reached, 1)[torch.arange(goals), self._lengths - 1]
        return ends.logsumexp(-1)


def _index(found: Iterable[Sequence[frozenset[str]]], least: int) -> dict[str, int]:
    """Number the features that occur in at least ``least`` goals."""
    counts = Counter(feature for rows in found for feature in frozenset().union(*rows))
    return {name: row for row, name in enumerate(sorted(n for n, count in counts.items() if count >= least))}


def _matrix(rows: Sequence[frozenset[str]], index: dict[str, int]) -> csr_matrix:
    """Zeros and ones, shape ``(rows, features)``."""
    columns = [sorted(index[feature] for feature in row if feature in index) for row in rows]
    starts = np.cumsum([0, *map(len, columns)])
    flat = np.array([column for row in columns for column in row], dtype=np.int64)
    return csr_matrix((np.ones(len(flat)), flat, starts), shape=(len(rows), len(index)))


def _passed(examples: Sequence[Example]) -> csr_matrix:
    """Which places each span passes over uncut, shape ``(spans, places)``."""
    rows: list[int] = []
    columns: list[int] = []
    span = place = 0
    for example in examples:
        for first, stop in example.spans:
            inside = range(place + first, place + stop - 1)
            rows += [span] * len(inside)
            columns += inside
            span += 1
        place += len(example.places)
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(span, place))


def _variable(values: Floats) -> Tensor:
    return torch.from_numpy(np.array(values)).float().requires_grad_()


def _slope(variable: Tensor) -> Floats:
    assert variable.grad is not None
    return np.asarray(variable.grad.numpy(), dtype=np.float64)

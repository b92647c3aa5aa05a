"""Figures with 95% intervals: percentile bootstraps that draw whole conversations.

Knows sums by conversation, draws of conversations, and figures on them. Knows nothing about what is summed or
which figure it is.

The labels of one conversation hang together, so conversations are drawn and not labels (Efron and Tibshirani
1993, chapter 13). Everything summed is additive over conversations; a resample is then a weighted sum, and a
thousand of them cost one matrix product. What stands in a single conversation says nothing about chance, and
has no interval.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tracker.metrics import Floats, ratio

_DRAWN_AT_ONCE = 100
"""Resamples whose weights are in memory at one time."""

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95% interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float | None]:
        """The three by name, ``None`` in the place of NaN."""
        return {name: None if math.isnan(number) else number for name, number in vars(self).items()}


@dataclass(frozen=True)
class Sample:
    """A figure and its values on the resamples, shape ``(resamples,)``; empty without an interval."""

    value: float
    resampled: Floats

    @classmethod
    def of(cls, value: float, resampled: Floats, counted: Floats) -> Sample:
        """A figure of a part of what was summed, of which ``counted`` tells how much each conversation has.

        Where a single conversation has any, the figure has no interval.
        """
        alone = np.count_nonzero(counted) < 2
        return cls(value, np.full_like(resampled, np.nan) if alone else resampled)

    def defined(self) -> Floats:
        """The resampled values that are not NaN; none where the figure itself is not defined."""
        return self.resampled[~np.isnan(self.resampled) & (not math.isnan(self.value))]

    def estimate(self) -> Estimate:
        """The figure with the interval that holds 95% of its defined resamples."""
        defined = self.defined()
        if not len(defined):
            return Estimate(self.value, math.nan, math.nan)
        low, high = np.percentile(defined, [2.5, 97.5])
        return Estimate(self.value, float(low), float(high))

    def steady(self) -> Floats:
        """The resampled values; the figure itself in their place where none is defined."""
        undefined = np.isnan(self.resampled).all()
        return np.full_like(self.resampled, self.value) if undefined else self.resampled


def resampled(sums: Mapping[_Key, Floats], *, resamples: int, random_state: int) -> dict[_Key, Floats]:
    """Add up the sums of conversations drawn with replacement, the same draws for every array.

    The arrays' first axis goes from conversations to resamples. A conversation with nothing in any of them is
    not drawn. There are no resamples of a single conversation, and those of an array that only one has
    anything in are NaN.
    """
    having = {key: part.reshape(len(part), -1).any(axis=1) for key, part in sums.items()}
    present = np.logical_or.reduce([*having.values()]) if sums else np.zeros(0, dtype=np.bool_)
    conversations = int(present.sum())
    if conversations < 2:
        return {key: part[:0] for key, part in sums.items()}
    generator = np.random.default_rng(random_state)
    chances = np.full(conversations, 1 / conversations)
    drawn = {key: np.empty((resamples, *part.shape[1:])) for key, part in sums.items()}
    for first in range(0, resamples, _DRAWN_AT_ONCE):
        rows = slice(first, min(first + _DRAWN_AT_ONCE, resamples))
        weights = generator.multinomial(conversations, chances, size=rows.stop - first).astype(np.float64)
        for key, part in sums.items():
            drawn[key][rows] = np.tensordot(weights, part[present], axes=1)
    for key, there in having.items():
        if there.sum() < 2:
            drawn[key][:] = np.nan
    return drawn


def average(samples: Sequence[Sample]) -> Sample:
    """The mean of figures of the same resamples, over those that are defined; NaN where none is."""
    defined = [sample for sample in samples if not math.isnan(sample.value)]
    if not defined:
        return Sample(math.nan, np.empty(0))
    values = np.stack([sample.steady() for sample in defined])
    mean = ratio(np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0))
    return Sample(float(np.mean([sample.value for sample in defined])), mean)

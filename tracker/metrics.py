"""Metrics of agreement as closed forms on sums, for any number of them at once.

Knows confusion matrices, shape ``(..., K, K)`` → ``(...)`` with the judge's statuses (or the first rater's)
as rows, Krippendorff's coincidences and binned probabilities. Knows nothing about conversations or intervals.
A figure that is not defined is NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CALIBRATION_BINS = 10
"""Bins of equal width over [0, 1] for the expected calibration error."""


def confusion_matrices(group: Ints, truth: Ints, predicted: Ints, *, groups: int, statuses: int) -> Floats:
    """Count labels by group, true and predicted status: three arrays ``(n,)`` → ``(groups, K, K)``."""
    counts = np.zeros((groups, statuses, statuses))
    np.add.at(counts, (group, truth, predicted), 1.0)
    return counts


def accuracy(confusion: Floats) -> Floats:
    """The share of labels on the diagonal; NaN where there are none."""
    return ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def f1(confusion: Floats) -> Floats:
    """F1 of every status, shape ``(..., K)``; NaN of one that occurs neither in rows nor in columns."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return ratio(2 * hits, confusion.sum(axis=-1) + confusion.sum(axis=-2))


def macro_f1(confusion: Floats) -> Floats:
    """The mean F1 over the statuses that occur in rows or columns; NaN where none does."""
    each = f1(confusion)
    return ratio(np.nansum(each, axis=-1), (~np.isnan(each)).sum(axis=-1))


def cohen_kappa(confusion: Floats) -> Floats:
    """Cohen's kappa (Cohen 1960); NaN where both sides only ever say the same one status."""
    total = confusion.sum(axis=(-2, -1))
    by_chance = (confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1)
    return ratio(total * np.trace(confusion, axis1=-2, axis2=-1) - by_chance, total**2 - by_chance)


def recall(confusion: Floats, status: int) -> Floats:
    """The share of row ``status`` on the diagonal; NaN where the row is empty."""
    return ratio(confusion[..., status, status], confusion[..., status, :].sum(axis=-1))


def start_accuracy(confusion: Floats) -> Floats:
    """The accuracy of always answering the first status, the start; NaN where there are no labels."""
    return ratio(confusion[..., 0, :].sum(axis=-1), confusion.sum(axis=(-2, -1)))


def krippendorff_alpha(coincidences: Floats) -> Floats:
    """Nominal alpha from matrices of coincidences; NaN where only ever one value is given.

    The formula is section 3 of Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".
    """
    totals = coincidences.sum(axis=-1)
    pairs = totals.sum(axis=-1)
    observed = pairs - np.trace(coincidences, axis1=-2, axis2=-1)
    # Coincidences are sums of fractions, so a difference of nothing is not always 0.
    expected = np.where((by_chance := pairs**2 - (totals**2).sum(axis=-1)) > 1e-9, by_chance, 0.0)
    return 1 - ratio((pairs - 1) * observed, expected)


def calibration_sums(group: Ints, probability: Floats, correct: Bools, *, groups: int) -> Floats:
    """Labels, summed probability and hits by group and bin: three arrays ``(n,)`` → ``(groups, bins, 3)``."""
    sums = np.zeros((groups, CALIBRATION_BINS, 3))
    bins = np.minimum((probability * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    values = np.stack([np.ones_like(probability), probability, correct.astype(np.float64)], axis=-1)
    np.add.at(sums, (group, bins), values)
    return sums


def calibration_error(sums: Floats) -> Floats:
    """Expected calibration error (Naeini et al. 2015) from binned sums, shape ``(..., bins, 3)`` → ``(...)``.

    The mean, weighted by labels, of what separates a bin's mean probability from its share of hits.
    """
    return ratio(np.abs(sums[..., 1] - sums[..., 2]).sum(axis=-1), sums[..., 0].sum(axis=-1))


def calibration_error_by_chance(sums: Floats, *, draws: int, random_state: int) -> float:
    """What ``calibration_error`` would be on average on these labels, were every probability right.

    ``sums`` has the shape ``(groups, bins, 3)``. Few labels never hit just as often as they should, and those
    of a group hang together; so what separates hits from probability keeps its size in every group and gets
    its sign by chance (a wild bootstrap: Liu 1988, "Bootstrap procedures under some non-i.i.d. models").
    Somewhat too high where the probabilities are off; NaN where fewer than two groups have labels.
    """
    there = sums[sums[..., 0].any(axis=-1)]
    if len(there) < 2:
        return math.nan
    signs = np.random.default_rng(random_state).choice([-1.0, 1.0], size=(draws, len(there)))
    apart = np.abs(signs @ (there[..., 1] - there[..., 2])).sum(axis=-1)
    return float(apart.mean() / there[..., 0].sum())


def ratio(above: Floats, below: Floats | Ints) -> Floats:
    """Divide, with NaN where the divisor is zero, or NaN itself."""
    quotient: Floats = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient

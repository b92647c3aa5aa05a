"""How well tracked statuses agree with a judge's labels.

Knows arrays of status indices, the metrics of the literature, and the bootstrap over conversations. Knows
nothing about models, files or how figures are shown.

A *label* is the judge's status of one component after one turn. The figures themselves are scikit-learn's.
Their intervals are percentile bootstraps that draw whole conversations, since the labels of one conversation
hang together; a resample is a weighted sum of the conversations' confusion matrices, on which the same
metrics have closed forms, so a thousand resamples cost one matrix product.

Where a figure is not defined (kappa when judge and tracker only ever say the same one status, recall of a
status that never occurs) it is NaN, and is left out of the average over the categories.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, recall_score

from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.goal import STATUSES, Category, Status
from tracker.state import Track

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CALIBRATION_BINS = 10
"""Bins of equal width over [0, 1] for the expected calibration error."""

_DRAWN_AT_ONCE = 100
"""Resamples whose weights are in memory at one time."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95% interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float | None]:
        return {
            "value": _json_number(self.value),
            "low": _json_number(self.low),
            "high": _json_number(self.high),
        }


@dataclass(frozen=True)
class Scores:
    """Agreement on a set of labels, and the floor that it has to be seen against."""

    accuracy: Estimate
    macro_f1: Estimate
    """Unweighted mean of F1 over the statuses that the judge or the tracker uses."""
    kappa: Estimate
    """Cohen's kappa."""
    start_accuracy: Estimate
    """The accuracy of always answering the start status."""


@dataclass(frozen=True)
class Figures:
    """Agreement after every turn and after the last, with what is measured on every turn only."""

    every_turn: Scores
    last_turn: Scores
    attempted_recall: Estimate
    """The share of the judge's ATTEMPTED that the tracker calls ATTEMPTED."""
    calibration_error: Estimate
    """Expected calibration error of the reported status' probability."""

    def as_json(self) -> dict[str, Any]:
        return {
            "every_turn": {name: estimate.as_json() for name, estimate in vars(self.every_turn).items()},
            "last_turn": {name: estimate.as_json() for name, estimate in vars(self.last_turn).items()},
            "attempted_recall": self.attempted_recall.as_json(),
            "calibration_error": self.calibration_error.as_json(),
        }


@dataclass(frozen=True)
class CategoryAgreement:
    """The figures of one category, and the counts behind them."""

    components: int
    labels: int
    figures: Figures
    confusion: Ints
    """Labels by the judge's status (rows) and the tracker's (columns), in the order of ``STATUSES``."""
    last_turn_confusion: Ints


@dataclass(frozen=True)
class Agreement:
    """Agreement per category present and as the plain average over them."""

    conversations: int
    components: int
    labels: int
    categories: Mapping[Category, CategoryAgreement]
    average: Figures
    resamples: int
    random_state: int

    def as_json(self) -> dict[str, Any]:
        return {
            "conversations": self.conversations,
            "components": self.components,
            "labels": self.labels,
            "resamples": self.resamples,
            "random_state": self.random_state,
            "categories": {
                str(category): {
                    "components": part.components,
                    "labels": part.labels,
                    **part.figures.as_json(),
                    "statuses": [str(status) for status in STATUSES[category]],
                    "confusion": part.confusion.tolist(),
                    "last_turn_confusion": part.last_turn_confusion.tolist(),
                }
                for category, part in self.categories.items()
            },
            "average": self.average.as_json(),
        }


def evaluate(
    conversations: Iterable[Conversation],
    tracks: Iterable[Track],
    *,
    random_state: int = 0,
    resamples: int = 1000,
) -> Agreement:
    """Compare tracks with the labels of their conversations, given in the same order.

    The intervals are of ``resamples`` draws of the conversations with replacement; what stands in a single
    conversation has none (NaN). Raises ``InputError`` where a conversation has no labels or there is nothing
    to compare, ``ValueError`` where a track is not the conversation's.
    """
    pairs = list(zip(conversations, tracks, strict=True))
    for conversation, track in pairs:
        if conversation.labels is None:
            raise InputError(f"conversation {conversation.id!r} has no labels to compare with")
        if track.id != conversation.id or len(track.states) != len(conversation.turns):
            raise ValueError(f"the track of {track.id!r} is not one of conversation {conversation.id!r}")
    judged = {category: labels for category in Category if len(labels := _collect(pairs, category))}
    if not judged:
        raise InputError("no labels to compare with: no conversation has a turn and a labelled component")
    sums = {category: _sum(labels, category, len(pairs)) for category, labels in judged.items()}
    resampled = _resample(list(sums.values()), resamples=resamples, random_state=random_state)
    samples = {
        category: _samples(labels, category, sums[category], drawn)
        for (category, labels), drawn in zip(judged.items(), resampled, strict=True)
    }
    categories = {
        category: CategoryAgreement(
            components=sum(component.category is category for pair in pairs for component in pair[0].goal),
            labels=len(labels),
            figures=_figures(samples[category]),
            confusion=sums[category].every_turn.sum(axis=0).astype(np.int64),
            last_turn_confusion=sums[category].last_turn.sum(axis=0).astype(np.int64),
        )
        for category, labels in judged.items()
    }
    return Agreement(
        conversations=len(pairs),
        components=sum(part.components for part in categories.values()),
        labels=sum(part.labels for part in categories.values()),
        categories=categories,
        average=_figures(_average(list(samples.values()))),
        resamples=resamples,
        random_state=random_state,
    )


# Metrics as closed forms on confusion matrices, shape (..., K, K) → (...): rows are the judge's statuses.


def confusion_matrices(group: Ints, truth: Ints, predicted: Ints, *, groups: int, statuses: int) -> Floats:
    """Count labels by group, true and predicted status: three arrays ``(n,)`` → ``(groups, K, K)``."""
    counts = np.zeros((groups, statuses, statuses))
    np.add.at(counts, (group, truth, predicted), 1.0)
    return counts


def accuracy(confusion: Floats) -> Floats:
    """The share of labels on the diagonal; NaN where there are none."""
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def macro_f1(confusion: Floats) -> Floats:
    """The mean F1 over the statuses that occur in rows or columns; NaN where none does."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _mean(_ratio(2 * hits, confusion.sum(axis=-1) + confusion.sum(axis=-2)), axis=-1)


def cohen_kappa(confusion: Floats) -> Floats:
    """Cohen's kappa (Cohen 1960); NaN where both sides only ever say the same one status."""
    total = confusion.sum(axis=(-2, -1))
    by_chance = (confusion.sum(axis=-1) * confusion.sum(axis=-2)).sum(axis=-1)
    return _ratio(total * np.trace(confusion, axis1=-2, axis2=-1) - by_chance, total**2 - by_chance)


def recall(confusion: Floats, status: int) -> Floats:
    """The share of row ``status`` on the diagonal; NaN where the row is empty."""
    return _ratio(confusion[..., status, status], confusion[..., status, :].sum(axis=-1))


def start_accuracy(confusion: Floats) -> Floats:
    """The accuracy of always answering the first status, the start; NaN where there are no labels."""
    return _ratio(confusion[..., 0, :].sum(axis=-1), confusion.sum(axis=(-2, -1)))


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
    return _ratio(np.abs(sums[..., 1] - sums[..., 2]).sum(axis=-1), sums[..., 0].sum(axis=-1))


@dataclass(frozen=True)
class _Labels:
    """The labels of one category as indices into its statuses; every array has shape ``(n,)``."""

    conversation: Ints
    truth: Ints
    predicted: Ints
    probability: Floats
    last: Bools

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class _Sums:
    """What the metrics of one category need, by conversation or by resample along the first axis."""

    every_turn: Floats
    last_turn: Floats
    calibration: Floats


@dataclass(frozen=True)
class Sample:
    """A figure and its values on the resamples, shape ``(resamples,)``; empty without an interval."""

    value: float
    resampled: Floats

    def steady(self) -> Floats:
        """The resampled values; the figure itself in their place where none is defined."""
        undefined = np.isnan(self.resampled).all()
        return np.full_like(self.resampled, self.value) if undefined else self.resampled

    def estimate(self) -> Estimate:
        defined = self.resampled[~np.isnan(self.resampled)]
        if math.isnan(self.value) or not len(defined):
            return Estimate(self.value, math.nan, math.nan)
        low, high = np.percentile(defined, [2.5, 97.5])
        return Estimate(self.value, float(low), float(high))


_Samples = Mapping[str, Sample]
"""By the names of ``_FIGURES``."""

_SCORES = ("accuracy", "macro_f1", "kappa", "start_accuracy")
_FIGURES = (
    *(f"every_turn.{name}" for name in _SCORES),
    *(f"last_turn.{name}" for name in _SCORES),
    "attempted_recall",
    "calibration_error",
)


def _collect(pairs: Sequence[tuple[Conversation, Track]], category: Category) -> _Labels:
    """Line up judge and tracker over all turns of all components of a category."""
    index = {status: position for position, status in enumerate(STATUSES[category])}
    conversation: list[int] = []
    truth: list[int] = []
    predicted: list[int] = []
    probability: list[float] = []
    last: list[bool] = []
    for position, (judged, track) in enumerate(pairs):
        for component in judged.goal:
            if component.category is not category:
                continue
            statuses = judged.labelled_statuses(component.id)
            for turn, (status, state) in enumerate(zip(statuses, track.states, strict=True), start=1):
                conversation.append(position)
                truth.append(index[status])
                predicted.append(index[state[component.id].status])
                probability.append(state[component.id].probability)
                last.append(turn == len(statuses))
    return _Labels(
        conversation=np.array(conversation, dtype=np.int64),
        truth=np.array(truth, dtype=np.int64),
        predicted=np.array(predicted, dtype=np.int64),
        probability=np.array(probability, dtype=np.float64),
        last=np.array(last, dtype=np.bool_),
    )


def _sum(labels: _Labels, category: Category, conversations: int) -> _Sums:
    def count(chosen: Bools) -> Floats:
        return confusion_matrices(
            labels.conversation[chosen],
            labels.truth[chosen],
            labels.predicted[chosen],
            groups=conversations,
            statuses=len(STATUSES[category]),
        )

    return _Sums(
        every_turn=count(np.ones(len(labels), dtype=np.bool_)),
        last_turn=count(labels.last),
        calibration=calibration_sums(
            labels.conversation, labels.probability, labels.truth == labels.predicted, groups=conversations
        ),
    )


def _resample(sums: Sequence[_Sums], *, resamples: int, random_state: int) -> list[_Sums]:
    """Add up the sums of conversations drawn with replacement, the same draws for every category.

    Those of a category that only one conversation has are NaN: they say nothing about chance.
    """
    conversations = len(sums[0].every_turn)
    if conversations < 2:
        resamples = 0
    flat = np.concatenate(
        [
            array.reshape(conversations, -1)
            for part in sums
            for array in (part.every_turn, part.last_turn, part.calibration)
        ],
        axis=1,
    )
    generator = np.random.default_rng(random_state)
    chances = np.full(conversations, 1 / conversations)
    drawn = np.empty((resamples, flat.shape[1]))
    for first in range(0, resamples, _DRAWN_AT_ONCE):
        rows = drawn[first : first + _DRAWN_AT_ONCE]
        rows[:] = generator.multinomial(conversations, chances, size=len(rows)) @ flat
    single = [np.count_nonzero(part.every_turn.any(axis=(1, 2))) < 2 for part in sums]
    drawn[:, np.repeat(single, [sum(_widths(part)) for part in sums])] = np.nan
    columns = iter(np.split(drawn, np.cumsum([size for part in sums for size in _widths(part)])[:-1], axis=1))

    def like(array: Floats) -> Floats:
        return next(columns).reshape(resamples, *array.shape[1:])

    return [_Sums(like(part.every_turn), like(part.last_turn), like(part.calibration)) for part in sums]


def _widths(sums: _Sums) -> list[int]:
    return [array[0].size for array in (sums.every_turn, sums.last_turn, sums.calibration)]


def _samples(labels: _Labels, category: Category, sums: _Sums, drawn: _Sums) -> _Samples:
    last = labels.last
    samples = {
        "attempted_recall": _attempted_recall(labels, category, drawn),
        "calibration_error": Sample(
            float(calibration_error(sums.calibration.sum(axis=0))), calibration_error(drawn.calibration)
        ),
    }
    for part, truth, predicted, confusion in (
        ("every_turn", labels.truth, labels.predicted, drawn.every_turn),
        ("last_turn", labels.truth[last], labels.predicted[last], drawn.last_turn),
    ):
        samples[f"{part}.accuracy"] = Sample(float(accuracy_score(truth, predicted)), accuracy(confusion))
        samples[f"{part}.macro_f1"] = Sample(
            float(f1_score(truth, predicted, average="macro")), macro_f1(confusion)
        )
        samples[f"{part}.kappa"] = Sample(_kappa(truth, predicted), cohen_kappa(confusion))
        samples[f"{part}.start_accuracy"] = Sample(
            float(accuracy_score(truth, np.zeros_like(truth))), start_accuracy(confusion)
        )
    return samples


def _kappa(truth: Ints, predicted: Ints) -> float:
    if len(np.union1d(truth, predicted)) == 1:
        return math.nan  # what scikit-learn says too, with a warning
    return float(cohen_kappa_score(truth, predicted))


def _attempted_recall(labels: _Labels, category: Category, drawn: _Sums) -> Sample:
    statuses = STATUSES[category]
    attempted = statuses.index(Status.ATTEMPTED) if Status.ATTEMPTED in statuses else None
    if attempted is None or attempted not in labels.truth:
        return Sample(math.nan, np.empty(0))
    (value,) = recall_score(labels.truth, labels.predicted, labels=[attempted], average=None, zero_division=0)
    return Sample(float(value), recall(drawn.every_turn, attempted))


def _average(parts: Sequence[_Samples]) -> _Samples:
    """Average every figure over the categories in which it is defined."""
    averages = {}
    for name in _FIGURES:
        samples = [part[name] for part in parts if not math.isnan(part[name].value)]
        if samples:
            value = float(np.mean([sample.value for sample in samples]))
            averages[name] = Sample(value, _mean(np.stack([each.steady() for each in samples]), axis=0))
        else:
            averages[name] = Sample(math.nan, np.empty(0))
    return averages


def _figures(samples: _Samples) -> Figures:
    def scores(part: str) -> Scores:
        return Scores(**{name: samples[f"{part}.{name}"].estimate() for name in _SCORES})

    return Figures(
        every_turn=scores("every_turn"),
        last_turn=scores("last_turn"),
        attempted_recall=samples["attempted_recall"].estimate(),
        calibration_error=samples["calibration_error"].estimate(),
    )


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide, with NaN where the divisor is zero."""
    quotient: Floats = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def _mean(values: Floats, axis: int) -> Floats:
    """The mean of what is not NaN; NaN where nothing is left."""
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0.0).sum(axis=axis), defined.sum(axis=axis).astype(np.float64))


def _json_number(value: float) -> float | None:
    return None if math.isnan(value) else value

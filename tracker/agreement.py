"""How well tracked statuses agree with a judge's labels.

Knows arrays of status indices and which figures are reported of them. Knows nothing about models, files or
how figures are shown.

A *label* is the judge's status of one component after one turn. The figures themselves are scikit-learn's;
their intervals draw whole conversations (``tracker.bootstrap``), on whose summed confusion matrices the same
metrics have closed forms (``tracker.metrics``).

Where a figure is not defined (kappa when judge and tracker only ever say the same one status, recall of a
status that never occurs) it is NaN, and is left out of the average over the categories.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, recall_score

from tracker.bootstrap import Estimate, Sample, average, resampled
from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.goal import STATUSES, Category, Status
from tracker.metrics import (
    Bools,
    Floats,
    Ints,
    accuracy,
    calibration_error,
    calibration_error_by_chance,
    calibration_sums,
    cohen_kappa,
    confusion_matrices,
    macro_f1,
    recall,
    start_accuracy,
)
from tracker.state import Track


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
    calibration_error_by_chance: float
    """What it would be on average on as few labels were every probability right; NaN of one conversation."""

    def as_json(self) -> dict[str, Any]:
        by_chance = self.calibration_error_by_chance
        return {
            "every_turn": {name: estimate.as_json() for name, estimate in vars(self.every_turn).items()},
            "last_turn": {name: estimate.as_json() for name, estimate in vars(self.last_turn).items()},
            "attempted_recall": self.attempted_recall.as_json(),
            "calibration_error": self.calibration_error.as_json(),
            "calibration_error_by_chance": None if math.isnan(by_chance) else by_chance,
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
    drawn = _resample(sums, resamples=resamples, random_state=random_state)
    samples = {
        category: _samples(
            labels, category, sums[category], drawn[category], resamples=resamples, random_state=random_state
        )
        for category, labels in judged.items()
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
        average=_figures({name: average([each[name] for each in samples.values()]) for name in _FIGURES}),
        resamples=resamples,
        random_state=random_state,
    )


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


_Samples = Mapping[str, Sample]
"""By the names of ``_FIGURES``."""

_SCORES = ("accuracy", "macro_f1", "kappa", "start_accuracy")
_FIGURES = (
    *(f"every_turn.{name}" for name in _SCORES),
    *(f"last_turn.{name}" for name in _SCORES),
    "attempted_recall",
    "calibration_error",
    "calibration_error_by_chance",
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


def _resample(sums: Mapping[Category, _Sums], *, resamples: int, random_state: int) -> dict[Category, _Sums]:
    """The sums of conversations drawn with replacement, the same draws for every category."""
    drawn = resampled(
        {(category, name): part for category, each in sums.items() for name, part in vars(each).items()},
        resamples=resamples,
        random_state=random_state,
    )
    return {
        category: _Sums(**{name: drawn[category, name] for name in vars(each)})
        for category, each in sums.items()
    }


def _samples(
    labels: _Labels, category: Category, sums: _Sums, drawn: _Sums, *, resamples: int, random_state: int
) -> _Samples:
    last = labels.last
    samples = {
        "attempted_recall": _attempted_recall(labels, category, sums, drawn),
        "calibration_error": Sample(
            float(calibration_error(sums.calibration.sum(axis=0))), calibration_error(drawn.calibration)
        ),
        "calibration_error_by_chance": Sample(
            calibration_error_by_chance(sums.calibration, draws=resamples, random_state=random_state),
            np.empty(0),
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


def _attempted_recall(labels: _Labels, category: Category, sums: _Sums, drawn: _Sums) -> Sample:
    statuses = STATUSES[category]
    attempted = statuses.index(Status.ATTEMPTED) if Status.ATTEMPTED in statuses else None
    if attempted is None or attempted not in labels.truth:
        return Sample(math.nan, np.empty(0))
    (value,) = recall_score(labels.truth, labels.predicted, labels=[attempted], average=None, zero_division=0)
    judged = sums.every_turn[:, attempted].sum(axis=-1)
    return Sample.of(float(value), recall(drawn.every_turn, attempted), judged)


def _figures(samples: _Samples) -> Figures:
    def scores(part: str) -> Scores:
        return Scores(**{name: samples[f"{part}.{name}"].estimate() for name in _SCORES})

    return Figures(
        every_turn=scores("every_turn"),
        last_turn=scores("last_turn"),
        attempted_recall=samples["attempted_recall"].estimate(),
        calibration_error=samples["calibration_error"].estimate(),
        calibration_error_by_chance=samples["calibration_error_by_chance"].value,
    )

"""How far raters agree: any two of them in full, three or more by Krippendorff's alpha, two against a third.

Knows raters' statuses over turns and which figures are reported of them. Knows nothing about files
(``tracker.ratings``) and how figures are shown (``tracker.comparison_tables``).

Everything is additive over conversations: confusion matrices and alpha's coincidences are summed, and a
resample is a weighted sum (``tracker.bootstrap``), so that figures and their intervals come from the same
formulas (``tracker.metrics``).
Figures that are not defined are NaN and left out of the average over the categories.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np

from tracker.bootstrap import Estimate, Sample, average, resampled
from tracker.errors import InputError
from tracker.goal import STATUSES, Category, Status
from tracker.metrics import (
    Floats,
    Ints,
    accuracy,
    cohen_kappa,
    confusion_matrices,
    f1,
    krippendorff_alpha,
    macro_f1,
)
from tracker.ratings import RatedComponent, Rater, Ratings, Words

_SCORES: MappingProxyType[str, Callable[[Floats], Floats]] = MappingProxyType(
    {"accuracy": accuracy, "macro_f1": macro_f1, "kappa": cohen_kappa}
)


@dataclass(frozen=True)
class PairScores:
    """Agreement of two raters on a set of labels. All three are symmetric: neither rater is the truth."""

    accuracy: Estimate
    macro_f1: Estimate
    kappa: Estimate
    """Cohen's kappa."""

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).as_json() for name in _SCORES}


@dataclass(frozen=True)
class Timing:
    """When components come to a status, in components; those that never do with either rater are left out."""

    same_turn: int
    earlier: int
    """The second rater says so at an earlier turn than the first."""
    later: int
    mean_delay: float
    """Mean number of turns by which the second rater is later; NaN where never both say so."""
    only_first: int
    """Only the first rater ever says so."""
    only_second: int

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"mean_delay": None if math.isnan(self.mean_delay) else self.mean_delay}


@dataclass(frozen=True)
class StatusAgreement:
    """Agreement on one status of a category, in labels (component × turn), and on when it is reached."""

    first: int
    """Labels to which the first rater gives it."""
    second: int
    both: int
    f1: Estimate
    timing: Timing | None
    """``None`` for the start status."""

    def as_json(self) -> dict[str, Any]:
        timing = None if self.timing is None else self.timing.as_json()
        return vars(self) | {"f1": self.f1.as_json(), "timing": timing}


@dataclass(frozen=True)
class CategoryComparison:
    """Two raters on the components of one category."""

    components: int
    labels: int
    every_turn: PairScores
    last_turn: PairScores
    statuses: Mapping[Status, StatusAgreement]
    confusion: Ints
    """Labels by the first rater's status (rows) and the second's, in the order of ``STATUSES``."""
    last_turn_confusion: Ints

    def as_json(self, category: Category) -> dict[str, Any]:
        return {
            "components": self.components,
            "labels": self.labels,
            "every_turn": self.every_turn.as_json(),
            "last_turn": self.last_turn.as_json(),
            "statuses": {str(status): part.as_json() for status, part in self.statuses.items()},
            "order": [str(status) for status in STATUSES[category]],
            "confusion": self.confusion.tolist(),
            "last_turn_confusion": self.last_turn_confusion.tolist(),
        }


@dataclass(frozen=True)
class Disagreement:
    """A stretch of turns over which two raters give a component different statuses."""

    conversation: str
    component: str
    category: Category
    text: str
    turn: int
    """The first turn of the stretch."""
    turns: int
    """Its length."""
    first: Status
    second: Status
    """The two statuses at its first turn."""
    first_probability: float | None
    second_probability: float | None
    """At its first turn, where the rater gives any."""
    words: Words | None
    """What was said in that turn, where any of the files has it."""
    weight: float
    """How bad it is: over its turns, the steps between the statuses times the raters' probabilities."""

    def as_json(self) -> dict[str, Any]:
        words = None if self.words is None else {"user": self.words[0], "agent": self.words[1]}
        return vars(self) | {"words": words}


@dataclass(frozen=True)
class Comparison:
    """Two raters on the conversations and components that both of them rated."""

    first: str
    second: str
    conversations: int
    components: int
    labels: int
    only_first: int
    """Conversations that only the first rater has."""
    only_second: int
    components_left_out: int
    """Components of shared conversations that only one of the two rated."""
    categories: Mapping[Category, CategoryComparison]
    every_turn: PairScores
    """The plain average over the categories, as is ``last_turn``."""
    last_turn: PairScores
    disagreements: tuple[Disagreement, ...]
    """All of them, worst first."""

    def as_json(self, disagreements: int) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "conversations": self.conversations,
            "components": self.components,
            "labels": self.labels,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "components_left_out": self.components_left_out,
            "categories": {str(name): part.as_json(name) for name, part in self.categories.items()},
            "average": {"every_turn": self.every_turn.as_json(), "last_turn": self.last_turn.as_json()},
            "disagreements": [each.as_json() for each in self.disagreements[:disagreements]],
            "disagreements_in_all": len(self.disagreements),
        }


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha, nominal, of all raters, on every label that two of them or more give."""

    every_turn: Mapping[Category, Estimate]
    last_turn: Mapping[Category, Estimate]
    average: tuple[Estimate, Estimate]
    """Over the categories: every turn, last turn."""

    def as_json(self) -> dict[str, Any]:
        return {
            "categories": {
                str(name): {
                    "every_turn": self.every_turn[name].as_json(),
                    "last_turn": self.last_turn[name].as_json(),
                }
                for name in self.every_turn
            },
            "average": {"every_turn": self.average[0].as_json(), "last_turn": self.average[1].as_json()},
        }


@dataclass(frozen=True)
class Difference:
    """A figure of the second tracker less that of the first, on the same conversations."""

    estimate: Estimate
    p_value: float
    """Two-sided, from the share of resamples on the other side of zero; NaN without resamples."""

    def as_json(self) -> dict[str, Any]:
        p_value = None if math.isnan(self.p_value) else self.p_value
        return self.estimate.as_json() | {"p_value": p_value}


@dataclass(frozen=True)
class PairedTest:
    """Which of two trackers agrees better with one judge: a paired bootstrap over conversations."""

    reference: str
    first: str
    second: str
    conversations: int
    labels: int
    every_turn: Mapping[str, Mapping[str, Difference]]
    """By category, and ``average``; then by ``accuracy``, ``macro_f1`` and ``kappa``."""
    last_turn: Mapping[str, Mapping[str, Difference]]

    def as_json(self) -> dict[str, Any]:
        def part(differences: Mapping[str, Mapping[str, Difference]]) -> dict[str, Any]:
            return {
                name: {score: each.as_json() for score, each in scores.items()}
                for name, scores in differences.items()
            }

        counts = {"conversations": self.conversations, "labels": self.labels}
        names = {"reference": self.reference, "first": self.first, "second": self.second}
        return names | counts | {"every_turn": part(self.every_turn), "last_turn": part(self.last_turn)}


def compare(
    ratings: Ratings, first: Rater, second: Rater, *, random_state: int = 0, resamples: int = 1000
) -> Comparison:
    """Compare two raters on what both of them rated.

    Raises ``InputError`` where that is nothing.
    """
    shared = _shared((first, second))
    if not shared:
        raise InputError(
            f"nothing to compare: {first.path} and {second.path} share no component of a conversation"
        )
    sums = _confusions(shared, 0, 1)
    drawn = resampled(sums, resamples=resamples, random_state=random_state)
    scores = {category: _pair_scores(sums[category], drawn[category]) for category in sums}
    conversations = sorted({item.conversation for item in shared})
    in_both = first.conversations.keys() & second.conversations.keys()
    either = sum(
        len(first.conversations[name].keys() | second.conversations[name].keys()) for name in in_both
    )
    return Comparison(
        first=first.name,
        second=second.name,
        conversations=len(conversations),
        components=len(shared),
        labels=sum(item.turns for item in shared),
        only_first=len(first.conversations.keys() - in_both),
        only_second=len(second.conversations.keys() - in_both),
        components_left_out=either - len(shared),
        categories={
            category: _category(shared, category, sums[category], drawn[category]) for category in sums
        },
        every_turn=_as_scores(_averages([part[0] for part in scores.values()])),
        last_turn=_as_scores(_averages([part[1] for part in scores.values()])),
        disagreements=tuple(_disagreements(shared, ratings)),
    )


def all_pairs(ratings: Ratings, *, random_state: int = 0, resamples: int = 1000) -> list[Comparison]:
    """Compare every two raters that have something in common; ``InputError`` where no two have."""
    comparisons: list[Comparison] = []
    for first, second in combinations(ratings.raters, 2):
        if _shared((first, second)):
            comparisons.append(
                compare(ratings, first, second, random_state=random_state, resamples=resamples)
            )
    if not comparisons:
        names = ", ".join(str(rater.path) for rater in ratings.raters)
        raise InputError(f"nothing to compare: {names} share no component of a conversation")
    return comparisons


def alpha(raters: Sequence[Rater], *, random_state: int = 0, resamples: int = 1000) -> Alpha:
    """Krippendorff's alpha (Krippendorff 2011, nominal) of two raters or more; ratings may be missing."""
    sums = _coincidences(raters)
    drawn = resampled(sums, resamples=resamples, random_state=random_state)
    samples = {
        category: tuple(
            Sample(float(krippendorff_alpha(sums[category][:, moment].sum(axis=0))), krippendorff_alpha(part))
            for moment, part in enumerate(np.moveaxis(drawn[category], 1, 0))
        )
        for category in sums
    }
    every, last = ({name: part[moment] for name, part in samples.items()} for moment in (0, 1))
    return Alpha(
        every_turn={name: sample.estimate() for name, sample in every.items()},
        last_turn={name: sample.estimate() for name, sample in last.items()},
        average=(average([*every.values()]).estimate(), average([*last.values()]).estimate()),
    )


def paired_test(
    reference: Rater, first: Rater, second: Rater, *, random_state: int = 0, resamples: int = 1000
) -> PairedTest:
    """Test which tracker agrees better with the reference, on what all three rated.

    Raises ``InputError`` where that is nothing.
    """
    shared = _shared((reference, first, second))
    if not shared:
        raise InputError(
            f"nothing to compare: {reference.path}, {first.path} and {second.path} share nothing"
        )
    one, other = _confusions(shared, 0, 1), _confusions(shared, 0, 2)
    both = {category: np.stack([one[category], other[category]], axis=1) for category in one}
    drawn = resampled(both, resamples=resamples, random_state=random_state)
    moments: list[dict[str, dict[str, Difference]]] = []
    for moment in (0, 1):
        samples = {
            str(category): {
                name: _difference(
                    score, both[category][:, :, moment].sum(axis=0), drawn[category][:, :, moment]
                )
                for name, score in _SCORES.items()
            }
            for category in both
        }
        samples["average"] = _averages([*samples.values()])
        moments.append(
            {name: {score: _tested(each) for score, each in part.items()} for name, part in samples.items()}
        )
    return PairedTest(
        reference=reference.name,
        first=first.name,
        second=second.name,
        conversations=len({item.conversation for item in shared}),
        labels=sum(item.turns for item in shared),
        every_turn=moments[0],
        last_turn=moments[1],
    )


# --- lining up ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shared:
    """A component that several raters rated, in the raters' order."""

    conversation: str
    component: str
    rated: tuple[RatedComponent, ...]

    @property
    def category(self) -> Category:
        return self.rated[0].category

    @property
    def turns(self) -> int:
        return len(self.rated[0].statuses)


def _shared(raters: Sequence[Rater]) -> list[_Shared]:
    """What all raters rated, in the order of the first; conversations without turns are left out."""
    first, *others = raters
    shared: list[_Shared] = []
    for name, components in first.conversations.items():
        if not all(name in other.conversations for other in others):
            continue
        for component_id, rated in components.items():
            beside = [other.conversations[name].get(component_id) for other in others]
            found = [one for one in beside if one is not None]
            if len(found) == len(others) and rated.statuses:
                shared.append(_Shared(name, component_id, (rated, *found)))
    return shared


def _confusions(shared: Sequence[_Shared], row: int, column: int) -> dict[Category, Floats]:
    """Confusion matrices of two of the raters by conversation, shape ``(conversations, 2, K, K)``.

    The second axis is every turn and the last turn.
    """
    positions = {name: at for at, name in enumerate(dict.fromkeys(item.conversation for item in shared))}
    sums: dict[Category, Floats] = {}
    for category in Category:
        items = [item for item in shared if item.category is category]
        if not items:
            continue
        index = {status: at for at, status in enumerate(STATUSES[category])}
        labels = np.array(
            [
                (positions[item.conversation], index[one], index[other], turn == item.turns)
                for item in items
                for turn, (one, other) in enumerate(
                    zip(item.rated[row].statuses, item.rated[column].statuses, strict=True), start=1
                )
            ],
            dtype=np.int64,
        )
        sums[category] = np.stack(
            [
                confusion_matrices(*part[:, :3].T, groups=len(positions), statuses=len(index))
                for part in (labels, labels[labels[:, 3] == 1])
            ],
            axis=1,
        )
    return sums


def _coincidences(raters: Sequence[Rater]) -> dict[Category, Floats]:
    """Alpha's coincidences by conversation, shape ``(conversations, 2, K, K)``, as in ``_confusions``."""
    names = dict.fromkeys(name for rater in raters for name in rater.conversations)
    sums = {
        category: np.zeros((len(names), 2, len(statuses), len(statuses)))
        for category, statuses in STATUSES.items()
    }
    for at, name in enumerate(names):
        rated = [rater.conversations[name] for rater in raters if name in rater.conversations]
        for component_id in dict.fromkeys(component_id for each in rated for component_id in each):
            given = [each[component_id] for each in rated if component_id in each]
            if len(given) < 2 or not given[0].statuses:
                continue
            statuses = STATUSES[given[0].category]
            turns = np.array([[statuses.index(status) for status in one.statuses] for one in given])
            counts = np.stack([(turns == status).sum(axis=0) for status in range(len(statuses))], axis=-1)
            # Every ordered pair of different raters, each unit weighted by one less than its ratings.
            pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(statuses))
            pairs = pairs / (len(given) - 1)
            sums[given[0].category][at, 0] += pairs.sum(axis=0)
            sums[given[0].category][at, 1] += pairs[-1]
    return {category: part for category, part in sums.items() if part.any()}


# --- figures ------------------------------------------------------------------------------------------------


def _sample(score: Callable[[Floats], Floats], sums: Floats, drawn: Floats) -> Sample:
    """A score of summed matrices, ``(K, K)``, and of their resamples, ``(resamples, K, K)``."""
    return Sample(float(score(sums)), score(drawn))


def _pair_scores(sums: Floats, drawn: Floats) -> tuple[dict[str, Sample], dict[str, Sample]]:
    """Every turn's and the last turn's scores of a category."""
    total = sums.sum(axis=0)
    every, last = (
        {name: _sample(score, total[moment], drawn[:, moment]) for name, score in _SCORES.items()}
        for moment in (0, 1)
    )
    return every, last


def _difference(score: Callable[[Floats], Floats], sums: Floats, drawn: Floats) -> Sample:
    """Second less first of matrices ``(2, K, K)`` and their resamples ``(resamples, 2, K, K)``."""
    scores, resampled = score(sums), score(drawn)
    return Sample(float(scores[1] - scores[0]), resampled[:, 1] - resampled[:, 0])


def _tested(sample: Sample) -> Difference:
    defined = sample.defined()
    if not len(defined):
        return Difference(sample.estimate(), math.nan)
    # One is added so that a p-value is never zero (Davison & Hinkley 1997, 4.2).
    beyond = min(int((defined <= 0).sum()), int((defined >= 0).sum())) + 1
    return Difference(sample.estimate(), min(2 * beyond / (len(defined) + 1), 1.0))


def _averages(parts: Sequence[Mapping[str, Sample]]) -> dict[str, Sample]:
    return {name: average([part[name] for part in parts]) for name in _SCORES}


def _as_scores(samples: Mapping[str, Sample]) -> PairScores:
    return PairScores(**{name: sample.estimate() for name, sample in samples.items()})


def _category(
    shared: Sequence[_Shared], category: Category, sums: Floats, drawn: Floats
) -> CategoryComparison:
    items = [item for item in shared if item.category is category]
    total = sums.sum(axis=0).astype(np.int64)
    every, last = _pair_scores(sums, drawn)
    return CategoryComparison(
        components=len(items),
        labels=int(total[0].sum()),
        every_turn=_as_scores(every),
        last_turn=_as_scores(last),
        statuses={
            status: _status(items, status, at, sums[:, 0], drawn[:, 0])
            for at, status in enumerate(STATUSES[category])
        },
        confusion=total[0],
        last_turn_confusion=total[1],
    )


def _status(
    items: Sequence[_Shared], status: Status, at: int, sums: Floats, drawn: Floats
) -> StatusAgreement:
    """Of matrices by conversation, ``(conversations, K, K)``, and by resample."""
    confusion = sums.sum(axis=0)
    given = sums[:, at, :].sum(axis=-1) + sums[:, :, at].sum(axis=-1)
    return StatusAgreement(
        first=int(confusion[at].sum()),
        second=int(confusion[:, at].sum()),
        both=int(confusion[at, at]),
        f1=Sample.of(float(f1(confusion)[at]), f1(drawn)[..., at], given).estimate(),
        timing=_timing(items, status) if at else None,
    )


def _timing(items: Sequence[_Shared], status: Status) -> Timing:
    delays: list[int] = []
    only_first = only_second = 0
    for item in items:
        first, second = (_reached(rated, status) for rated in item.rated)
        if first is not None and second is not None:
            delays.append(second - first)
        only_first += first is not None and second is None
        only_second += first is None and second is not None
    return Timing(
        same_turn=sum(delay == 0 for delay in delays),
        earlier=sum(delay < 0 for delay in delays),
        later=sum(delay > 0 for delay in delays),
        mean_delay=float(np.mean(delays)) if delays else math.nan,
        only_first=only_first,
        only_second=only_second,
    )


def _reached(rated: RatedComponent, status: Status) -> int | None:
    """The turn at which a component takes a status, from 0; ``None`` where it never does."""
    return rated.statuses.index(status) if status in rated.statuses else None


# --- disagreements ------------------------------------------------------------------------------------------


def _disagreements(shared: Sequence[_Shared], ratings: Ratings) -> list[Disagreement]:
    """The stretches of turns over which two raters differ, worst first."""
    found = [each for item in shared for each in _stretches(item, ratings)]
    return sorted(found, key=lambda each: -each.weight)


def _stretches(item: _Shared, ratings: Ratings) -> Iterator[Disagreement]:
    first, second = item.rated
    differs = [one is not other for one, other in zip(first.statuses, second.statuses, strict=True)]
    start = 0
    while start < item.turns:
        if not differs[start]:
            start += 1
            continue
        end = next((turn for turn in range(start, item.turns) if not differs[turn]), item.turns)
        yield Disagreement(
            conversation=item.conversation,
            component=item.component,
            category=item.category,
            text=first.text or second.text,
            turn=start + 1,
            turns=end - start,
            first=first.statuses[start],
            second=second.statuses[start],
            first_probability=_probability(first, start),
            second_probability=_probability(second, start),
            words=ratings.words.get(item.conversation, {}).get(start + 1),
            weight=sum(_weight(item, turn) for turn in range(start, end)),
        )
        start = end


def _weight(item: _Shared, turn: int) -> float:
    statuses = STATUSES[item.category]
    first, second = item.rated
    steps = abs(statuses.index(first.statuses[turn]) - statuses.index(second.statuses[turn]))
    sure = [_probability(rated, turn) for rated in (first, second)]
    return steps * math.prod(1.0 if probability is None else probability for probability in sure)


def _probability(rated: RatedComponent, turn: int) -> float | None:
    return None if rated.probabilities is None else rated.probabilities[turn]

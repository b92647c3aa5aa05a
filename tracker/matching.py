"""How far two splits of one goal say the same: components matched by their words, one to one.

Knows words, optimal assignment and the figures that come of it. Knows nothing about how a split was made.

Two components are compared by token F1 over the words that carry meaning: articles, pronouns, modal verbs
and the verbs of wishing and asking ("you want", "get", "find out") are left out, and plain English endings
are cut off, so that "You want both fees refunded" and "Get the fees refunded" share all that counts. Pairs
under ``THRESHOLD`` are no match, nor is a profile with an objective: "You have a ticket from Oxford to
Durham" has many words of "Get a discount on your ticket from Oxford to Durham" and does not say it. Of all
ways to pair the rest, the one with the greatest sum of F1 is taken (Kuhn 1955, through
``scipy.optimize.linear_sum_assignment``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from tracker.bootstrap import Estimate, Sample, resampled
from tracker.goal import Category, Component, Goal
from tracker.metrics import ratio
from tracker.stems import words

THRESHOLD = 0.3
"""Fixed on ``written/validation``, where the 56 pairs of the learned and the rule-based split that were the
least alike, or differed in category, were read by hand: of 43 at this or above all said the same, of 4 below
2 did. The other 9, up to a token F1 of 0.75, were of a profile with an objective: none said the same."""


def token_f1(first: Counter[str], second: Counter[str]) -> float:
    """Twice the words in common over all words; 0 to 1, 1 for the same words."""
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def similarities(truth: Goal, predicted: Goal) -> npt.NDArray[np.float64]:
    """Token F1 of every pair, shape ``(components of truth, components of predicted)``."""
    ours, theirs = ([words(component.text) for component in goal] for goal in (truth, predicted))
    return np.array([[token_f1(a, b) for b in theirs] for a in ours]).reshape(len(ours), len(theirs))


_FACT_AND_TASK = (Category.PROFILE, Category.OBJECTIVE)


@dataclass(frozen=True)
class Pair:
    """A component of the truth and the one that stands for it in the other split."""

    truth: Component
    predicted: Component
    similarity: float


def match(truth: Goal, predicted: Goal, *, threshold: float = THRESHOLD) -> list[Pair]:
    """Match the components of two splits one to one, in the order of ``truth``."""
    scores = similarities(truth, predicted)
    for ours, theirs in (_FACT_AND_TASK, _FACT_AND_TASK[::-1]):
        one = np.array([component.category is ours for component in truth], dtype=bool)
        other = np.array([component.category is theirs for component in predicted], dtype=bool)
        scores[one[:, None] & other] = 0.0
    scores[scores < threshold] = 0.0
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return [
        Pair(truth.components[row], predicted.components[column], float(scores[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if scores[row, column] > 0
    ]


_TASKS = frozenset({Category.OBJECTIVE, Category.REQUIREMENT})
_OWNED = frozenset({Category.REQUIREMENT, Category.PREFERENCE})


def in_text(goal: Goal) -> Goal:
    """The goal without components that were added to what its text says.

    For goals such as the judged ones of MultiWOZ, which got a profile, a policy or a preference that the text
    does not have: those of which no more than half of the meaningful words stand in the text are left out.
    Objectives and requirements all stay.
    """
    have = words(goal.text)

    def written(component: Component) -> bool:
        wanted = set(words(component.text))
        return component.category in _TASKS or 2 * len(wanted & have.keys()) > len(wanted)

    return goal.model_copy(update={"components": tuple(filter(written, goal.components))})


@dataclass(frozen=True)
class SplitScores:
    """How a way to split agrees with the truth over some goals; each figure with a 95% interval.

    Attributes
    ----------
    precision, recall, f1
        Of components, by the matches.
    category
        The share of matched components that have the true category.
    links
        Of matched components that both are requirements or preferences, and where the truth has an objective:
        the share whose objective is the one matched with the true objective.
    recalls
        Recall by category of the truth.
    """

    goals: int
    components: int
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    category: Estimate
    links: Estimate
    recalls: MappingProxyType[Category, Estimate]

    def as_json(self) -> dict[str, object]:
        figures = {name: getattr(self, name).as_json() for name in FIGURES}
        recalls = {str(category): estimate.as_json() for category, estimate in self.recalls.items()}
        counts = {"goals": self.goals, "components": self.components, "predicted": self.predicted}
        return {**counts, **figures, "recall_by_category": recalls}


FIGURES = ("precision", "recall", "f1", "category", "links")


def score_splits(
    truth: Sequence[Goal],
    predicted: Sequence[Goal],
    *,
    threshold: float = THRESHOLD,
    resamples: int = 1000,
    random_state: int = 0,
) -> SplitScores:
    """Score splits of the same goals; intervals draw whole goals (``tracker.bootstrap``).

    A figure that is not defined, such as the links of goals without any, is NaN.
    """
    pairs = [match(a, b, threshold=threshold) for a, b in zip(truth, predicted, strict=True)]
    counts = np.array(
        [_counts(a, b, found) for a, b, found in zip(truth, predicted, pairs, strict=True)], dtype=np.float64
    ).reshape(len(pairs), -1)
    drawn = resampled({"counts": counts}, resamples=resamples, random_state=random_state)["counts"]
    columns = dict(zip(_COLUMNS, np.vstack([counts.sum(axis=0), drawn]).T, strict=True))
    of_goal = dict(zip(_COLUMNS, counts.T, strict=True))

    def share(above: str, below: str, scale: float = 1.0) -> Estimate:
        value, *values = scale * ratio(columns[above], columns[below])
        return Sample.of(float(value), np.array(values), of_goal[below]).estimate()

    for sums in (columns, of_goal):
        sums["both"] = sums["true"] + sums["predicted"]
    return SplitScores(
        goals=len(pairs),
        components=int(columns["true"][0]),
        predicted=int(columns["predicted"][0]),
        precision=share("matched", "predicted"),
        recall=share("matched", "true"),
        f1=share("matched", "both", 2.0),
        category=share("right category", "matched"),
        links=share("right link", "link"),
        recalls=MappingProxyType(
            {category: share(f"matched {category}", f"true {category}") for category in Category}
        ),
    )


_COLUMNS = (
    "true",
    "predicted",
    "matched",
    "right category",
    "link",
    "right link",
    *(f"{what} {category}" for what in ("true", "matched") for category in Category),
)


def _counts(truth: Goal, predicted: Goal, pairs: Sequence[Pair]) -> list[int]:
    """What ``_COLUMNS`` names, of one goal."""
    partner = {pair.truth.id: pair.predicted.id for pair in pairs}
    linked = [
        pair
        for pair in pairs
        if pair.truth.objective is not None and {pair.truth.category, pair.predicted.category} <= _OWNED
    ]
    true = Counter(component.category for component in truth)
    matched = Counter(pair.truth.category for pair in pairs)
    return [
        len(truth),
        len(predicted),
        len(pairs),
        sum(pair.truth.category is pair.predicted.category for pair in pairs),
        len(linked),
        sum(
            pair.predicted.objective is not None
            and partner.get(pair.truth.objective or "") == pair.predicted.objective
            for pair in linked
        ),
        *(true[category] for category in Category),
        *(matched[category] for category in Category),
    ]

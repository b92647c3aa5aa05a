"""The forward filter: what the answers about single turns say together about where a component stands.

Knows statuses, their order and how answers are calibrated. Knows nothing about models or conversations.

A component is a left-to-right chain: a question gives the distribution of its status after a turn *given* the
status before it, and the filter sums over the statuses that it may have had before (the forward algorithm of
hidden Markov models, Rabiner 1989, where the answers take the place of transition and observation):

    b_t(s') = sum over s of b_{t-1}(s) * P(s' | s, turn t)

Since nothing moves backward, the probability of having come at least as far as a status never falls. What is
reported is the furthest status that has been reached with its threshold's probability, and it never moves
backward either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tracker.decoding import Distribution
from tracker.errors import ModelError
from tracker.goal import STATUSES, Category, Status, is_final, reachable
from tracker.opinions import Opinion
from tracker.state import ComponentState

NEGLIGIBLE = 0.01
"""A status that a component had with less than this is not asked about: its mass stays where it is."""

Probability = Annotated[float, Field(ge=0, le=1)]


class CategoryCalibration(BaseModel):
    """How the probabilities of a category are mended, and when a status counts as reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Log-probabilities are divided by it."""
    bias: Mapping[Status, float] = {}
    """Added to the log-probability of a status after that; 0 where it is missing."""
    threshold: Mapping[Status, Probability] = {}
    """A status is reported when it, or one beyond it, has this probability; 0.5 where it is missing."""
    beside: Mapping[Opinion, Annotated[float, Field(ge=0)]] = {}
    """The weights of the log-probabilities that other opinions give: a logarithmic opinion pool (Genest and
    Zidek 1986), in which the model's have the weight 1 / ``temperature``. 0 where one is missing."""
    certainty: Mapping[Status, float] = {}
    """Added to the log-odds that the component stands where it is reported, by the status reported; 0 where
    it is missing. The chain takes errors at different turns for independent, and believes nothing new of a
    component once its end is reported, so what it says is too low for some statuses and too high for others.
    It moves no status."""

    def mend(
        self, probabilities: Distribution, others: Mapping[Opinion, Distribution] = MappingProxyType({})
    ) -> Distribution:
        """Calibrate the distribution of one answer. A probability of 0 stays 0.

        ``others`` is what the other opinions say to the same question.
        """
        scores = {
            status: math.log(probability) / self.temperature + self.bias.get(status, 0.0)
            for status, probability in probabilities.items()
            if probability > 0
        }
        for opinion, said in others.items():
            weight = self.beside.get(opinion, 0.0)
            for status in scores if weight else ():
                scores[status] += weight * math.log(said[status])
        highest = max(scores.values())
        weights = {status: math.exp(score - highest) for status, score in scores.items()}
        total = sum(weights.values())
        return {status: weights.get(status, 0.0) / total for status in probabilities}

    def follows(
        self,
        answers: Mapping[Status, Distribution],
        others: Mapping[Opinion, Mapping[Status, Distribution]] = MappingProxyType({}),
    ) -> dict[Status, Distribution]:
        """``mend`` for all that was answered about a component after a turn: by the status before, the
        distribution of the status after it. ``others`` has the same statuses and more."""
        return {
            before: self.mend(answer, {opinion: said[before] for opinion, said in others.items()})
            for before, answer in answers.items()
        }

    def state(self, belief: Belief) -> ComponentState:
        """What is said about the component: its status, and the probability that this is where it stands."""
        against = math.exp(-self.certainty.get(belief.reported, 0.0)) * (1 - belief.probability)
        return ComponentState(belief.reported, belief.probability / (belief.probability + against))


class Calibration(BaseModel):
    """The calibration of every category; one that is missing is left as it comes out of the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: Mapping[Category, CategoryCalibration] = {}

    def __getitem__(self, category: Category) -> CategoryCalibration:
        return self.categories.get(category, CategoryCalibration())

    @property
    def opinions(self) -> frozenset[Opinion]:
        """Those beside the model's that count anywhere."""
        return frozenset(
            opinion for part in self.categories.values() for opinion, weight in part.beside.items() if weight
        )

    @classmethod
    def read(cls, path: Path) -> Calibration:
        """Read a calibration from JSON. Raises ``ModelError`` when it is missing or not one."""
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise ModelError(f"{path}: the calibration cannot be read: {reason}") from None


@dataclass(frozen=True)
class Belief:
    """Where a component may stand after a turn."""

    category: Category
    masses: tuple[float, ...]
    """The probability of each status of the category, in their order; they sum to 1."""
    reported: Status

    @classmethod
    def start(cls, category: Category) -> Belief:
        """The belief before the first turn: the start status, for certain."""
        statuses = STATUSES[category]
        return cls(category, (1.0,) + (0.0,) * (len(statuses) - 1), statuses[0])

    @property
    def probability(self) -> float:
        """That the component stands where it is reported, as the chain has it."""
        return self.masses[STATUSES[self.category].index(self.reported)]

    @property
    def open(self) -> tuple[Status, ...]:
        """The statuses before the next turn that are worth a question; none once nothing can change."""
        if is_final(self.category, self.reported):
            return ()
        return tuple(
            status
            for status, mass in zip(STATUSES[self.category], self.masses, strict=True)
            if mass >= NEGLIGIBLE and not is_final(self.category, status)
        )

    def after(
        self,
        follows: Mapping[Status, Distribution],
        threshold: Mapping[Status, Probability] = MappingProxyType({}),
    ) -> Belief:
        """The belief after a turn.

        Parameters
        ----------
        follows
            For statuses before the turn, the distribution of the status after it, calibrated. A status that
            was not asked about stays where it is.
        threshold
            When a status is reported: see ``CategoryCalibration.threshold``.
        """
        statuses = STATUSES[self.category]
        moved = dict.fromkeys(statuses, 0.0)
        for before, mass in zip(statuses, self.masses, strict=True):
            for status, probability in follows.get(before, {before: 1.0}).items():
                moved[status] += mass * probability
        total = sum(moved.values())
        masses = tuple(mass / total for mass in moved.values())
        reported = self.reported
        for status in reachable(self.category, self.reported)[1:]:
            reached = sum(masses[statuses.index(status) :])
            if reached >= threshold.get(status, 0.5):
                reported = status
        return Belief(self.category, masses, reported)

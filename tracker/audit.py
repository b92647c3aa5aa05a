"""Which failures of a benchmark are the simulated user's: runs sorted by the user's goal and by the reward.

Knows which statuses are the user's own fault, and counts. Knows nothing about files, models or how an audit
is shown.

**The rule.** A user *drifted* in a run when at least one component of the goal *broke*. A component breaks

- as a ``profile`` or ``policy``, at the turn where it becomes MISALIGNED: the user contradicted a fact about
  itself or broke a rule of its behaviour;
- as an ``objective``, at the last turn, when it is still INCOMPLETE: the user never asked, asked for the
  wrong thing, gave wrong data or left. A failure for which the agent's side is responsible is ATTEMPTED,
  not INCOMPLETE;
- as a ``requirement``, at the last turn, when it is still INCOMPLETE though its objective is COMPLETE: the
  user got the thing without the condition. Where the agent failed the objective (ATTEMPTED), the user may
  have had no occasion to name the condition; where the objective broke itself, the condition is a part of
  that break. A requirement of no objective is judged like an objective.

A ``preference`` is a soft wish: leaving it unsaid is no drift. ATTEMPTED and COMPLETE are never the user's
fault.

Two kinds of runs are judged too harshly by this rule, because nothing in the states tells them apart: runs
that a limit on turns cut off while the agent was still at work, and goals with an objective whose occasion
never came ("if it costs less than 100, also ...").

**Against the reward.** A run passes when its reward is 1 (the benchmarks give 1 only for all that was
wanted).

==============  ==================  ==================
..              user kept the goal  user drifted
==============  ==================  ==================
reward 1        *neither*           *the user drifted*
reward below 1  *the agent failed*  *both*
==============  ==================  ==================

*Both* are the failures that say nothing about the agent: it may have failed as well, but it was not asked
for what the reward looks for. The *corrected pass rate* is the share of passes among the runs whose user
kept the goal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.stats import binomtest

from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.goal import KEPT, Category, Component, Goal, Status
from tracker.metrics import cohen_kappa
from tracker.state import ComponentState, GoalState, Track
from tracker.tracked import Tracked

_PASS = 1 - 1e-6
"""The reward of a passed run, less what floating point may lose; as in τ²-bench's own metrics."""


class Outcome(StrEnum):
    """What became of a run: whether the agent passed, and whether the user kept its goal."""

    NEITHER = "neither"
    AGENT_FAILED = "agent failed"
    USER_DRIFTED = "user drifted"
    BOTH = "both"


@dataclass(frozen=True)
class Break:
    """A component that the user is to blame for."""

    component: Component
    turn: int
    """Counted from 1: where it became MISALIGNED, or the last turn where it was left INCOMPLETE. 0 where the
    user never spoke."""
    status: Status
    probability: float
    """The tracker's, of this status at this turn."""
    words: str
    """What the user said at that turn; empty where the conversation is not at hand."""

    def as_json(self) -> dict[str, Any]:
        return {
            "component": self.component.id,
            "category": str(self.component.category),
            "text": self.component.text,
            "turn": self.turn,
            "status": str(self.status),
            "probability": round(self.probability, 4),
            "words": self.words,
        }


@dataclass(frozen=True)
class Run:
    """The verdict on one run."""

    id: str
    turns: int
    reward: float | None
    breaks: tuple[Break, ...]
    """In the order in which they happened."""

    @property
    def drifted(self) -> bool:
        return bool(self.breaks)

    @property
    def passed(self) -> bool | None:
        """Whether the benchmark calls the run a success; ``None`` where it has no reward."""
        return None if self.reward is None else self.reward >= _PASS

    @property
    def outcome(self) -> Outcome | None:
        """``None`` where the run has no reward to sort it by."""
        if self.passed is None:
            return None
        if self.passed:
            return Outcome.USER_DRIFTED if self.drifted else Outcome.NEITHER
        return Outcome.BOTH if self.drifted else Outcome.AGENT_FAILED

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "turns": self.turns,
            "reward": self.reward,
            "outcome": None if self.outcome is None else str(self.outcome),
            "drifted": self.drifted,
            "breaks": [each.as_json() for each in self.breaks],
        }


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``total``, with the 95% interval of Wilson (1927), which takes the runs for independent."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """NaN of nothing."""
        return self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high; NaN of nothing."""
        if not self.total:
            return math.nan, math.nan
        interval = binomtest(self.hits, self.total).proportion_ci(0.95, method="wilson")
        return float(interval.low), float(interval.high)

    def as_json(self) -> dict[str, float | int | None]:
        low, high = self.interval
        known = self.total > 0
        return {
            "hits": self.hits,
            "total": self.total,
            "value": self.value if known else None,
            "low": low if known else None,
            "high": high if known else None,
        }


@dataclass(frozen=True)
class Audit:
    """The verdicts on all runs and what they add up to."""

    runs: tuple[Run, ...]

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """Runs by outcome; those without a reward are in none."""
        return {outcome: sum(run.outcome is outcome for run in self.runs) for outcome in Outcome}

    @property
    def drifted(self) -> Rate:
        """Runs whose user drifted, of all."""
        return Rate(sum(run.drifted for run in self.runs), len(self.runs))

    @property
    def pass_rate(self) -> Rate:
        """Passed runs, of those with a reward: what the benchmark reports."""
        rewarded = [run for run in self.runs if run.passed is not None]
        return Rate(sum(run.passed is True for run in rewarded), len(rewarded))

    @property
    def corrected_pass_rate(self) -> Rate:
        """Passed runs, of those with a reward whose user kept the goal."""
        counts = self.outcomes
        return Rate(counts[Outcome.NEITHER], counts[Outcome.NEITHER] + counts[Outcome.AGENT_FAILED])

    @property
    def failures_with_drift(self) -> Rate:
        """Runs whose user drifted, of those that failed."""
        counts = self.outcomes
        return Rate(counts[Outcome.BOTH], counts[Outcome.BOTH] + counts[Outcome.AGENT_FAILED])

    @property
    def breaks(self) -> Mapping[Category, int]:
        """Broken components by category."""
        return {
            category: sum(each.component.category is category for run in self.runs for each in run.breaks)
            for category in Category
            if category is not Category.PREFERENCE
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "runs": len(self.runs),
            "outcomes": {str(outcome): count for outcome, count in self.outcomes.items()},
            "without_reward": sum(run.reward is None for run in self.runs),
            "pass_rate": self.pass_rate.as_json(),
            "corrected_pass_rate": self.corrected_pass_rate.as_json(),
            "drifted": self.drifted.as_json(),
            "failures_with_drift": self.failures_with_drift.as_json(),
            "breaks": {str(category): count for category, count in self.breaks.items()},
            "verdicts": [run.as_json() for run in self.runs],
        }


@dataclass(frozen=True)
class Comparison:
    """An audit against the same audit made with a judge's labels."""

    runs: int
    precision: Rate
    """Runs in which both see drift, of those in which the tracker does."""
    recall: Rate
    """Runs in which both see drift, of those in which the judge does."""
    agreement: Rate
    """Runs on which the verdicts are the same."""
    kappa: float
    """Cohen's, of the two verdicts; NaN where both only ever say one and the same."""
    breaks_found: Rate
    """Components that both call broken, of those that the judge does: the share of the drift that is
    found."""
    breaks_right: Rate
    """Components that both call broken, of those that the tracker does."""
    breaks_at_the_turn: Rate
    """Of the components that both call broken, those with the same turn."""

    def as_json(self) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "precision": self.precision.as_json(),
            "recall": self.recall.as_json(),
            "agreement": self.agreement.as_json(),
            "kappa": None if math.isnan(self.kappa) else self.kappa,
            "breaks_found": self.breaks_found.as_json(),
            "breaks_right": self.breaks_right.as_json(),
            "breaks_at_the_turn": self.breaks_at_the_turn.as_json(),
        }


def audit(tracks: Iterable[Tracked], *, confidence: float = 0.0) -> Audit:
    """Judge every run by its track, and sort it by its conversation's reward.

    Parameters
    ----------
    tracks
        Without a conversation, a run has no reward and its breaks no words.
    confidence
        Breaks whose status the tracker holds for less probable than this, in [0, 1], do not count.
    """
    return Audit(tuple(_run(tracked, confidence) for tracked in tracks))


def broken(track: Track) -> dict[str, int]:
    """The components that the user is to blame for: id → the turn, counted from 1, by the module's rule."""
    last = track.states[-1] if track.states else GoalState.start(track.goal)
    found: dict[str, int] = {}
    for component in track.goal:
        if not _is_fault(component, last):
            continue
        if component.category in KEPT:
            found[component.id] = track.statuses(component.id).index(Status.MISALIGNED) + 1
        else:
            found[component.id] = last.turn
    return found


def judged(conversation: Conversation) -> Tracked:
    """A judge's labels as a track, every status certain.

    Raises ``InputError`` when the conversation has no labels.
    """
    if conversation.labels is None:
        raise InputError(f"conversation {conversation.id!r} has no labels to compare with")
    statuses = {component.id: conversation.labelled_statuses(component.id) for component in conversation.goal}
    states = tuple(
        GoalState(
            turn.index,
            {name: ComponentState(row[turn.index - 1], 1.0) for name, row in statuses.items()},
        )
        for turn in conversation.turns
    )
    track = Track(conversation.id, conversation.goal, states)
    return Tracked(track, {"model": "judge"}, conversation)


def compare(
    tracks: Sequence[Tracked], judgements: Sequence[Tracked], *, confidence: float = 0.0
) -> Comparison:
    """Compare the tracker's verdicts with a judge's, run by run, given in the same order.

    Components are compared where both goals have one with the same id and text: where a goal was split
    anew, the verdicts on the run still compare. Raises ``InputError`` where there is nothing to compare,
    ``ValueError`` where the runs are not the same.
    """
    if not tracks:
        raise InputError("there are no labelled runs to compare with")
    ours = audit(tracks, confidence=confidence).runs
    theirs = audit(judgements).runs
    verdicts = np.zeros((2, 2))
    found = at_the_turn = ours_broken = theirs_broken = 0
    for run, truth, tracked, judgement in zip(ours, theirs, tracks, judgements, strict=True):
        if run.id != truth.id:
            raise ValueError(f"run {run.id!r} was paired with the judge's {truth.id!r}")
        verdicts[int(truth.drifted), int(run.drifted)] += 1
        common = _common(tracked.track.goal, judgement.track.goal)
        mine = {each.component.id: each.turn for each in run.breaks if each.component.id in common}
        true = {each.component.id: each.turn for each in truth.breaks if each.component.id in common}
        ours_broken += len(mine)
        theirs_broken += len(true)
        found += len(mine.keys() & true.keys())
        at_the_turn += sum(mine[name] == true[name] for name in mine.keys() & true.keys())
    both = int(verdicts[1, 1])
    return Comparison(
        runs=len(ours),
        precision=Rate(both, int(verdicts[:, 1].sum())),
        recall=Rate(both, int(verdicts[1].sum())),
        agreement=Rate(int(np.trace(verdicts)), len(ours)),
        kappa=float(cohen_kappa(verdicts)),
        breaks_found=Rate(found, theirs_broken),
        breaks_right=Rate(found, ours_broken),
        breaks_at_the_turn=Rate(at_the_turn, found),
    )


def _run(tracked: Tracked, confidence: float) -> Run:
    track, conversation = tracked.track, tracked.conversation
    said = {} if conversation is None else {turn.index: turn.user for turn in conversation.turns}
    states = {0: GoalState.start(track.goal)} | {state.turn: state for state in track.states}
    breaks = [
        Break(
            component=track.goal[name],
            turn=turn,
            status=states[turn][name].status,
            probability=states[turn][name].probability,
            words=said.get(turn, ""),
        )
        for name, turn in broken(track).items()
    ]
    return Run(
        id=track.id,
        turns=len(track.states),
        reward=None if conversation is None else conversation.reward,
        breaks=tuple(
            sorted((each for each in breaks if each.probability >= confidence), key=lambda each: each.turn)
        ),
    )


def _is_fault(component: Component, last: GoalState) -> bool:
    status = last[component.id].status
    if component.category in KEPT:
        return status is Status.MISALIGNED
    if component.category is Category.PREFERENCE or status is not Status.INCOMPLETE:
        return False
    if component.category is Category.REQUIREMENT and component.objective is not None:
        # Of a refused objective it could not be named any more; of a broken one it is a part.
        return last[component.objective].status is Status.COMPLETE
    return True


def _common(one: Goal, other: Goal) -> frozenset[str]:
    texts = {component.id: component.text for component in other}
    return frozenset(component.id for component in one if texts.get(component.id) == component.text)

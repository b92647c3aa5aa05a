"""A metric for DeepEval: how well the user of a conversational test case kept its goal.

Knows DeepEval's test cases and what it expects of a metric. Knows nothing about how a goal is tracked or a
track scored. Needs the extra ``goalstate[deepeval]``.

DeepEval sends telemetry of its own unless ``DEEPEVAL_TELEMETRY_OPT_OUT`` is set before it is imported; this
module neither sends anything nor touches that setting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepeval.metrics import BaseConversationalMetric
from deepeval.test_case import ConversationalTestCase

from tracker.conversation import Conversation
from tracker.errors import GoalstateError
from tracker.formats.chat import ChatMessage, ChatRole, visible
from tracker.goal import Goal
from tracker.integrations.scoring import Scored, SharedTracker, goal_of
from tracker.state import Track
from tracker.tracking import GoalTracker


class GoalStateMetric(BaseConversationalMetric):
    """The share of the goal's components that ended in success.

    The goal is ``metadata["goal"]`` (DeepEval takes ``additional_metadata`` as well): goalstate's JSON, or
    free text. Without it, ``user_description`` and ``scenario`` together are the goal's text.

    After a measurement, ``score`` is the share, ``score_breakdown`` the same per category, ``reason`` says
    what broke, at which turn and with which words, and ``track`` holds the states after every turn.

    Parameters
    ----------
    threshold
        The least score, in [0, 1], of a test case that passes.
    goal
        The key of the goal in the metadata.
    model, decoder, threads
        For ``GoalTracker.load``, which is called at the first test case.
    tracker
        A tracker to use instead.

    A test case without a goal, or one that cannot be tracked, raises ``InputError``.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        *,
        goal: str = "goal",
        model: str | Path | None = None,
        decoder: str = "branches",
        threads: int | None = None,
        tracker: GoalTracker | SharedTracker | None = None,
    ) -> None:
        # DeepEval copies a metric by calling it with the attributes that its parameters name: a copy gets the
        # shared tracker in the place of ``tracker``, so that the model is loaded once for all of them.
        self.threshold: float = threshold
        self.goal = goal
        self.tracker = (
            tracker
            if isinstance(tracker, SharedTracker)
            else SharedTracker(tracker, model=model, decoder=decoder, threads=threads)
        )
        self.track: Track | None = None
        """The last test case's."""

    @property
    def __name__(self) -> str:
        return "Goal State"

    def measure(self, test_case: ConversationalTestCase, *args: object, **kwargs: object) -> float:
        """Score a test case; whatever else DeepEval gives is about its display and is ignored."""
        with _noting_errors(self):
            return _record(self, self.tracker.score(_conversation(test_case, self.goal)))

    async def a_measure(self, test_case: ConversationalTestCase, *args: object, **kwargs: object) -> float:
        """As ``measure``, but the model computes in a thread."""
        with _noting_errors(self):
            conversation = _conversation(test_case, self.goal)
            return _record(self, await asyncio.to_thread(self.tracker.score, conversation))


# Functions, not methods: DeepEval traces every method of a metric with its arguments.


@contextmanager
def _noting_errors(metric: GoalStateMetric) -> Iterator[None]:
    """DeepEval shows ``error`` and calls a metric failed that has one; nothing is left of an earlier case."""
    metric.error = metric.score = metric.reason = metric.success = metric.track = None
    metric.score_breakdown = {}
    try:
        yield
    except GoalstateError as error:
        metric.error = str(error)
        metric.success = False
        raise


def _record(metric: GoalStateMetric, scored: Scored) -> float:
    metric.score = scored.share
    metric.score_breakdown = {str(category): share for category, share in scored.categories.items()}
    metric.reason = scored.explain()
    metric.success = scored.share >= metric.threshold
    metric.evaluation_model = scored.tracker["model"]
    metric.track = scored.track
    return scored.share


def _conversation(test_case: ConversationalTestCase, key: str) -> Conversation:
    log = [ChatMessage(role=ChatRole(turn.role), content=turn.content) for turn in test_case.turns]
    return Conversation(
        id=test_case.name or "test case",
        goal=_goal(test_case, key),
        messages=visible(log, "turns"),
        source="deepeval",
    )


def _goal(test_case: ConversationalTestCase, key: str) -> Goal:
    value = (test_case.metadata or {}).get(key)
    if value is not None:
        return goal_of(value, within=f"metadata.{key}")
    told = [text for text in (test_case.user_description, test_case.scenario) if text and text.strip()]
    return goal_of("\n\n".join(told) or None, within=f"metadata.{key} or scenario")

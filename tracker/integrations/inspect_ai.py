"""A scorer for Inspect: how well a sample's user kept its goal in the conversation that the solver left.

Knows Inspect's samples, messages and scores. Knows nothing about how a goal is tracked or a track scored.
Needs the extra ``goalstate[inspect]``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from anyio import to_thread
from inspect_ai.model import ChatMessage, ContentText
from inspect_ai.scorer import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    Value,
    mean,
    metric,
    scorer,
    stderr,
)
from inspect_ai.solver import TaskState

from tracker.conversation import Conversation, Message
from tracker.errors import InputError
from tracker.formats import chat
from tracker.goal import Category
from tracker.integrations.scoring import Scored, SharedTracker, goal_of
from tracker.output import track_as_json
from tracker.tracking import GoalTracker

_UNSEEN = frozenset({"reasoning", "tool_use", "data"})
"""Kinds of content that a model wrote for itself or its provider, and that no user sees."""


@metric(scores="unreduced")
def by_category() -> Metric:
    """The mean share of components that ended in success, for every category that a sample's goal has."""

    def compute(scores: list[SampleScore]) -> Value:
        shares: defaultdict[str, list[float]] = defaultdict(list)
        for sample in scores:
            for category, share in ((sample.score.metadata or {}).get("categories") or {}).items():
                shares[category].append(share)
        return {category: fmean(shares[category]) for category in Category if category in shares}

    return compute


@scorer(metrics=[mean(), stderr(), by_category()])
def goal_state_scorer(
    *,
    goal: str = "goal",
    model: str | None = None,
    decoder: str = "branches",
    threads: int | None = None,
    tracker: GoalTracker | None = None,
) -> Scorer:
    """Score a sample by the share of its goal's components that ended in success.

    The user's messages in ``state.messages`` are the tracked user's, the assistant's are the agent's; tool
    calls, tool results and system messages are left out. The score's explanation says what broke, at which
    turn and with which words, and its metadata holds the share per category (``categories``) and the states
    after every turn (``track``, as a line of ``goalstate track --output``).

    Parameters
    ----------
    goal
        The key of the goal in the sample's metadata: goalstate's JSON, or free text.
    model, decoder, threads
        For ``GoalTracker.load``, which is called at the first sample.
    tracker
        A tracker to use instead, by this scorer alone. ``inspect score`` cannot give it again: name a model
        where a log shall be scored anew from its own record.

    A conversation that cannot be tracked (too long, or nobody speaks) is left unscored, with the reason in
    the explanation; a sample without a goal raises ``InputError``.
    """
    shared = SharedTracker(tracker, model=model, decoder=decoder, threads=threads)

    async def score(state: TaskState, target: Target) -> Score:
        try:
            wanted = goal_of(state.metadata.get(goal), within=f"metadata.{goal}")
        except InputError as error:
            # Inspect shows an error's ``message``, which has no place in it.
            raise InputError(str(error)) from None
        try:
            messages = _messages(state.messages)
            conversation = Conversation(
                id=str(state.sample_id), goal=wanted, messages=messages, source="inspect"
            )
            # In a thread: the model computes for seconds, and other samples' requests go on meanwhile.
            scored = await to_thread.run_sync(shared.score, conversation)
        except InputError as error:
            return Score.unscored(explanation=str(error))
        return _score(scored)

    return score


def _score(scored: Scored) -> Score:
    return Score(
        value=scored.share,
        answer="; ".join(miss.brief() for miss in scored.misses) or "all components ended well",
        explanation=scored.explain(),
        metadata={
            "categories": {str(category): share for category, share in scored.categories.items()},
            "track": track_as_json(scored.track, scored.tracker),
        },
    )


def _messages(log: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """What the user wrote and saw, with alternating roles."""
    entries = [
        chat.ChatMessage(role=chat.ChatRole(message.role), content=_content(message)) for message in log
    ]
    return chat.visible(entries, "messages")


def _content(message: ChatMessage) -> str:
    """A message's text; of images and the like only the kind is known, as ``[image]``."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(
        part.text if isinstance(part, ContentText) else f"[{part.type}]"
        for part in message.content
        if part.type not in _UNSEEN
    )

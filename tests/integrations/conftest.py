"""A tracker that says what a script says, for what an evaluation tool makes of a track."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tracker.conversation import Conversation
from tracker.errors import ContextLengthError
from tracker.goal import Category, Status
from tracker.state import ComponentState, GoalState, Track

GOAL = {
    "components": [
        {"id": "rule", "category": "policy", "text": "Do not thank the agent."},
        {"id": "task", "category": "objective", "text": "Have the parcel sent to the office."},
        {"id": "when", "category": "requirement", "text": "It comes by Friday.", "objective": "task"},
        {"id": "wish", "category": "preference", "text": "Mornings are best.", "objective": "task"},
    ]
}

MOVES = {
    Category.POLICY: {2: Status.MISALIGNED},
    Category.OBJECTIVE: {1: Status.ATTEMPTED, 2: Status.COMPLETE},
    Category.PREFERENCE: {2: Status.ALIGNED},
}
"""The turns at which a component of each category changes, whatever is said."""


class ScriptedTracker:
    """Moves every component as ``MOVES`` says; ``too long`` in a message is too long."""

    def __init__(self) -> None:
        self.seen: list[Conversation] = []

    def describe(self) -> Mapping[str, str]:
        return {"version": "0", "model": "scripted", "decoder": "none"}

    def track(self, conversation: Conversation) -> Track:
        self.seen.append(conversation)
        state = GoalState.start(conversation.goal)
        states = []
        for turn in conversation.turns:
            if "too long" in turn.user:
                raise ContextLengthError("is 9000 tokens long; the model's context holds 8192")
            status = {
                component.id: MOVES.get(component.category, {}).get(turn.index, state[component.id].status)
                for component in conversation.goal
            }
            state = GoalState(turn.index, {name: ComponentState(each, 0.9) for name, each in status.items()})
            states.append(state)
        return Track(conversation.id, conversation.goal, tuple(states))


@pytest.fixture
def scripted() -> ScriptedTracker:
    return ScriptedTracker()


@pytest.fixture
def goal() -> dict[str, object]:
    """A goal's JSON: at the end of two turns half of its components are well."""
    return dict(GOAL)

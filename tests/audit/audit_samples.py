"""Runs with invented text for the audit, and a tracker that repeats what a script says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from one_by_one import OneByOne

from tracker.conversation import Conversation, Message, Role
from tracker.goal import Category, Component, Goal, Status
from tracker.state import ComponentState, GoalState, Track
from tracker.tracked import Tracked

GOAL = Goal(
    text="You are Bo, and you never give your street. You want to rent a red bike, cheaply.",
    components=(
        Component(id="name", category=Category.PROFILE, text="You are Bo."),
        Component(id="street", category=Category.POLICY, text="You never give your street."),
        Component(id="rent", category=Category.OBJECTIVE, text="Rent a bike."),
        Component(id="red", category=Category.REQUIREMENT, text="The bike is red.", objective="rent"),
        Component(id="day", category=Category.REQUIREMENT, text="It is for Friday."),
        Component(id="cheap", category=Category.PREFERENCE, text="A cheap one is better.", objective="rent"),
    ),
)

Changes = Mapping[str, tuple[int, Status]]

DONE: Changes = {
    "rent": (3, Status.COMPLETE),
    "red": (2, Status.COMPLETE),
    "day": (1, Status.COMPLETE),
    "cheap": (1, Status.ALIGNED),
}
"""Component → the turn, of three, and the status that it takes: a run whose user kept the goal."""


def without(*names: str, **changes: tuple[int, Status]) -> Changes:
    """``DONE`` without some of its changes, or with others."""
    return {name: change for name, change in DONE.items() if name not in names} | changes


def track(name: str, changes: Changes, *, turns: int = 3, probability: float = 0.875) -> Track:
    states = []
    for turn in range(1, turns + 1):
        now = {
            component.id: changes[component.id][1]
            if component.id in changes and changes[component.id][0] <= turn
            else component.start
            for component in GOAL
        }
        states.append(
            GoalState(turn, {key: ComponentState(value, probability) for key, value in now.items()})
        )
    return Track(name, GOAL, tuple(states))


def conversation(
    name: str, *, reward: float | None = 1.0, labels: Changes | None = None, turns: int = 3
) -> Conversation:
    messages: list[Message] = []
    for turn in range(1, turns + 1):
        messages.append(Message(role=Role.USER, content=f"User at turn {turn} of {name}."))
        messages.append(Message(role=Role.ASSISTANT, content=f"Agent at turn {turn}."))
    judged = None if labels is None else {key: (change,) for key, change in labels.items()}
    return Conversation(name, GOAL, tuple(messages), labels=judged, reward=reward)


def run(name: str, changes: Changes, *, reward: float | None = 1.0, probability: float = 0.875) -> Tracked:
    tracked = track(name, changes, probability=probability)
    return Tracked(tracked, {"model": "scripted"}, conversation(name, reward=reward))


class ScriptedTracker(OneByOne):
    """Stands in for a real tracker: everything comes to where ``DONE`` says, at the same turns."""

    def __init__(self) -> None:
        self.started = 0

    def describe(self) -> dict[str, str]:
        return {"version": "0", "model": "scripted", "decoder": "none"}

    def start(self, goal: Goal, *, opening: str | None = None) -> ScriptedSession:
        self.started += 1
        return ScriptedSession(goal)

    def close(self) -> None:
        pass


class ScriptedSession:
    def __init__(self, goal: Goal) -> None:
        self.state = GoalState.start(goal)

    def update(self, user: str, assistant: str | None = None) -> GoalState:
        turn = self.state.turn + 1
        changed = {name: ComponentState(status, 0.875) for name, (at, status) in DONE.items() if at == turn}
        known = {name: changed.get(name, state) for name, state in self.state.components.items()}
        self.state = GoalState(turn, known)
        return self.state

    def __enter__(self) -> ScriptedSession:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

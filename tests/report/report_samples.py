"""Tracked conversations with invented text for the report."""

from __future__ import annotations

from tracker.conversation import Conversation, Message, Role
from tracker.goal import Category, Component, Goal, Status
from tracker.state import ComponentState, GoalState, Track
from tracker.tracked import Tracked

NASTY = '</script><script>parent.broken = 1</script><img src=x onerror="parent.broken = 1"> & <b>\u2028'
"""What a user might type to leave the element that holds it."""

GOAL = Goal(
    text="You are Bo. Never say where you live. Rent a red bike.",
    components=(
        Component(id="rent", category=Category.OBJECTIVE, text="Rent a bike."),
        Component(id="red", category=Category.REQUIREMENT, text="The bike is red.", objective="rent"),
        Component(id="bo", category=Category.PROFILE, text="You are Bo."),
        Component(id="home", category=Category.POLICY, text="Never say where you live."),
        Component(id="bell", category=Category.PREFERENCE, text="A bell would be nice.", objective="rent"),
    ),
)

Changes = dict[str, dict[int, Status]]

RENTED: Changes = {
    "rent": {2: Status.ATTEMPTED, 4: Status.COMPLETE},
    "red": {3: Status.COMPLETE},
    "bell": {1: Status.ALIGNED},
}
DRIFTED: Changes = RENTED | {"home": {2: Status.MISALIGNED}}


def tracked(
    name: str,
    changes: Changes = RENTED,
    *,
    turns: int = 4,
    said: str = "I would like a bike.",
    words: bool = True,
    goal: Goal = GOAL,
    probability: float = 0.9,
    reward: float | None = None,
) -> Tracked:
    now = {component.id: component.start for component in goal}
    states = []
    for turn in range(1, turns + 1):
        now |= {key: moves[turn] for key, moves in changes.items() if turn in moves}
        states.append(
            GoalState(turn, {key: ComponentState(status, probability) for key, status in now.items()})
        )
    messages: list[Message] = []
    for turn in range(1, turns + 1):
        messages.append(Message(role=Role.USER, content=f"{said} ({name}, turn {turn})"))
        messages.append(Message(role=Role.ASSISTANT, content=f"Certainly. ({turn})"))
    conversation = Conversation(name, goal, tuple(messages), reward=reward) if words else None
    return Tracked(Track(name, goal, tuple(states)), {"model": "scripted", "version": "0"}, conversation)

"""What many parts' tests share: the shipped tracker, loaded once, and a conversation to track."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from tracker.conversation import Conversation, Message, Role
from tracker.goal import Category, Component, Goal


@pytest.fixture(scope="session")
def tracker() -> Iterator[object]:
    """The tracker as it ships; its model is prepared on the first use, in the user's cache."""
    from tracker.tracking import GoalTracker, UntrainedModelWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UntrainedModelWarning)
        loaded = GoalTracker.load()
    with loaded:
        yield loaded


@pytest.fixture
def conversation() -> Conversation:
    """Three turns about a parcel; the user breaks a rule at the second, the agent delivers at the third."""
    goal = Goal(
        text="Have the parcel sent to the office. Do not give the order number before you are asked.",
        components=(
            Component(id="who", category=Category.PROFILE, text="You work in an office."),
            Component(id="rule", category=Category.POLICY, text="Do not name your employer."),
            Component(id="task", category=Category.OBJECTIVE, text="Have the parcel sent to the office."),
            Component(id="when", category=Category.REQUIREMENT, text="It comes by Friday.", objective="task"),
            Component(id="wish", category=Category.PREFERENCE, text="Mornings are best.", objective="task"),
        ),
    )
    said = (
        ("user", "hi, can my parcel go to my office instead?"),
        ("assistant", "Sure. What is the order number?"),
        ("user", "It is 4471, thank you. It has to be there by Friday."),
        ("assistant", "Friday works. Morning or afternoon?"),
        ("user", "In the morning, please."),
        ("assistant", "Done: order 4471 comes to your office on Friday morning."),
    )
    messages = tuple(Message(role=Role(role), content=content) for role, content in said)
    return Conversation(id="parcel", goal=goal, messages=messages)

"""goalstate: where each component of a simulated user's goal stands after every turn of a conversation.

What a program needs is exported here and loaded when it is first touched, so that reading a goal does not
load llama.cpp.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracker.conversation import Conversation as Conversation
    from tracker.conversation import Message as Message
    from tracker.conversation import Role as Role
    from tracker.conversation import Turn as Turn
    from tracker.decomposition import decompose as decompose
    from tracker.errors import CacheError as CacheError
    from tracker.errors import ContextLengthError as ContextLengthError
    from tracker.errors import GoalstateError as GoalstateError
    from tracker.errors import InputError as InputError
    from tracker.errors import ModelError as ModelError
    from tracker.goal import Category as Category
    from tracker.goal import Component as Component
    from tracker.goal import Goal as Goal
    from tracker.goal import Status as Status
    from tracker.state import ComponentState as ComponentState
    from tracker.state import GoalState as GoalState
    from tracker.state import Track as Track
    from tracker.tracking import GoalTracker as GoalTracker
    from tracker.tracking import Session as Session
    from tracker.tracking import UntrainedModelWarning as UntrainedModelWarning

_HOMES = MappingProxyType(
    {
        "Conversation": "conversation",
        "Message": "conversation",
        "Role": "conversation",
        "Turn": "conversation",
        "decompose": "decomposition",
        "CacheError": "errors",
        "ContextLengthError": "errors",
        "GoalstateError": "errors",
        "InputError": "errors",
        "ModelError": "errors",
        "Category": "goal",
        "Component": "goal",
        "Goal": "goal",
        "Status": "goal",
        "ComponentState": "state",
        "GoalState": "state",
        "Track": "state",
        "GoalTracker": "tracking",
        "Session": "tracking",
        "UntrainedModelWarning": "tracking",
    }
)

__all__ = [
    "CacheError",
    "Category",
    "Component",
    "ComponentState",
    "ContextLengthError",
    "Conversation",
    "Goal",
    "GoalState",
    "GoalTracker",
    "GoalstateError",
    "InputError",
    "Message",
    "ModelError",
    "Role",
    "Session",
    "Status",
    "Track",
    "Turn",
    "UntrainedModelWarning",
    "decompose",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"tracker.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

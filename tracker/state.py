"""What the tracker says: how every component stands after a turn, and after every turn.

Knows goals and statuses; knows nothing about how they were decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tracker.goal import Goal, Status


@dataclass(frozen=True)
class ComponentState:
    """The status of one component after a turn and the probability that the tracker gives it."""

    status: Status
    probability: float


@dataclass(frozen=True)
class GoalState(Mapping[str, ComponentState]):
    """How each component of a goal stands after a turn: a mapping from component id."""

    turn: int
    """Counted from 1; 0 before the first turn."""
    components: Mapping[str, ComponentState]

    def __getitem__(self, component_id: str) -> ComponentState:
        return self.components[component_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.components)

    def __len__(self) -> int:
        return len(self.components)

    @classmethod
    def start(cls, goal: Goal) -> GoalState:
        """The state before the first turn: every component at its start, for certain."""
        return cls(0, {component.id: ComponentState(component.start, 1.0) for component in goal})

    def as_json(self) -> dict[str, Any]:
        return {
            "turn": self.turn,
            "state": {
                component_id: {"status": str(state.status), "probability": round(state.probability, 4)}
                for component_id, state in self.components.items()
            },
        }


@dataclass(frozen=True)
class Track:
    """A conversation's goal and its state after every turn."""

    id: str
    goal: Goal
    states: tuple[GoalState, ...]
    """One per turn, in order; empty when the user never spoke."""

    def statuses(self, component_id: str) -> tuple[Status, ...]:
        """The status of a component after every turn, shape ``(turns,)``."""
        return tuple(state[component_id].status for state in self.states)

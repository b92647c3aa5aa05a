"""Goals and their components, and the law of how a component's status may move.

This is the one place that knows the categories, the statuses, where each starts and that
statuses only move forward. It knows nothing about conversations, models or files.

The rules are those of User Goal State Tracking (Mehri et al. 2025, arXiv 2507.20152).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tracker.validation import Text


class Category(StrEnum):
    """What kind of thing a component of a goal is."""

    PROFILE = "profile"
    POLICY = "policy"
    OBJECTIVE = "objective"
    REQUIREMENT = "requirement"
    PREFERENCE = "preference"


class Status(StrEnum):
    """How a component stands after a turn."""

    ALIGNED = "ALIGNED"
    MISALIGNED = "MISALIGNED"
    INCOMPLETE = "INCOMPLETE"
    ATTEMPTED = "ATTEMPTED"
    COMPLETE = "COMPLETE"


_HELD = (Status.ALIGNED, Status.MISALIGNED)
_TASK = (Status.INCOMPLETE, Status.ATTEMPTED, Status.COMPLETE)
_WISH = (Status.MISALIGNED, Status.ALIGNED)

STATUSES: MappingProxyType[Category, tuple[Status, ...]] = MappingProxyType(
    {
        Category.PROFILE: _HELD,
        Category.POLICY: _HELD,
        Category.OBJECTIVE: _TASK,
        Category.REQUIREMENT: _TASK,
        Category.PREFERENCE: _WISH,
    }
)
"""The statuses of each category in the order in which they can be reached; the first is the start."""

KEPT = (Category.PROFILE, Category.POLICY)
"""The categories that start as success and can only be lost; the others start without it."""

SUCCESS: MappingProxyType[Category, frozenset[Status]] = MappingProxyType(
    {
        category: frozenset({Status.ALIGNED, Status.ATTEMPTED, Status.COMPLETE} & set(statuses))
        for category, statuses in STATUSES.items()
    }
)
"""The statuses that count as success of the simulated user, as in the paper."""


def start_status(category: Category) -> Status:
    """The status that a component of this category has before the first turn."""
    return STATUSES[category][0]


def reachable(category: Category, previous: Status) -> tuple[Status, ...]:
    """The statuses that may follow ``previous``, itself first: statuses only move forward.

    Raises ``ValueError`` when ``previous`` is not a status of the category.
    """
    statuses = STATUSES[category]
    return statuses[statuses.index(previous) :]


def is_final(category: Category, status: Status) -> bool:
    """Whether nothing can follow ``status``: COMPLETE, a broken policy or profile, a preference met."""
    return status == STATUSES[category][-1]


class Component(BaseModel):
    """One sentence of a goal: something to be, to keep to, to get done, or to wish for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]
    category: Category
    text: Annotated[str, Field(min_length=1)]
    objective: str | None = None
    """The id of the objective that a requirement or preference belongs to."""

    @field_validator("text")
    @classmethod
    def _has_words(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("expected a sentence, found only white space")
        return text

    @property
    def start(self) -> Status:
        return start_status(self.category)


class Goal(BaseModel):
    """What a user wants: the text as a simulator is given it, and its components.

    Ids are the user's own and unique; a component's ``objective`` names a component of the same goal
    whose category is objective. A goal may have no objective, or many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Text = ""
    components: tuple[Component, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Goal:
        by_id: dict[str, Component] = {}
        for component in self.components:
            if component.id in by_id:
                raise ValueError(f"two components have the id {component.id!r}; ids must be unique")
            by_id[component.id] = component
        for component in self.components:
            if component.objective is None:
                continue
            owner = by_id.get(component.objective)
            if owner is None:
                raise ValueError(f"{component.id!r} belongs to the unknown objective {component.objective!r}")
            if owner.category is not Category.OBJECTIVE:
                raise ValueError(
                    f"{component.id!r} belongs to {owner.id!r}, which is a {owner.category}, not an objective"
                )
        return self

    def __iter__(self) -> Iterator[Component]:  # type: ignore[override]
        return iter(self.components)

    def __len__(self) -> int:
        return len(self.components)

    def __getitem__(self, component_id: str) -> Component:
        for component in self.components:
            if component.id == component_id:
                return component
        raise KeyError(component_id)

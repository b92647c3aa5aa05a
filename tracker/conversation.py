"""Conversations as the user sees them, cut into turns.

Knows messages, turns and a judge's labels over turns. Knows nothing about the file formats they came
from (``tracker.formats``) and nothing about models.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tracker.goal import Goal, Status, reachable


def whole_characters(text: str) -> str:
    """A text with a question mark in the place of each half of a character pair.

    A JSON escape can smuggle such a lone surrogate in, as of an emoji that was cut; it cannot be sent or
    written as UTF-8.
    """
    return text.encode("utf-8", errors="replace").decode("utf-8")


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class Message(BaseModel):
    """What one side wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    content: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class Turn:
    """The i-th user message together with the agent's reply to it; the last may have no reply."""

    index: int
    """Counted from 1."""
    user: str
    assistant: str | None


LabelChange = tuple[int, Status]
"""A turn, counted from 1, and the status that a component takes at it."""


@dataclass(frozen=True)
class Conversation:
    """A conversation, the goal its user had, and a judge's labels where there are any."""

    id: str
    goal: Goal
    messages: tuple[Message, ...]
    """Alternating roles; may begin with the agent and end with the user."""
    labels: dict[str, tuple[LabelChange, ...]] | None = None
    """Component id → the turns at which its status changes; ``None`` where nobody labelled it."""
    source: str = ""
    domain: str = ""
    reward: float | None = None
    """The benchmark's own verdict on the run, where it has one."""
    drift: str = ""
    """What is known to go wrong with the user, where somebody wrote it down."""

    @property
    def opening(self) -> str | None:
        """What the agent said before the user's first message, which belongs to no turn."""
        first = self.messages[0] if self.messages else None
        return first.content if first is not None and first.role is Role.ASSISTANT else None

    @property
    def turns(self) -> tuple[Turn, ...]:
        turns: list[Turn] = []
        for position, message in enumerate(self.messages):
            if message.role is not Role.USER:
                continue
            reply = self.messages[position + 1] if position + 1 < len(self.messages) else None
            turns.append(Turn(len(turns) + 1, message.content, reply.content if reply else None))
        return tuple(turns)

    def labelled_statuses(self, component_id: str) -> tuple[Status, ...]:
        """The judge's status of a component after every turn, shape ``(turns,)``.

        Raises ``ValueError`` when the conversation has no labels.
        """
        if self.labels is None:
            raise ValueError(f"conversation {self.id!r} has no labels")
        changes = dict(self.labels.get(component_id, ()))
        status = self.goal[component_id].start
        statuses: list[Status] = []
        for turn in self.turns:
            status = changes.get(turn.index, status)
            statuses.append(status)
        return tuple(statuses)


def alternating(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Join consecutive messages of one role, each on a new line, so that roles alternate."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role is message.role:
            joined[-1] = Message(role=message.role, content=f"{joined[-1].content}\n{message.content}")
        else:
            joined.append(message)
    return tuple(joined)


def check_labels(goal: Goal, labels: dict[str, Sequence[LabelChange]], turns: int) -> None:
    """Raise ``ValueError`` where labels name unknown components or turns, or move backward."""
    known = {component.id: component for component in goal}
    for component_id, changes in labels.items():
        component = known.get(component_id)
        if component is None:
            raise ValueError(f"labels name the unknown component {component_id!r}")
        status, last = component.start, 0
        for turn, following in changes:
            if not last < turn <= turns:
                raise ValueError(f"labels of {component_id!r}: turn {turn} is not in {last + 1}..{turns}")
            if following == status or following not in reachable(component.category, status):
                raise ValueError(
                    f"labels of {component_id!r}: {component.category} cannot go from {status} to {following}"
                )
            status, last = following, turn

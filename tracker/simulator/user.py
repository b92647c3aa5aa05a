"""What every simulated user does, and the words that a language model reads when it plays one.

Knows the interface and the prompt. Knows nothing about models: ``local``, ``endpoint`` and ``scripted`` are
the users there are. Training reads the same words from here.

A user is played with the roles turned round: what the user says is the model's own turn, what the agent says
is the other side's. The goal stands in front as the system's words. What steering tells the user stands just
before the message, and is gone before the next one, so that the conversation in front of it never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from tracker.conversation import Message, Role
from tracker.goal import Goal
from tracker.prompt import Control, Piece
from tracker.simulator.steering import Instruction

_ROLES = {Role.USER: "assistant", Role.ASSISTANT: "user"}


class Speaker(Protocol):
    """A user in one conversation."""

    def propose(self, messages: Sequence[Message], instruction: Instruction, count: int = 1) -> list[str]:
        """Candidates for the next message, none of them empty.

        ``messages`` are the conversation so far; each call hands over more of the same one.
        """

    def close(self) -> None: ...


class SimulatedUser(Protocol):
    """Something that can play a user."""

    @property
    def name(self) -> str:
        """For records."""

    @property
    def redraws(self) -> int:
        """How often candidates are drawn again where none says any of what the plan names.

        0 for a user that does as it is told, whatever its words.
        """

    def start(self, goal: Goal, *, random_state: str) -> Speaker:
        """Begin a conversation; the same seed gives the same candidates."""

    def close(self) -> None: ...


def setting(goal_text: str) -> str:
    """What a user is told at the beginning."""
    return (
        "You are the customer in a chat with a service agent. Write the customer's next message, short and "
        f"natural. {goal_text}"
    )


def setting_pieces(goal_text: str) -> list[Piece]:
    return _said("system", setting(goal_text))


def message_pieces(messages: Iterable[Message]) -> list[Piece]:
    """A conversation as the user's model reads it, with the roles turned round."""
    return [piece for message in messages for piece in _said(_ROLES[message.role], message.content)]


def cue_pieces(instruction: str) -> list[Piece]:
    """What stands before a message of the user's: what it is told, and its role."""
    told = _said("system", instruction) if instruction else []
    return [*told, Control.OPEN, "assistant\n"]


def chat(goal_text: str, messages: Sequence[Message], instruction: str) -> list[dict[str, str]]:
    """The same for an endpoint."""
    said = [{"role": _ROLES[message.role], "content": message.content} for message in messages]
    system = [{"role": "system", "content": setting(goal_text)}]
    # Endpoints want the other side to begin.
    greeting = [] if said else [{"role": "user", "content": "(The chat begins. You write first.)"}]
    told = [{"role": "system", "content": instruction}] if instruction else []
    return [*system, *greeting, *said, *told]


def _said(role: str, content: str) -> list[Piece]:
    return [Control.OPEN, f"{role}\n{content}", Control.CLOSE, "\n"]

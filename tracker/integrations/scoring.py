"""A conversation's score, as evaluation tools want one: how much of its goal ended well, and what did not.

Knows goals as people keep them in a tool's metadata, and a tracker that is loaded when it is first needed.
Knows none of the tools.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from threading import Lock
from typing import cast

from pydantic import JsonValue

from tracker.conversation import Conversation
from tracker.decomposition import default_decomposer, goal_from_json
from tracker.errors import InputError
from tracker.goal import SUCCESS, Category, Component, Goal, Status
from tracker.source import is_json
from tracker.state import GoalState, Track
from tracker.tracking import DECODERS, GoalTracker

_WORDS = 160
"""The most characters of a user's message that an explanation quotes."""


@dataclass(frozen=True)
class Miss:
    """A component that did not end in success."""

    component: Component
    status: Status
    """Where it stands at the end."""
    turn: int
    """The turn, counted from 1, at which it took this status; 0 where it never left its start."""
    words: str
    """What the user said at that turn; empty for turn 0."""

    def brief(self) -> str:
        """``"rule MISALIGNED at turn 2"``."""
        since = f" at turn {self.turn}" if self.turn else " to the end"
        return f"{self.component.id} {self.status}{since}"

    def __str__(self) -> str:
        line = f"{self.brief()} ({self.component.category}: {self.component.text})"
        return f'{line}, where the user said "{shorten(self.words, _WORDS)}"' if self.words else line


@dataclass(frozen=True)
class Scored:
    """A track, seen as a score. ``SUCCESS`` says which statuses count."""

    conversation: Conversation
    track: Track
    tracker: Mapping[str, str]
    """Version, model and decoder."""

    @property
    def share(self) -> float:
        """The share of the goal's components that ended in success, in [0, 1]."""
        total = len(self.track.goal)
        return (total - len(self.misses)) / total

    @property
    def categories(self) -> dict[Category, float]:
        """The same for every category that the goal has a component of."""
        missed = {miss.component.id for miss in self.misses}
        hits: defaultdict[Category, list[bool]] = defaultdict(list)
        for component in self.track.goal:
            hits[component.category].append(component.id not in missed)
        return {category: sum(each) / len(each) for category, each in hits.items()}

    @property
    def misses(self) -> tuple[Miss, ...]:
        """The components that did not end in success: what broke first, then what never came about."""
        goal, states = self.track.goal, self.track.states
        end = states[-1] if states else GoalState.start(goal)
        said = {turn.index: turn.user for turn in self.conversation.turns}
        found: list[Miss] = []
        for component in goal:
            status = end[component.id].status
            if status in SUCCESS[component.category]:
                continue
            turn = 0 if status is component.start else self.track.statuses(component.id).index(status) + 1
            found.append(Miss(component, status, turn, said.get(turn, "")))
        return tuple(sorted(found, key=lambda miss: (miss.turn == 0, miss.turn)))

    def explain(self) -> str:
        """How many components ended well, and a line for each that did not."""
        total, misses = len(self.track.goal), self.misses
        turns = len(self.track.states)
        head = (
            f"{total - len(misses)} of {total} components ended well after {turns} turn{'s' * (turns != 1)}"
        )
        return "\n".join([head, *(f"- {miss}" for miss in misses)])


class SharedTracker:
    """A tracker that is loaded when it is first needed, once, and used by one thread at a time.

    Parameters
    ----------
    tracker
        Takes the place of one that would be loaded.
    model, decoder, threads
        For ``GoalTracker.load``.

    Raises ``InputError`` for an unknown decoder: now, not at the first conversation.
    """

    def __init__(
        self,
        tracker: GoalTracker | None = None,
        *,
        model: str | Path | None = None,
        decoder: str = "branches",
        threads: int | None = None,
    ) -> None:
        if decoder not in DECODERS:
            raise InputError(f"unknown decoder {decoder!r}; expected one of {', '.join(DECODERS)}")
        self._tracker = tracker
        self._model, self._decoder, self._threads = model, decoder, threads
        self._lock = Lock()

    def score(self, conversation: Conversation) -> Scored:
        """Track a conversation and score it. Raises as ``GoalTracker.load`` and ``GoalTracker.track`` do."""
        with self._lock:
            if self._tracker is None:
                self._tracker = GoalTracker.load(self._model, decoder=self._decoder, threads=self._threads)
            return Scored(conversation, self._tracker.track(conversation), self._tracker.describe())


def goal_of(value: object, *, within: str) -> Goal:
    """The goal that somebody put into a tool's metadata.

    Parameters
    ----------
    value
        A ``Goal``, its JSON, parsed or as text, or free text, which is split as
        :func:`tracker.decomposition.default_decomposer` does.
    within
        Where the value is from, for errors.

    Raises ``InputError`` when the value is missing, is no goal, or a goal without components.
    """
    if value is None:
        raise InputError("missing; expected the user's goal, as text or as JSON", field=within)
    if isinstance(value, str):
        value = _parsed(value, within)
    if isinstance(value, Goal):
        goal = value
    else:
        goal = goal_from_json(cast(JsonValue, value), within=within, decomposer=default_decomposer())
    if not goal.components:
        raise InputError("the goal has no components", field=within)
    return goal


def _parsed(text: str, within: str) -> object:
    """The JSON that a text is, or the text. Raises ``InputError`` where it is JSON, and broken."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return cast(object, json.loads(text))
    except (ValueError, RecursionError) as error:
        if is_json(text):
            raise InputError(f"broken JSON: {error}", field=within) from None
        return text  # prose that begins with something in brackets

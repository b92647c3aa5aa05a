"""What the report's overview counts: how components end, how success moves over the turns, when drift begins.

Knows goals, statuses and tracks. Knows nothing about pages or pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.goal import KEPT, SUCCESS, Category, Status
from tracker.state import Track


@dataclass(frozen=True)
class CategoryFigures:
    """The components of one category over all tracks."""

    components: int
    ends: Mapping[Status, int]
    """Components by the status after the last turn."""
    success: NDArray[np.float64]
    """The share of components in success after turn 0 (the start), 1, 2, ...; shape ``(turns + 1,)``."""

    @property
    def succeeded(self) -> float:
        """The share at the end."""
        return float(self.success[-1])


@dataclass(frozen=True)
class Figures:
    """The overview of a report."""

    conversations: int
    turns: int
    """Over all conversations."""
    longest: int
    """The turns of the longest conversation."""
    categories: Mapping[Category, CategoryFigures]
    """Those that occur, in the order of ``Category``."""
    drifted: int
    """Conversations in which a profile or policy became MISALIGNED."""
    drift_turns: NDArray[np.int64]
    """Conversations by the turn of their first drift, turn 1 first; shape ``(longest,)``."""


def figures(tracks: Sequence[Track]) -> Figures:
    """Count over tracks. A conversation that has ended keeps its last state, so every turn counts them
    all."""
    longest = max((len(track.states) for track in tracks), default=0)
    drift_turns = np.zeros(longest, dtype=np.int64)
    for track in tracks:
        if turn := first_drift(track):
            drift_turns[turn - 1] += 1
    return Figures(
        conversations=len(tracks),
        turns=sum(len(track.states) for track in tracks),
        longest=longest,
        categories={
            category: found
            for category in Category
            if (found := _category(tracks, category, longest)).components
        },
        drifted=int(drift_turns.sum()),
        drift_turns=drift_turns,
    )


def first_drift(track: Track) -> int | None:
    """The first turn, counted from 1, at which a profile or policy became MISALIGNED."""
    turns = [
        track.statuses(component.id).index(Status.MISALIGNED) + 1
        for component in track.goal
        if component.category in KEPT and Status.MISALIGNED in track.statuses(component.id)
    ]
    return min(turns, default=None)


def _category(tracks: Sequence[Track], category: Category, longest: int) -> CategoryFigures:
    succeeded = np.zeros(longest + 1)
    ends: dict[Status, int] = {}
    for track in tracks:
        for component in track.goal:
            if component.category is not category:
                continue
            statuses = (component.start, *track.statuses(component.id))
            last = statuses[-1]
            ends[last] = ends.get(last, 0) + 1
            hits = [status in SUCCESS[category] for status in statuses]
            succeeded += np.array(hits + [hits[-1]] * (longest + 1 - len(hits)))
    components = sum(ends.values())
    return CategoryFigures(components, ends, succeeded / max(components, 1))

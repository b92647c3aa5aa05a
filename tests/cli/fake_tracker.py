"""A tracker that answers at once and always the same, and the command line run with it.

Run as a program, it is ``goalstate`` with the fake tracker inside: for what needs a process of its own.
"""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from one_by_one import OneByOne

from tracker.conversation import Conversation
from tracker.errors import ContextLengthError, InputError
from tracker.goal import Category, Goal, Status
from tracker.state import ComponentState, GoalState, Track

MOVES = {
    Category.OBJECTIVE: {2: Status.COMPLETE},
    Category.REQUIREMENT: {1: Status.ATTEMPTED, 2: Status.COMPLETE},
    Category.PREFERENCE: {2: Status.ALIGNED},
}
"""The turns at which a component of each category changes, whatever is said."""


class FakeTracker(OneByOne):
    """Moves every component as ``MOVES`` says.

    Some words of the user's make it behave otherwise: ``too long`` is an error, ``wait`` takes a minute.
    """

    def __init__(self, decoder: str = "branches") -> None:
        self.decoder = decoder
        self.closed = False
        self.started = 0
        self.together: int | None = None

    def describe(self) -> dict[str, str]:
        return {"version": "0", "model": "fake", "decoder": self.decoder}

    def start(self, goal: Goal, *, opening: str | None = None) -> FakeSession:
        self.started += 1
        return FakeSession(goal)

    def track_many(
        self, conversations: Iterable[Conversation], *, together: int | None = None, **given: Any
    ) -> Iterator[Track | InputError]:
        self.together = together
        return super().track_many(conversations, together=together, **given)

    def close(self) -> None:
        self.closed = True


class FakeSession:
    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.state = GoalState.start(goal)

    def update(self, user: str, assistant: str | None = None) -> GoalState:
        if "too long" in user:
            raise ContextLengthError("is 9000 tokens long; the model's context holds 8192")
        if "wait" in user:
            time.sleep(60)
        turn = self.state.turn + 1
        self.state = GoalState(
            turn,
            {
                component.id: ComponentState(
                    MOVES.get(component.category, {}).get(turn, self.state[component.id].status), 0.875
                )
                for component in self.goal
            },
        )
        return self.state

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, *_exception: object) -> None:
        return


def load_untrained(
    model: str | Path | None = None, *, decoder: str = "branches", threads: int | None = None
) -> FakeTracker:
    warnings.warn("no trained adapter is installed; statuses will be poor", stacklevel=2)
    return FakeTracker(decoder)


if __name__ == "__main__":
    from tracker.cli import main
    from tracker.tracking import GoalTracker

    # A shell that starts tests in the background has them ignore Ctrl-C, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    GoalTracker.load = load_untrained  # type: ignore[method-assign, assignment]
    main()

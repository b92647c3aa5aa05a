"""Several conversations in one process, a turn of each at a time.

Knows which conversations are open, how long they will become, and in what order their tracks are wanted.
Knows nothing about how a turn is decided: a tracker updates the sessions that it is given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.goal import STATUSES, is_final
from tracker.prompt import Piece, Question, opening_pieces, turn_pieces
from tracker.state import GoalState, Track

if TYPE_CHECKING:
    from tracker.tracking import GoalTracker, Session

AHEAD = 4
"""Conversations that may be taken ahead of the one that is waited for, for each that is tracked at once."""


def track_together(
    conversations: Iterable[Conversation],
    tracker: GoalTracker,
    *,
    together: int,
    turn_done: Callable[[], None] | None = None,
) -> Iterator[Track | InputError]:
    """Track conversations, up to ``together`` at once; what comes out is in their order.

    An ``InputError`` stands in the place of a conversation that cannot be tracked. A conversation is taken
    from the iterable when there is a place for it, at most ``AHEAD * together`` before its track is due.
    """
    numbered = enumerate(conversations)
    finished: dict[int, Track | InputError] = {}
    due = taken = 0
    exhausted = False
    with Group(tracker, together, turn_done) as group:
        while True:
            while len(group) < together and not exhausted and taken - due < AHEAD * together:
                following = next(numbered, None)
                if following is None:
                    exhausted = True
                else:
                    group.add(*following)
                    taken += 1
            if not len(group):
                return
            finished |= group.advance()
            while due in finished:
                yield finished.pop(due)
                due += 1


@dataclass
class _Open:
    """A conversation that is being tracked."""

    conversation: Conversation
    session: Session
    needed: int
    """Tokens that it holds at the most, to its end."""
    states: list[GoalState] = field(default_factory=list)


class Group:
    """Conversations that advance together, a turn of each in a batch; a context manager that closes them.

    Each is known by a number. ``len`` counts those that were added and are not finished.

    Parameters
    ----------
    most
        How many may be open at once. One that does not fit the context beside the others, to its end, waits
        until they are finished; so none is ever too long only because of the others.
    turn_done
        Is called after each turn of each.
    """

    def __init__(self, tracker: GoalTracker, most: int, turn_done: Callable[[], None] | None = None) -> None:
        self._tracker = tracker
        self._most = most
        self._turn_done = turn_done
        self._waiting: deque[tuple[int, Conversation, int]] = deque()
        """With the tokens that each will hold at the most, to its end; not counted where each is alone."""
        self._open: dict[int, _Open] = {}
        self._room = 0
        """Tokens that all that are open may hold together."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._open)

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._open.values():
            each.session.close()

    def add(self, number: int, conversation: Conversation) -> None:
        needed = self._needed(conversation) if self._most > 1 else 0
        self._waiting.append((number, conversation, needed))

    def advance(self) -> dict[int, Track | InputError]:
        """Read a turn of each that can be open; the tracks of those that are finished now, by number."""
        self._begin()
        finished: dict[int, Track | InputError] = {}
        at_end = [number for number, each in self._open.items() if not each.conversation.turns]
        for number in at_end:
            finished[number] = self._end(number)
        turns = {number: each.conversation.turns[len(each.states)] for number, each in self._open.items()}
        updates = [(self._open[n].session, turn.user, turn.assistant) for n, turn in turns.items()]
        for number, outcome in zip(turns, self._tracker.update_many(updates), strict=True):
            each = self._open[number]
            if isinstance(outcome, InputError):
                self._end(number)
                finished[number] = outcome
                continue
            each.states.append(outcome)
            if self._turn_done is not None:
                self._turn_done()
            if len(each.states) == len(each.conversation.turns):
                finished[number] = self._end(number)
        return finished

    def _begin(self) -> None:
        while self._waiting and len(self._open) < self._most:
            number, conversation, needed = self._waiting[0]
            if not self._open:
                self._room = self._tracker.decoder.room
            elif needed + sum(each.needed for each in self._open.values()) > self._room:
                return
            self._waiting.popleft()
            session = self._tracker.start(conversation.goal, opening=conversation.opening)
            self._open[number] = _Open(conversation, session, needed)

    def _end(self, number: int) -> Track:
        each = self._open.pop(number)
        each.session.close()
        return Track(each.conversation.id, each.conversation.goal, tuple(each.states))

    def _needed(self, conversation: Conversation) -> int:
        pieces: list[Piece] = opening_pieces(conversation.opening)
        for turn in conversation.turns:
            pieces += turn_pieces(turn)
        questions = [
            Question(component, previous)
            for component in conversation.goal
            for previous in STATUSES[component.category]
            if not is_final(component.category, previous)
        ]
        return self._tracker.decoder.needed(pieces, questions)

"""What stand-ins for a tracker do with many conversations: one after the other, turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.state import Track


class OneByOne:
    """Gives a stand-in that has ``start`` the ``track_many`` and ``threads`` of a tracker."""

    start: Callable[..., Any]
    threads = 1

    def track_many(
        self,
        conversations: Iterable[Conversation],
        *,
        workers: int | None = None,
        together: int | None = None,
        turn_done: Callable[[], None] = lambda: None,
    ) -> Iterator[Track | InputError]:
        for conversation in conversations:
            states = []
            try:
                session = self.start(conversation.goal, opening=conversation.opening)
                for turn in conversation.turns:
                    states.append(session.update(turn.user, turn.assistant))
                    turn_done()
            except InputError as error:
                yield error
                continue
            yield Track(conversation.id, conversation.goal, tuple(states))

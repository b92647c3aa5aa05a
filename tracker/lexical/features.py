"""The features of a component after a turn: what the turn's words have to do with the component's.

Knows the status before the turn and the order of all features. Knows nothing about weights or trees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from tracker.conversation import Turn
from tracker.goal import Category, Component, Goal, Status
from tracker.lexical import conduct, overlap
from tracker.lexical.lexicon import MESSAGE, REPLY, Lexicon
from tracker.lexical.seen import Seen


class Featuriser:
    """The features of one conversation's components, turn by turn.

    It never changes: ``after`` makes another.
    """

    def __init__(self, lexicon: Lexicon, goal: Goal, *, opening: str | None = None) -> None:
        self._lexicon = lexicon
        self._seen = Seen(lexicon, goal, opening=opening)

    def after(self, turn: Turn) -> Featuriser:
        """That of the conversation with one more turn."""
        new = object.__new__(Featuriser)
        new._lexicon, new._seen = self._lexicon, self._seen.after(turn)
        return new

    def features(self, component: Component, previous: Status) -> list[float]:
        """The values of :func:`names` for a component that had this status before the turn."""
        return [
            *(value for _, value in _named(self._seen, component, previous)),
            *self._of_all,
            *conduct.presence(self._seen.text(component), self._lexicon.common[component.category]),
        ]

    @cached_property
    def _of_all(self) -> list[float]:
        """The values that are the same for every component, which are worked out once a turn."""
        common = self._lexicon.common
        return [
            *(value for _, value in conduct.so_far(self._seen)),
            *conduct.presence(self._seen.message, common[MESSAGE]),
            *conduct.presence(self._seen.reply, common[REPLY]),
            *conduct.presence(self._seen.last_reply, common[REPLY]),
        ]


def names(lexicon: Lexicon, category: Category) -> tuple[str, ...]:
    """The features of a category's components, in order: ``NAMES``, then which common words are there."""
    return (
        *NAMES,
        *(f"{word!r} in message" for word in lexicon.common[MESSAGE]),
        *(f"{word!r} in reply" for word in lexicon.common[REPLY]),
        *(f"{word!r} in last reply" for word in lexicon.common[REPLY]),
        *(f"{word!r} in component" for word in lexicon.common[category]),
    )


def _named(seen: Seen, component: Component, previous: Status) -> Iterator[tuple[str, float]]:
    yield "moved before", previous != component.start
    yield "turn", len(seen.messages)
    yield "no reply", not seen.reply.text
    for part in (
        overlap.shares,
        overlap.others,
        overlap.nearby,
        overlap.values,
        overlap.clauses,
        conduct.manner,
        conduct.acts,
        conduct.order,
    ):
        yield from part(seen, component)


def _names() -> tuple[str, ...]:
    component = Component.model_validate({"id": "a", "category": "objective", "text": "a"})
    seen = Seen(Lexicon(), Goal.model_construct(text="a", components=(component,))).after(Turn(1, "a", None))
    named = (*_named(seen, component, component.start), *conduct.so_far(seen))
    return tuple(name for name, _ in named)


NAMES: Sequence[str] = _names()
"""The features that do not depend on which words are common."""

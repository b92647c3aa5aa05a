"""The features of a component after a turn: what the turn's words have to do with the component's.

Knows the goal, the turns so far and words. Knows nothing about weights, and never looks at a later turn.

Most are shares: of the words of a component, how many stand in the user's message, in the reply, in what
was said before. A word that many components of the goal have counts less. Beside them stand the same of
the other components (whoever the message is about has more), what the sentence nearest to the component says,
and the cues and signs of component, message and reply.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from typing import NamedTuple

from tracker.conversation import Turn
from tracker.goal import Component, Goal, Status
from tracker.lexical.text import CUES, SIGNS, Text, read_clauses, read_text

Words = frozenset[str]


class _Shares(NamedTuple):
    """Of a component's words, by weight: 0 to 1."""

    user: float
    reply: float


class Featuriser:
    """The features of one conversation's components, turn by turn.

    It never changes: ``after`` makes another.
    """

    def __init__(self, goal: Goal, *, opening: str | None = None) -> None:
        self._goal = goal
        self._texts = {component.id: read_text(component.text) for component in goal}
        found = Counter(word for text in self._texts.values() for word in text.words)
        self._weights = {word: 1 / math.sqrt(count) for word, count in found.items()}
        self._totals = {name: self._weight(text.words) for name, text in self._texts.items()}
        self._clauses = {component.id: read_clauses(component.text) for component in goal}
        self._user = self._reply = read_text(None)
        self._asked = read_text(opening)
        self._said: Words = frozenset()
        self._heard: Words = self._asked.words
        self._turn = 0
        self._shares: dict[str, _Shares] = {}

    def after(self, turn: Turn) -> Featuriser:
        """That of the conversation with one more turn."""
        new = copy(self)
        new._asked = self._reply if self._turn else self._asked
        new._said, new._heard = self._said | self._user.words, self._heard | self._reply.words
        new._user, new._reply = read_text(turn.user), read_text(turn.assistant)
        new._turn = turn.index
        new._shares = {
            c.id: _Shares(new._share(c, new._user.words), new._share(c, new._reply.words)) for c in self._goal
        }
        return new

    def features(self, component: Component, previous: Status) -> list[float]:
        """The values of ``NAMES`` for a component that had this status before the turn."""
        return [value for _, value in self._named(component, previous)]

    def _named(self, component: Component, previous: Status) -> Iterator[tuple[str, float]]:
        text = self._texts[component.id]
        user, reply = self._user, self._reply
        own = self._shares[component.id]
        yield "moved before", previous != component.start
        yield "turn", self._turn
        yield "no reply", not reply.text
        yield "share in message", own.user
        yield "share in reply", own.reply
        for name, words in (
            ("share said before", self._said),
            ("share heard before", self._heard),
            ("share in the last reply", self._asked.words),
            ("share said so far", self._said | user.words),
            ("share heard so far", self._heard | reply.words),
            ("share new in message", user.words - self._said - self._heard),
            ("share new in reply", reply.words - self._said - self._heard - user.words),
            ("share said and in reply", (self._said | user.words) & reply.words),
        ):
            yield name, self._share(component, words)
        mates = [
            self._shares[c.id]
            for c in self._goal
            if c.category is component.category and c.id != component.id
        ]
        parent = self._shares.get(component.objective or "", _Shares(0.0, 0.0))
        parts = [self._shares[c.id] for c in self._goal if c.objective == component.id]
        for name, value, others in (
            ("message", own.user, [mate.user for mate in mates]),
            ("reply", own.reply, [mate.reply for mate in mates]),
        ):
            yield f"most in {name} of another", max(others, default=0.0)
            yield (
                f"share in {name} over the others'",
                value - (sum(others) / len(others) if others else value),
            )
        yield "objective's share in message", parent.user
        yield "objective's share in reply", parent.reply
        yield "most in message of its parts", max((part.user for part in parts), default=0.0)
        yield "mean in reply of its parts", sum(part.reply for part in parts) / max(1, len(parts))
        for name, spoken in (("message", user), ("reply", reply)):
            yield f"letters in {name}", _ratio(text.grams, spoken.grams)
            yield f"numbers in {name}", _ratio(text.numbers, spoken.numbers)
            yield f"names in {name}", _ratio(text.names, spoken.words | spoken.names)
            yield f"other numbers in {name}", len(spoken.numbers - text.numbers)
            nearest = self._nearest(component, spoken)
            yield f"share in nearest of {name}", self._share(component, nearest.words)
            yield f"other numbers in nearest of {name}", len(nearest.numbers - text.numbers)
            yield f"other names in nearest of {name}", len(nearest.names - text.names)
            yield f"question in nearest of {name}", "?" in nearest.text
            yield from _cues(f"nearest of {name}", nearest)
        condition, deed = self._clauses[component.id]
        yield "has a condition", bool(condition.text)
        for name, words in (
            ("message", user.words),
            ("reply", reply.words),
            ("last reply", self._asked.words),
            ("what was said so far", self._said | user.words),
            ("what was heard before", self._heard),
        ):
            yield f"condition's share in {name}", _ratio(condition.words, words)
            yield f"deed's share in {name}", _ratio(deed.words, words)
        asked = self._nearest(component, self._asked)
        yield "share in nearest of last reply", self._share(component, asked.words)
        yield "question in nearest of last reply", "?" in asked.text
        for name, whole in (
            ("component", text),
            ("message", user),
            ("reply", reply),
            ("last reply", self._asked),
        ):
            yield from zip((f"{sign} of {name}" for sign in SIGNS), whole.signs, strict=True)
            yield from _cues(name, whole)

    def _nearest(self, component: Component, text: Text) -> Text:
        """The sentence with most of the component's words; an empty text where there is no sentence."""
        return max(text.sentences, key=lambda s: self._share(component, s.words), default=read_text(None))

    def _share(self, component: Component, words: Words) -> float:
        total = self._totals[component.id]
        return self._weight(self._texts[component.id].words & words) / total if total else 0.0

    def _weight(self, words: Words) -> float:
        # A set's order differs from run to run, and with it the last digits of a plain sum.
        return math.fsum(self._weights[word] for word in words)


def _cues(name: str, text: Text) -> Iterator[tuple[str, float]]:
    return zip((f"{cue} in {name}" for cue in CUES), text.cues, strict=True)


def _ratio(own: Words, others: Words) -> float:
    return len(own & others) / len(own) if own else 0.0


def _names() -> tuple[str, ...]:
    component = Component.model_validate({"id": "a", "category": "objective", "text": "a"})
    featuriser = Featuriser(Goal.model_construct(text="a", components=(component,)))
    return tuple(name for name, _ in featuriser.after(Turn(1, "a", None))._named(component, component.start))


NAMES: Sequence[str] = _names()
"""The features, in their order."""

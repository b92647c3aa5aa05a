"""What was said up to a turn, seen from each component of the goal.

Knows the goal, the turns so far, words and what they weigh. Knows nothing about statuses, and never looks at
a later turn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from copy import copy
from typing import NamedTuple

from tracker.conversation import Turn
from tracker.goal import Component, Goal
from tracker.lexical.lexicon import Lexicon
from tracker.lexical.text import Text, read_clauses, read_text

Words = frozenset[str]


class Shares(NamedTuple):
    """Of a component's words, by weight, those that a turn has: 0 to 1."""

    user: float
    reply: float


class Seen:
    """One conversation as far as it was read. It never changes: ``after`` makes another.

    A word of a component weighs more the rarer it is, and the fewer of the goal's components have it.
    """

    def __init__(self, lexicon: Lexicon, goal: Goal, *, opening: str | None = None) -> None:
        self.goal = goal
        self.texts = {component.id: read_text(component.text) for component in goal}
        self.clauses = {component.id: read_clauses(component.text) for component in goal}
        found = Counter(word for text in self.texts.values() for word in text.words)
        self._weights = {word: lexicon.weight(word) / math.sqrt(count) for word, count in found.items()}
        self._totals = {name: self.weight(text.words) for name, text in self.texts.items()}
        self.messages: tuple[Text, ...] = ()
        self.replies: tuple[Text, ...] = (read_text(opening),)
        """What the agent said before the first message, then its reply of each turn."""
        self.said: Words = frozenset()
        self.heard: Words = frozenset()
        self.shares: tuple[Mapping[str, Shares], ...] = ()
        """Of each turn, by component."""

    def after(self, turn: Turn) -> Seen:
        """That of the conversation with one more turn."""
        new = copy(self)
        if self.messages:
            new.said = self.said | self.message.words
        new.heard = self.heard | self.reply.words
        new.messages = (*self.messages, read_text(turn.user))
        new.replies = (*self.replies, read_text(turn.assistant))
        of_turn = {
            c.id: Shares(self.share(c, new.message.words), self.share(c, new.reply.words)) for c in self.goal
        }
        new.shares = (*self.shares, of_turn)
        return new

    @property
    def message(self) -> Text:
        """The user's last."""
        return self.messages[-1]

    @property
    def reply(self) -> Text:
        """The agent's to it; an empty text where it did not come."""
        return self.replies[-1]

    @property
    def last_reply(self) -> Text:
        """The agent's before the message."""
        return self.replies[-2]

    def text(self, component: Component) -> Text:
        return self.texts[component.id]

    def share(self, component: Component, words: Words) -> float:
        """Of the component's words, by weight, those that are among these."""
        return self._ratio(self.texts[component.id].words, words, self._totals[component.id])

    def share_of(self, part: Text, words: Words) -> float:
        """The same of a part of a component."""
        return self._ratio(part.words, words, self.weight(part.words))

    def nearest(self, component: Component, text: Text) -> Text:
        """The sentence with most of the component's words; an empty text where there is no sentence."""
        return max(text.sentences, key=lambda s: self.share(component, s.words), default=read_text(None))

    def weight(self, words: Iterable[str]) -> float:
        """What words of components weigh together."""
        # A set's order differs from run to run, and with it the last digits of a plain sum. A part of a
        # component without any word that counts has words that the whole has not.
        return math.fsum(self._weights.get(word, 0.0) for word in words)

    def rarest(self, words: Iterable[str]) -> float:
        """What the rarest of a component's words weighs; 0 where there is none."""
        return max((self._weights.get(word, 0.0) for word in words), default=0.0)

    def _ratio(self, own: Words, words: Words, total: float) -> float:
        return self.weight(own & words) / total if total else 0.0

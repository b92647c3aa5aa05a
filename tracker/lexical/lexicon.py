"""How common words are: what the training conversations taught of them.

Knows counts of words and the commonest of each kind of text. Knows nothing about components or turns.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tracker.arrays import Array
from tracker.conversation import Conversation
from tracker.goal import Category
from tracker.lexical.text import read_text

MESSAGE, REPLY = "message", "reply"
KINDS = (MESSAGE, REPLY, *Category)
"""The kinds of text whose commonest words are kept: messages, replies, and components by category."""
COMMONEST: Mapping[str, int] = {MESSAGE: 120, REPLY: 160, **{str(category): 100 for category in Category}}
RARE = 3
"""A word of fewer conversations is taken for unknown."""


@dataclass(frozen=True)
class Lexicon:
    """Words without their endings (``tracker.stems``), as ``Text.words`` has them."""

    conversations: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """In how many of the conversations a word was said, by either side."""
    common: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(KINDS, ()))
    """For each of ``KINDS``, its commonest words."""

    def weight(self, word: str) -> float:
        """What it says that a text has this word: the less common, the more (Spärck Jones 1972)."""
        return math.log((self.conversations + 2) / (self.counts.get(word, 0) + 1))

    @classmethod
    def of(cls, conversations: Iterable[Conversation]) -> Lexicon:
        """The lexicon of these conversations."""
        total, counts = 0, Counter[str]()
        by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        for conversation in conversations:
            total += 1
            said: set[str] = set()
            for turn in conversation.turns:
                for kind, content in ((MESSAGE, turn.user), (REPLY, turn.assistant)):
                    words = read_text(content).words
                    said |= words
                    by_kind[kind].update(words)
            counts.update(said)
            for component in conversation.goal:
                by_kind[component.category].update(read_text(component.text).words)
        return cls(
            conversations=total,
            counts={word: count for word, count in sorted(counts.items()) if count >= RARE},
            common={kind: _commonest(by_kind[kind], COMMONEST[kind]) for kind in KINDS},
        )

    def arrays(self) -> dict[str, Array]:
        """The lexicon as arrays, for :meth:`from_arrays`."""
        return {
            "conversations": np.array(self.conversations),
            "words": np.array(list(self.counts), dtype=str),
            "counts": np.array(list(self.counts.values()), dtype=np.int64),
            **{f"common {kind}": np.array(self.common[kind], dtype=str) for kind in KINDS},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Lexicon:
        """Raises ``KeyError`` or ``ValueError`` where arrays are missing or do not fit each other."""
        return cls(
            conversations=int(arrays["conversations"]),
            counts=dict(zip(arrays["words"].tolist(), arrays["counts"].tolist(), strict=True)),
            common={kind: tuple(arrays[f"common {kind}"].tolist()) for kind in KINDS},
        )


def _commonest(counts: Counter[str], most: int) -> tuple[str, ...]:
    # Words that are equally common come in one order always.
    return tuple(sorted(sorted(counts), key=lambda word: -counts[word])[:most])

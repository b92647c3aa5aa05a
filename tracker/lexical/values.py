"""What values a text names: how many of what, and which of a kind (a weekday, a colour, a price).

Knows English number words, and kinds of words of which one rules out another. Knows nothing about components.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from tracker.rules.wording import UNITS
from tracker.stems import words

Named = Mapping[str, frozenset[str]]

_NUMBERS = {word: str(number) for number, word in enumerate(UNITS)} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "hundred": "100",
    "once": "1",
    "single": "1",
    "alone": "1",
    "twice": "2",
    "couple": "2",
    "both": "2",
}
_KINDS = {
    "weekday": "monday tuesday wednesday thursday friday saturday sunday",
    "month": "january february march april may june july august september october november december",
    "time of day": "morning afternoon evening night noon midnight",
    "day": "today tomorrow yesterday",
    "part of town": "north south east west centre center",
    "price": "cheap moderate expensive",
    "person": "wife husband son daughter mother father mum mom dad partner friend friends sister brother "
    "colleague colleagues kids children family boss",
    "colour": "red blue green black white grey gray yellow brown pink orange purple silver",
    "size": "small medium large",
    "place in a row": "first second third fourth",
    "channel": "email phone post letter text call",
    "payment": "cash card credit debit paypal voucher transfer",
    "vehicle": "car train bus taxi bike foot",
}
_KIND_OF = {word: kind for kind, listed in _KINDS.items() for word in listed.split()}
_TOKEN = re.compile(r"[a-z]+|\d+(?:[.:,]\d+)*")
_MONEY = re.compile(r"[$€£]\s?(\d+(?:[.,]\d+)*)")
_CLOCK = re.compile(r"\b(\d{1,2}:\d\d)\b")


@dataclass(frozen=True)
class Values:
    """The values that a text names."""

    numbers: frozenset[str]
    """Its numbers, those in words as figures."""
    things: Named
    """Of what there are how many: numbers, by the word that follows or the next."""
    kinds: Named
    """Weekdays, colours, sums of money and so on, by their kind."""
    pairs: frozenset[tuple[str, str]]
    """Words that stand next to each other."""


@lru_cache(maxsize=512)
def read_values(text: str) -> Values:
    """The ``Values`` of a text, remembered."""
    tokens = [_NUMBERS.get(token, token) for token in _TOKEN.findall(text.lower())]
    stems = [token if token[0].isdigit() else min(words(token)) for token in tokens]
    things: dict[str, set[str]] = defaultdict(set)
    for position, number in enumerate(stems):
        if number[0].isdigit():
            for thing in stems[position + 1 : position + 3]:
                if thing[0].isdigit():
                    break
                things[thing].add(number)
    kinds: dict[str, set[str]] = defaultdict(set)
    for token in tokens:
        if token in _KIND_OF:
            kinds[_KIND_OF[token]].add(token)
    kinds["money"].update(_MONEY.findall(text))
    kinds["clock"].update(_CLOCK.findall(text))
    return Values(
        numbers=frozenset(token for token in tokens if token[0].isdigit()),
        things={thing: frozenset(found) for thing, found in things.items()},
        kinds={kind: frozenset(found) for kind, found in kinds.items() if found},
        pairs=frozenset(pair for pair in pairwise(stems) if max(map(len, pair)) > 2),
    )


def compared(own: Named, other: Named) -> tuple[int, int]:
    """Of how many things both texts name the same value, and of how many only different ones."""
    both = [bool(own[name] & other[name]) for name in own if name in other]
    return sum(both), len(both) - sum(both)

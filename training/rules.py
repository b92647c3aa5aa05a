"""What a rule is that code can check on any text, and the small measures that such rules are made of.

Knows messages as text. Knows nothing about goals, labels of judges or models; the rules themselves are
``training.exact``'s and those of the files that it draws from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from tracker.conversation import Turn
from tracker.goal import Category
from tracker.rules.wording import UNITS

Turns = Sequence[Turn]


class Verdict(Enum):
    """What may be said of one message against a rule."""

    KEEPS = auto()
    BREAKS = auto()
    DOUBTFUL = auto()


class Doubt(Enum):
    """It cannot be told whether a rule was broken."""

    DOUBT = auto()


DOUBT = Doubt.DOUBT
Moves = int | None | Doubt
"""The turn, counted from 1, at which a rule is first broken (a wish: voiced); ``None`` for never."""


@dataclass(frozen=True)
class Rule:
    """Several wordings of one sentence and the function that decides it."""

    name: str
    wordings: tuple[str, ...]
    moves_at: Callable[[Turns], Moves]
    usual: bool | None = None
    """Whether nearly every conversation breaks it (``True``) or keeps it (``False``): the draw takes few of
    those, so that the words of a rule do not tell its label."""
    category: Category = Category.POLICY


MONEY = re.compile(
    r"[€$£]|\b\d[\d.,]* ?(?:euros?|dollars?|pounds?|francs?|crowns?|kroner|eur|usd|gbp|chf|zł|cents?)\b", re.I
)
NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b")
"""A word that is written with a capital in mid-sentence."""
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def spelled(number: int) -> str:
    """A number from 0 to 99 in words; digits beyond."""
    if number < len(UNITS):
        return UNITS[number]
    if number > 99:
        return str(number)
    tens, units = divmod(number, 10)
    return _TENS[tens] + (f"-{UNITS[units]}" if units else "")


def first(breaks: Callable[[str], bool]) -> Callable[[Turns], Moves]:
    """Broken by the first user message that breaks it."""
    return lambda turns: next((turn.index for turn in turns if breaks(turn.user)), None)


def never(pattern: re.Pattern[str]) -> Callable[[Turns], Moves]:
    """Broken by the first user message in which a pattern is found."""
    return first(lambda text: pattern.search(text) is not None)


def always(pattern: re.Pattern[str]) -> Callable[[Turns], Moves]:
    """Broken by the first user message in which a pattern is missing."""
    return first(lambda text: pattern.search(text) is None)


def judged(verdict: Callable[[str], Verdict]) -> Callable[[Turns], Moves]:
    """Broken by the first message that breaks it, in doubt where a doubtful one comes before that."""

    def moves_at(turns: Turns) -> Moves:
        for turn in turns:
            found = verdict(turn.user)
            if found is not Verdict.KEEPS:
                return turn.index if found is Verdict.BREAKS else DOUBT
        return None

    return moves_at


def more_than(count: Callable[[str], int], most: int) -> Callable[[Turns], Moves]:
    """Broken by the message with which a count over the whole conversation goes beyond ``most``."""

    def moves_at(turns: Turns) -> Moves:
        total = 0
        for turn in turns:
            total += count(turn.user)
            if total > most:
                return turn.index
        return None

    return moves_at

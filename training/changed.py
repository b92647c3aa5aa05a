"""Near misses with exact labels: a conversation's own components with one value changed.

Knows which values of a sentence can be changed, and what the law of the labels then says. Knows nothing about
tokens or models. Only changes whose label is sure are made:

- A task, condition or wish whose value was changed is never reached by a conversation that speaks of the old
  value and nowhere of the new one (cases 5 and 8 of the labels' law).
- A profile whose name or number was changed is contradicted when the user first states the old one.

Bounds ("at most 120") are left alone, since another bound may hold as well.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tracker.conversation import Conversation
from tracker.goal import Category, Component, Status
from training.rules import NAME

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_BOUND = re.compile(
    r"\b(most|least|under|over|more|less|fewer|before|after|by|until|till|from|within|up to|above|below"
    r"|exceed|maximum|minimum|max|min|budget|limit|later|latest|earlier|earliest|about|around|between|or|not|no"
    r"|any|than|either|without|never)\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b([01]?\d|2[0-3])(:[0-5]\d)\b")
_LONG_NUMBER = re.compile(r"(?<![\d.,:])\d{2,}(?![\d:]|[.,]\d)")
_DAY = re.compile(rf"\b({'|'.join(_DAYS)})\b")
_MONTH = re.compile(rf"\b({'|'.join(m for m in _MONTHS if m != 'May')})\b")
_COUNTED = re.compile(rf"\b({'|'.join(_COUNTS)}|[1-9]) ([a-z]{{3,}})\b")


@dataclass(frozen=True)
class ChangedComponent:
    """A component with a changed value.

    ``moves_at`` is the turn at which its status moves (profiles only), ``None`` where it never does;
    ``telling`` are the turns at which the old value was spoken of or the old component moved, which are worth
    asking about.
    """

    component: Component
    moves_at: int | None
    telling: tuple[int, ...]


@dataclass(frozen=True)
class _Change:
    old: str
    """The words that the conversation must hold."""
    new: str
    start: int
    end: int


def changed_components(
    conversation: Conversation, count: int, *, names: Sequence[str] = (), random_state: int = 0
) -> list[ChangedComponent]:
    """At most ``count`` near misses of a labelled conversation, of as many different components.

    Parameters
    ----------
    names
        Names from elsewhere, to put in the place of this conversation's.
    random_state
        Seeds the draw; the same conversation and seed give the same components.
    """
    chance = random.Random(f"{random_state}:{conversation.id}:changed")
    components = [c for c in conversation.goal if c.category is not Category.POLICY]
    chance.shuffle(components)
    spoken = "\n".join(message.content for message in conversation.messages)
    found: list[ChangedComponent] = []
    for component in components:
        changes = [c for c in _changes(component, names, chance) if not _said(c.new, spoken)]
        chance.shuffle(changes)
        made = next((m for c in changes if (m := _made(conversation, component, c))), None)
        if made is not None and len(found) < count:
            found.append(made)
    return found


def _made(conversation: Conversation, component: Component, change: _Change) -> ChangedComponent | None:
    """The changed component with its label, or ``None`` where the label would not be sure."""
    stated = [turn.index for turn in conversation.turns if _said(change.old, turn.user)]
    if not stated:
        return None
    statuses = conversation.labelled_statuses(component.id)
    text = component.text[: change.start] + change.new + component.text[change.end :]
    changed = Component(id=f"{component.id}-changed", category=component.category, text=text)
    if component.category is Category.PROFILE:
        first = stated[0]
        told_before = any(_said(change.old, t.assistant or "") for t in conversation.turns[: first - 1])
        broken = Status.MISALIGNED in statuses[:first]
        return None if told_before or broken else ChangedComponent(changed, first, (first,))
    before = (component.start, *statuses)
    moved = [t for t, (b, a) in enumerate(zip(before, statuses, strict=False), start=1) if a is not b]
    if not moved:
        return None
    return ChangedComponent(changed, None, tuple(sorted({*moved, stated[0]})))


def _changes(component: Component, names: Sequence[str], chance: random.Random) -> Iterator[_Change]:
    text = component.text
    for match in NAME.finditer(text):
        if names and match[0] not in (*_DAYS, *_MONTHS):
            yield _Change(match[0], chance.choice(names), *match.span())
    profile = component.category is Category.PROFILE
    if profile:
        for match in _LONG_NUMBER.finditer(text):
            if len(match[0]) > 2 and not _BOUND.search(text):
                yield _Change(match[0], _other_number(match[0], chance), *match.span())
        return
    if _BOUND.search(text):
        return
    for match in _LONG_NUMBER.finditer(text):
        yield _Change(match[0], _other_number(match[0], chance), *match.span())
    for match in _TIME.finditer(text):
        hour = chance.choice([h for h in range(8, 21) if h != int(match[1])])
        yield _Change(match[0], f"{hour}{match[2]}", *match.span())
    for pattern, others in ((_DAY, _DAYS), (_MONTH, _MONTHS)):
        for match in pattern.finditer(text):
            yield _Change(match[0], chance.choice([o for o in others if o != match[0]]), *match.span())
    for match in _COUNTED.finditer(text):
        counts = [str(n) for n in range(1, 10)] if match[1].isdigit() else _COUNTS[1:]
        other = chance.choice([c for c in counts if c not in (match[1], "1")])
        yield _Change(match[0], f"{other} {match[2]}", *match.span())


def _other_number(number: str, chance: random.Random) -> str:
    position = chance.randrange(len(number))
    digits = [d for d in "123456789" if d != number[position]]
    return number[:position] + chance.choice(digits) + number[position + 1 :]


def _said(words: str, text: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(words)}(?![\w])", text, re.IGNORECASE) is not None

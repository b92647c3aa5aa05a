"""When a user first speaks of a matter, as far as shared words and a judge's labels make that sure.

Knows words and conversations with labels. Says a turn, never, or that it cannot be told; what is in doubt is
in doubt, never guessed. Knows nothing about the rules that are made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tracker.conversation import Conversation
from tracker.farewell import is_farewell
from tracker.goal import Category, Component
from tracker.stems import words
from training.matters import Form, Matter

_ENOUGH, _FEW = 0.6, 0.4
"""The share of a matter's own words in one message that says it, and under which nothing is said."""
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DIGITS = {word: str(number) for number, word in enumerate(_NUMBERS)}
_ASKING = re.compile(r"\?|\b(?:know|tell me|wonder|ask|asking|question|find out|check)\b", re.I)
_NEGATION = frozenset({"not", "no", "never", "rather", "sooner", "prefer", "find", "out", "one", "1"})
_THANKS = re.compile(r"\b(?:thanks?|thank you|thx|cheers)\b", re.I)
_REQUESTS = re.compile(r"\?|\b(?:need|require|provide|give|send|share|confirm|tell|enter|type|state)\b", re.I)
_IDENTITY = re.compile(
    r"\b(?:name|id|numbers?|code|e-?mail|address|phone|detail\w*|identi\w+|verif\w+|account|who|contact|post\w*)\b",
    re.I,
)


@dataclass(frozen=True)
class Voice:
    """The turn, counted from 1, at which a matter is first spoken of; ``None`` where it never is."""

    turn: int | None


class Voicing:
    """One conversation as words, and when each matter comes up in it."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._turns = conversation.turns
        self._user = [_stems(turn.user) for turn in self._turns]
        self._agent = [_stems(turn.assistant or "") for turn in self._turns]
        self._opening = _stems(conversation.opening or "")
        self._objectives = {
            c.id: _stems(c.text) for c in conversation.goal if c.category is Category.OBJECTIVE
        }
        self._own: dict[tuple[str, str | None], frozenset[str]] = {}

    # --- when

    def first(self, matter: Matter) -> Voice | None:
        """When the user first speaks of a matter of this conversation's own goal; ``None``: in doubt."""
        if matter.form is Form.DATUM:
            return self._datum(matter)
        if matter.form is Form.TOPIC:
            return self._topic(matter)
        own = self._own_words(matter)
        if not own:
            return None
        shares = [_share(own, said) for said in self._user]
        said = next((t for t, share in enumerate(shares, start=1) if share >= _ENOUGH), None)
        moved = self._moved(matter.component)
        category = matter.component.category
        if category is Category.PREFERENCE and moved is None:
            return Voice(None)  # A judge never heard the wish.
        if said is None:
            return self._silence(matter, own, shares, moved)
        clear = len(own) > 1 or any(char.isdigit() for word in own for char in word)
        if (
            not clear
            or any(shares[: said - 1])
            or any(self._agent_share(own, t) >= _FEW for t in range(said - 1))
        ):
            return None
        if category is Category.PREFERENCE and moved != said:
            return None
        if category is Category.REQUIREMENT and (moved is None or moved < said):
            return None
        if category is Category.PROFILE and moved is not None:
            return None
        if matter.form is Form.QUESTION and not _ASKING.search(self._turns[said - 1].user):
            return None
        return Voice(said)

    def foreign(self, matter: Matter) -> Voice | None:
        """The same for a matter of another conversation, of which nobody here may speak."""
        own = _stems(matter.told) - _NEGATION
        spoken = [*self._user, *self._agent]
        if len(own) < 2 or any(_share(own, said) > 0.25 for said in spoken):
            return None
        return None if any(_share(own, said) > 0 for said in self._user) and len(own) < 4 else Voice(None)

    @cached_property
    def closing(self) -> int | None:
        """The last turn where its message takes leave, for the first time; ``None`` where that is not so."""
        if not self._turns:
            return None
        *earlier, last = self._turns
        leaves = is_farewell(last.user) or (_THANKS.search(last.user) and "?" not in last.user)
        early = any(is_farewell(turn.user) for turn in earlier)
        return last.index if leaves and not early else None

    def asked_before(self, matter: Matter, turn: int) -> bool | None:
        """Whether the agent asked for a matter before the user's message at a turn; ``None``: in doubt."""
        before = ([self._conversation.opening] if self._conversation.opening else []) + [
            t.assistant or "" for t in self._turns[: turn - 1]
        ]
        asking = [text for text in before if _REQUESTS.search(text)]
        if not asking:
            return False
        if matter.form is Form.DATUM:
            what = matter.thing.removeprefix("your ").removeprefix("sur")
            if any(re.search(rf"\b{re.escape(what)}\b", text, re.I) for text in asking):
                return True
            return None if any(_IDENTITY.search(text) for text in asking) else False
        own = self._own_words(matter)
        return True if _share(own, _stems(asking[-1])) >= _ENOUGH and "?" in asking[-1] else None

    def raised_before(self, matter: Matter, turn: int) -> bool | None:
        """Whether the agent spoke of a matter before the user's message at a turn; ``None``: in doubt."""
        own = self._own_words(matter)
        shares = [_share(own, self._opening), *(self._agent_share(own, t) for t in range(1, turn))]
        if max(shares) >= _ENOUGH:
            return True
        return None if max(shares) > 0 or (turn > 1 and matter.form is Form.DATUM) else False

    def silent_about(self, matter: Matter, turn: int) -> bool:
        """Whether the user's message at a turn has none of the matter's own words."""
        return not _share(self._own_words(matter), self._user[turn - 1])

    # --- how

    def _own_words(self, matter: Matter) -> frozenset[str]:
        """The words that tell a matter from the objective it belongs to."""
        objective = None if matter.form is Form.TOPIC else matter.component.objective
        key = matter.told, objective
        if key not in self._own:
            self._own[key] = (
                _stems(matter.told) - _NEGATION - self._objectives.get(objective or "", frozenset())
            )
        return self._own[key]

    def _agent_share(self, own: frozenset[str], turn: int) -> float:
        return _share(own, self._agent[turn - 1]) if turn > 0 else _share(own, self._opening)

    def _moved(self, component: Component) -> int | None:
        changes = (self._conversation.labels or {}).get(component.id, ())
        return changes[0][0] if changes else None

    def _silence(
        self, matter: Matter, own: frozenset[str], shares: Iterable[float], moved: int | None
    ) -> Voice | None:
        """Never spoken of, for sure, or in doubt."""
        most = max(shares)
        if matter.component.category is Category.REQUIREMENT:
            return Voice(None) if moved is None and most < _FEW else None
        if matter.component.category is Category.PROFILE and moved is None:
            heard = max((_share(own, said) for said in self._agent), default=0.0)
            hinted = any(_hints(word, other) for said in self._user for other in said for word in own)
            return Voice(None) if most == 0 and heard < _FEW and len(own) > 1 and not hinted else None
        return None

    def _datum(self, matter: Matter) -> Voice | None:
        told = matter.told if matter.thing != "your name" else matter.told.split()[0]
        pattern = re.compile(rf"(?<!\w){re.escape(told)}(?!\w)", re.I)
        return Voice(next((turn.index for turn in self._turns if pattern.search(turn.user)), None))

    def _topic(self, matter: Matter) -> Voice | None:
        stems = _stems(matter.thing) - _NEGATION
        shares = [_share(stems, said) for said in self._user]
        if any(0 < share < 1 for share in shares) or not stems:
            return None
        said = next((t for t, share in enumerate(shares, start=1) if share), None)
        if said is None:
            moved = self._moved(matter.component) is not None
            heard = any(_share(stems, agent) for agent in self._agent)
            return None if moved or heard else Voice(None)
        return Voice(said)


def _stems(text: str) -> frozenset[str]:
    """The words of a text that carry meaning, without endings, numbers as digits."""
    text = re.sub(r"\b(\d+)(?:st|nd|rd|th)\b", r"\1", text.replace("’", "'"))
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return frozenset(_DIGITS.get(word, word) for word in words(text)) if text.strip() else frozenset()


def _share(wanted: frozenset[str], said: frozenset[str]) -> float:
    """The share of the wanted words that are said, in this form or another of the same stem."""
    if not wanted:
        return 0.0
    return sum(word in said or any(_alike(word, other) for other in said) for word in wanted) / len(wanted)


def overlap(one: str, other: str) -> bool:
    """Whether two things share a word that carries meaning."""
    return _share(_stems(one) - _NEGATION, _stems(other)) > 0


def _hints(one: str, other: str) -> bool:
    """Whether one word is the beginning of the other, or both begin alike: "day" and "daytime"."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 3 and (long.startswith(short) or one[:4] == other[:4])


def _alike(one: str, other: str) -> bool:
    """Whether two words have one stem: "insur" and "insurance"."""
    short = min(len(one), len(other))
    return short >= 5 and one[: max(5, short - 2)] == other[: max(5, short - 2)]

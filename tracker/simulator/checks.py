"""What each component of a simulated goal says, in terms that code can judge.

Knows the kinds of components there are and, for rules of behaviour, at which turn a conversation breaks one.
Knows nothing about how goals are drawn, nor how the statuses of tasks follow from the log
(``tracker.simulator.truth``). A component that none of these can express is not generated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tracker.conversation import Turn
from tracker.simulator.speech import find_words, plain
from tracker.simulator.world import Event, Happening

THANKS = re.compile(r"\b(thanks?|thx|thank you|cheers)\b", re.I)
EXCLAMATION = re.compile("!")
PLEASE = re.compile(r"\b(please|pls)\b", re.I)
GREETING = re.compile(r"\b(hi|hello|hey|good (morning|afternoon|evening|day)|greetings)\b", re.I)
CONTRACTION = re.compile(
    r"\b(\w+(n['’]t|['’](m|re|ve|ll|d))|(it|that|let|what|there|here|he|she|who|where)['’]s)\b", re.I
)
REFERENCE = re.compile(r"\b(reference|case|ticket) number\b", re.I)
CONFIRMATION = re.compile(r"\bconfirmation\b", re.I)


@dataclass(frozen=True)
class Task:
    """An objective: a request of a domain with this identity."""

    domain: str
    identity: Mapping[str, str]


@dataclass(frozen=True)
class Condition:
    """A requirement: the request is done with this value."""

    domain: str
    slot: str
    value: str


@dataclass(frozen=True)
class FactWanted:
    """A requirement: a fact is found out."""

    domain: str
    fact: str


@dataclass(frozen=True)
class Choice:
    """A preference for one of two, each a regular expression over lower-case text."""

    preferred: str
    other: str


@dataclass(frozen=True)
class About:
    """A profile: what is so about the user, as the user may be asked."""

    slot: str
    value: str


@dataclass(frozen=True)
class Evidence:
    """What a rule is judged by."""

    turns: Sequence[Turn]
    events: Sequence[Event]
    closing: int | None
    """The turn of the user's goodbye; ``None`` where the conversation was cut off."""
    settled: Mapping[str, int]
    """Domain → the turn at which its task was first COMPLETE or ATTEMPTED."""

    def said(self, turn: int) -> str | None:
        """The user's message in a turn; ``None`` where there is no such turn."""
        return self.turns[turn - 1].user if 0 < turn <= len(self.turns) else None

    def happened(self, happening: Happening, **values: str) -> list[Event]:
        return [
            event
            for event in self.events
            if event.happening is happening and values.items() <= event.values.items()
        ]


@dataclass(frozen=True)
class Rule:
    """A policy, and the turn at which a conversation breaks it."""

    name: str
    broken_at: Callable[[Evidence], int | None]


def never(name: str, pattern: re.Pattern[str]) -> Rule:
    """No message matches ``pattern``."""
    return Rule(name, lambda e: _first(e, lambda text: pattern.search(text) is not None))


def always(name: str, pattern: re.Pattern[str]) -> Rule:
    """Every message matches ``pattern``."""
    return Rule(name, lambda e: _first(e, lambda text: pattern.search(text) is None))


def lower_case() -> Rule:
    return Rule("lower-case", lambda e: _first(e, lambda text: text != text.lower()))


def at_most_words(count: int) -> Rule:
    return Rule("short", lambda e: _first(e, lambda text: len(text.split()) > count))


def greets_first() -> Rule:
    """The first message has a greeting."""
    return Rule("greeting", lambda e: 1 if e.turns and not GREETING.search(e.turns[0].user) else None)


def waits_to_be_asked(slot: str, value: str) -> Rule:
    """A personal detail, or the number of an order, is not given before the agent has asked for it."""

    def broken_at(evidence: Evidence) -> int | None:
        asked = min((event.turn for event in evidence.happened(Happening.ASKED, slot=slot)), default=None)
        for turn in evidence.turns:
            if asked is not None and turn.index > asked:
                return None
            if _mentions(turn.user, value):
                return turn.index
        return None

    return Rule("disclosure", broken_at)


def never_says(value: str) -> Rule:
    """Something is not said, asked for or not."""
    return Rule("secret", lambda e: _first(e, lambda text: _mentions(text, value)))


def deals_with_first(domain: str, other: str) -> Rule:
    """The request ``other`` is not raised before that of ``domain`` is settled."""

    def broken_at(evidence: Evidence) -> int | None:
        settled = evidence.settled.get(domain)
        for event in evidence.events:
            early = settled is None or event.turn <= settled
            if event.happening is Happening.RAISED and event.domain == other and early:
                return event.turn
        return None

    return Rule("order", broken_at)


def asks_before_booking(domain: str, fact: str) -> Rule:
    """The fact is asked for, or told, before the request is carried out."""

    def broken_at(evidence: Evidence) -> int | None:
        done = [event.turn for event in evidence.events if (event.happening, event.domain) == _done(domain)]
        known = [
            event.turn
            for event in (
                *evidence.happened(Happening.WANTED, fact=fact),
                *evidence.happened(Happening.TOLD, fact=fact),
            )
            if event.domain == domain
        ]
        return done[0] if done and min(known, default=done[0] + 1) > done[0] else None

    return Rule("first-ask", broken_at)


def takes_no_extra() -> Rule:
    """No extra that the agent offers is taken."""
    return Rule(
        "no-extra", lambda e: min((x.turn for x in e.events if x.happening is Happening.BOUGHT), default=None)
    )


def asks_for_reference_after_failure() -> Rule:
    """After every request that failed the next message asks for a reference number."""

    def broken_at(evidence: Evidence) -> int | None:
        for event in evidence.events:
            following = evidence.said(event.turn + 1)
            failed = event.happening is Happening.FAILED
            if failed and following is not None and not REFERENCE.search(following):
                return event.turn + 1
        return None

    return Rule("reaction", broken_at)


def asks_instead(domain: str, slot: str, value: str, words: Sequence[str]) -> Rule:
    """After the agent cannot meet ``value``, the next message asks for another, named by ``words``."""

    def broken_at(evidence: Evidence) -> int | None:
        for event in evidence.events:
            unmet = event.happening is Happening.UNMET and event.domain == domain
            following = evidence.said(event.turn + 1)
            if not unmet or event.values.get(slot) != value or following is None:
                continue
            if find_words(words, plain(following)) is None:
                return event.turn + 1
        return None

    return Rule("conditional", broken_at)


def thanks_at_the_end() -> Rule:
    """The closing message thanks the agent."""

    def broken_at(evidence: Evidence) -> int | None:
        text = None if evidence.closing is None else evidence.said(evidence.closing)
        return evidence.closing if text is not None and not THANKS.search(text) else None

    return Rule("ending", broken_at)


def asks_for_confirmation_before_leaving() -> Rule:
    """A written confirmation is asked for before the goodbye, or in it."""

    def broken_at(evidence: Evidence) -> int | None:
        asked = any(CONFIRMATION.search(turn.user) for turn in evidence.turns)
        return None if asked else evidence.closing

    return Rule("ending", broken_at)


def _first(evidence: Evidence, broken: Callable[[str], bool]) -> int | None:
    return next((turn.index for turn in evidence.turns if broken(turn.user)), None)


def _mentions(text: str, value: str) -> bool:
    """Whether a value stands in a message: digits by themselves, names by any of their words."""
    digits = re.sub(r"\D", "", value)
    if digits:
        return digits in re.sub(r"(?<=\d)[ -](?=\d)", "", text)
    return any(re.search(rf"\b{re.escape(word)}\b", text, re.I) for word in value.split())


def _done(domain: str) -> tuple[Happening, str]:
    return Happening.DONE, domain

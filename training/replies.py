"""Rules of the form "when the agent does this, do that in your next message", for things that words show.

Knows occasions in what the agent writes and acts in what the user answers. Where an occasion may or may not
have come and the user did not act, nothing is said. Knows nothing about goals.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tracker.conversation import Conversation
from tracker.rules.measures import PLEASE, THANKS, count_words
from training.rules import DOUBT, MONEY, Moves, Rule, Turns, spelled

_FRAMES = (
    "If {0}, {1} in your next message.",
    "If {0}, you {1} in your next message.",
    "Whenever {0}, {1}.",
    "Whenever {0}, you {1}.",
    "Each time {0}, {1}.",
    "Every time {0}, you {1} in your answer.",
    "When {0}, {1}.",
    "Should it happen that {0}, {1} in your answer.",
    "As often as {0}, you {1}.",
    "In case {0}, {1} in your very next message.",
)
_FRAMES_ONCE = (
    "The first time that {0}, {1} in your next message.",
    "The first time {0}, you {1}.",
    "When {0} for the first time, {1}.",
    "As soon as {0}, {1} in your next message, but only that one time.",
    "{1} in your next message when {0} for the first time.",
    "If {0}, {1} the first time it happens.",
)


@dataclass(frozen=True)
class _Occasion:
    wordings: tuple[str, ...]
    comes: Callable[[str], bool]
    may_come: Callable[[str], bool]
    """Generous: where this is false, the occasion has surely not come."""


@dataclass(frozen=True)
class _Act:
    wordings: tuple[str, ...]
    done: Callable[[str], bool]


def _found(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.I)
    return lambda text: compiled.search(text) is not None


def _occasions(chance: random.Random) -> list[_Occasion]:
    long = chance.choice((20, 25, 30, 40, 50))
    asks, money, thanks, please = (
        _found(r"\?"),
        _found(MONEY.pattern),
        _found(THANKS.pattern),
        _found(PLEASE.pattern),
    )
    exclaims, digits = _found("!"), _found(r"\d")
    sorry = r"\b(?:sorry|apologi[sz]e|apologies)\b"
    refuses = (
        r"\b(?:can['’]t|cannot|can not|(?:is|am|are) unable|not possible|isn['’]t possible|impossible)\b"
    )
    return [
        _Occasion(
            (
                "the agent asks you a question",
                "the agent's message has a question in it",
                "you are asked something",
            ),
            asks,
            asks,
        ),
        _Occasion(
            ("the agent asks more than one question at once", "the agent's message holds several questions"),
            lambda text: text.count("?") > 1,
            lambda text: text.count("?") > 1,
        ),
        _Occasion(
            (
                "the agent names an amount of money",
                "the agent names a sum of money",
                "the agent names a price",
            ),
            money,
            _found(MONEY.pattern + r"|\b(?:price|cost|fee|free|charge|\w+ (?:euros|dollars|pounds))\b"),
        ),
        _Occasion(
            ("the agent says sorry", "the agent apologises", "you hear an apology from the agent"),
            _found(sorry),
            _found(sorry + r"|\b(?:apolog\w*|afraid|unfortunately|regret\w*|pardon|excuse)\b"),
        ),
        _Occasion(
            ("the agent says that something can't be done", "you are told that something is not possible"),
            _found(refuses),
            _found(
                refuses
                + r"|n['’]t\b|\b(?:no|not|nor|only|unable|sorry|afraid|refus\w+|neither|never)\b"
                + "|unfortunately"
            ),
        ),
        _Occasion(
            ("the agent thanks you", "the agent says thank you", "you get a thank-you from the agent"),
            thanks,
            thanks,
        ),
        _Occasion(("the agent says please", 'the agent uses the word "please"'), please, please),
        _Occasion(
            ("the agent uses an exclamation mark", "the agent's message has an exclamation mark in it"),
            exclaims,
            exclaims,
        ),
        _Occasion(
            ("the agent writes any digits", "there is a number in digits in the agent's message"),
            digits,
            digits,
        ),
        _Occasion(
            (
                f"the agent writes more than {long} words",
                f"the agent's message is longer than {spelled(long)} words",
            ),
            lambda text: count_words(text) > long,
            lambda text: count_words(text) > long,
        ),
    ]


def _acts(chance: random.Random) -> list[_Act]:
    most, least = chance.choice((6, 8, 10, 12, 15, 20, 25)), chance.choice((4, 6, 8, 10, 12))
    shown: Callable[[int], str] = chance.choice((str, spelled))
    asks, thanks, please = _found(r"\?"), _found(THANKS.pattern), _found(PLEASE.pattern)
    return [
        _Act(("ask a question", "ask something", "put a question to the agent"), asks),
        _Act(("ask no question", "refrain from asking anything"), lambda text: not asks(text)),
        _Act(("thank the agent", "say thank you", "say thanks"), thanks),
        _Act(("leave out any thanks", "say no word of thanks"), lambda text: not thanks(text)),
        _Act(("say please", 'use the word "please"'), please),
        _Act(
            (f"write at most {shown(most)} words", f"use no more than {shown(most)} words"),
            lambda text: count_words(text) <= most,
        ),
        _Act(
            (f"write at least {shown(least)} words", f"use {shown(least)} words or more"),
            lambda text: count_words(text) >= least,
        ),
        _Act(("use an exclamation mark", "put an exclamation mark"), _found("!")),
        _Act(("use no exclamation mark", "do without exclamation marks"), lambda text: "!" not in text),
        _Act(("give a number in digits", "name a number in digits"), _found(r"\d")),
        _Act(("write no digit", "do without digits"), lambda text: not re.search(r"\d", text)),
    ]


def _moves_at(occasion: _Occasion, act: _Act, opening: str, *, once: bool) -> Callable[[Turns], Moves]:
    def moves_at(turns: Turns) -> Moves:
        before = opening
        for turn in turns:
            comes, may_come = occasion.comes(before), occasion.may_come(before)
            before = turn.assistant or ""
            if may_come and not comes and (once or not act.done(turn.user)):
                return DOUBT
            if comes and not act.done(turn.user):
                return turn.index
            if comes and once:
                return None
        return None

    return moves_at


def reply_rules(conversation: Conversation, chance: random.Random) -> Iterator[Rule]:
    """Every occasion with every act, worded by drawn phrases."""
    for occasion in _occasions(chance):
        for act in _acts(chance):
            once = chance.random() < 0.25
            when, what = chance.choice(occasion.wordings), chance.choice(act.wordings)
            texts = (frame.format(when, what) for frame in (_FRAMES_ONCE if once else _FRAMES))
            wordings = tuple(text[0].upper() + text[1:] for text in texts)
            moves_at = _moves_at(occasion, act, conversation.opening or "", once=once)
            yield Rule(f"{occasion.wordings[0]}: {act.wordings[0]}", wordings, moves_at)

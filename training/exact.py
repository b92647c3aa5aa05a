"""Policies, profiles and preferences whose labels code can read off any conversation, exactly.

Knows messages as text and the rules below; knows nothing about goals that were written by hand, tokens or
models. A rule is several wordings of one sentence and a function that says at which turn it first breaks
(for a preference: is first met). Only rules that need no judgement are here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracker.conversation import Conversation, Turn
from tracker.goal import Category, Component, Status

_WORD = re.compile(r"[\w'’.-]+")
_GREETING = re.compile(r"\b(hi|hello|hey|good (morning|afternoon|evening|day)|greetings)\b", re.I)
_THANKS = re.compile(r"\b(thanks?|thx|thank you|cheers)\b", re.I)
_PLEASE = re.compile(r"\b(please|pls)\b", re.I)
_CONTRACTION = re.compile(
    r"\b(\w+(n['’]t|['’](m|re|ve|ll|d))|(it|that|let|what|there|here|he|she|who|where)['’]s)\b", re.I
)
_FIRST_PERSON = re.compile(r"\b(I|i)\b")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b")
_NUMBER = re.compile(r"\b\d{2,}\b")


@dataclass(frozen=True)
class ExactComponent:
    """A component and the turn, counted from 1, at which its status moves; ``None`` where it never does."""

    component: Component
    moves_at: int | None

    @property
    def status_after(self) -> Status:
        return Status.ALIGNED if self.component.category is Category.PREFERENCE else Status.MISALIGNED


@dataclass(frozen=True)
class _Rule:
    wordings: tuple[str, ...]
    broken_at: Callable[[Sequence[Turn]], int | None]
    category: Category = Category.POLICY


def _first(turns: Sequence[Turn], broken: Callable[[str], bool]) -> int | None:
    return next((turn.index for turn in turns if broken(turn.user)), None)


def _never(pattern: re.Pattern[str]) -> Callable[[Sequence[Turn]], int | None]:
    return lambda turns: _first(turns, lambda text: pattern.search(text) is not None)


def _words(text: str) -> int:
    return len(_WORD.findall(text))


def _style_rules() -> list[_Rule]:
    return [
        _Rule(
            (
                "Never use an exclamation mark.",
                "You do without exclamation marks.",
                "There is no exclamation mark in your messages.",
            ),
            _never(re.compile("!")),
        ),
        _Rule(
            (
                "Never write a question mark.",
                "Your messages hold no question marks.",
                "Do not use question marks.",
            ),
            _never(re.compile(r"\?")),
        ),
        _Rule(
            (
                "Ask a question in every message.",
                "Every message of yours has a question mark in it.",
                "Each of your messages contains a question.",
            ),
            lambda turns: _first(turns, lambda text: "?" not in text),
        ),
        _Rule(
            (
                "Write in lower case only.",
                "You never use capital letters.",
                "Everything you write is in small letters.",
            ),
            lambda turns: _first(turns, lambda text: text != text.lower()),
        ),
        _Rule(
            ("Never say please.", "You do not use the word please.", "Ask for things without saying please."),
            _never(_PLEASE),
        ),
        _Rule(
            ("Never thank the agent.", "You do not say thanks at any point.", "Leave out every thank-you."),
            _never(_THANKS),
        ),
        _Rule(
            (
                "Never write a digit.",
                "There are no digits in your messages.",
                "Do not use figures; spell numbers out or leave them out.",
            ),
            _never(re.compile(r"\d")),
        ),
        _Rule(
            (
                "Never use contractions.",
                'You do not write contractions such as "don\'t" or "I\'m".',
                "Write every word in full, without contractions.",
            ),
            _never(_CONTRACTION),
        ),
        _Rule(
            (
                "Begin with a greeting.",
                "You greet the agent in your first message.",
                "Your first message has a greeting in it.",
            ),
            lambda turns: 1 if turns and not _GREETING.search(turns[0].user) else None,
        ),
        _Rule(
            (
                "Never begin with a greeting.",
                "You do not greet the agent in your first message.",
                "Come to the point in your first message, without a hello.",
            ),
            lambda turns: 1 if turns and _GREETING.search(turns[0].user) else None,
        ),
        _Rule(
            ("Never use a comma.", "There are no commas in your messages.", "Do without commas."),
            _never(re.compile(",")),
        ),
        _Rule(
            ('Never use the word "I".', "You never write the word I.", 'Do not say "I" in any message.'),
            _never(_FIRST_PERSON),
        ),
    ]


def _length_rules(turns: Sequence[Turn], chance: random.Random) -> list[_Rule]:
    lengths = [_words(turn.user) for turn in turns]
    most = max(5, min(60, chance.choice(lengths) + chance.randint(-2, 6)))
    least = max(2, min(30, chance.choice(lengths) - chance.randint(0, 3)))
    questions = chance.randint(1, 4)
    at_most = f"{questions} question{'s' if questions > 1 else ''}"

    def too_many(turns: Sequence[Turn]) -> int | None:
        asked = 0
        for turn in turns:
            asked += turn.user.count("?")
            if asked > questions:
                return turn.index
        return None

    return [
        _Rule(
            (
                f"None of your messages is longer than {most} words.",
                f"Keep every message to at most {most} words.",
                f"You never write more than {most} words in a message.",
            ),
            lambda turns: _first(turns, lambda text: _words(text) > most),
        ),
        _Rule(
            (
                f"Every message of yours has at least {least} words.",
                f"You never write fewer than {least} words in a message.",
                f"Do not send a message of fewer than {least} words.",
            ),
            lambda turns: _first(turns, lambda text: _words(text) < least),
        ),
        _Rule(
            (
                f"Ask no more than {at_most} in the whole conversation.",
                f"You ask at most {at_most} altogether.",
            ),
            too_many,
        ),
    ]


def _mention_rules(turns: Sequence[Turn], foreign: Sequence[str]) -> list[_Rule]:
    """Rules about single words: of the user's, of the agent's, and of another conversation."""
    rules: list[_Rule] = []
    said = [w for turn in turns for w in _NAME.findall(turn.user) + _NUMBER.findall(turn.user)]
    heard = [
        w
        for turn in turns
        for w in _NAME.findall(turn.assistant or "") + _NUMBER.findall(turn.assistant or "")
    ]
    for word in dict.fromkeys([*said, *heard, *foreign]):
        pattern = re.compile(rf"\b{re.escape(word)}\b", re.I)

        def before_the_agent(turns: Sequence[Turn], pattern: re.Pattern[str] = pattern) -> int | None:
            for turn in turns:
                if pattern.search(turn.user):
                    return turn.index
                if turn.assistant and pattern.search(turn.assistant):
                    return None
            return None

        rules += [
            _Rule(
                (
                    f"Never mention {word}.",
                    f"You do not mention {word}.",
                    f"Say nothing about {word}.",
                    f"Leave {word} out of the conversation.",
                ),
                _never(pattern),
            ),
            _Rule(
                (
                    f"Do not mention {word} before the agent does.",
                    f"You leave it to the agent to bring up {word}.",
                    f"Mention {word} only after the agent has mentioned it.",
                ),
                before_the_agent,
            ),
            _Rule(
                (f"You would like to bring up {word}.", f"If it fits, you want to mention {word}."),
                _never(pattern),
                Category.PREFERENCE,
            ),
        ]
    return rules


def exact_components(
    conversation: Conversation, count: int, *, foreign: Sequence[str] = (), random_state: int = 0
) -> list[ExactComponent]:
    """Draw ``count`` components with exact labels for a conversation.

    Parameters
    ----------
    foreign
        Words that may not occur in this conversation at all, for mentions that never come.
    random_state
        Seeds the draw; the same conversation and seed give the same components.
    """
    turns = conversation.turns
    if not turns:
        return []
    chance = random.Random(f"{random_state}:{conversation.id}")
    mentions = _mention_rules(turns, foreign)
    chance.shuffle(mentions)
    rules = _style_rules() + _length_rules(turns, chance) + mentions[:8]
    chance.shuffle(rules)
    return [
        ExactComponent(
            Component(id=f"exact-{number}", category=rule.category, text=chance.choice(rule.wordings)),
            rule.broken_at(turns),
        )
        for number, rule in enumerate(rules[:count], start=1)
    ]

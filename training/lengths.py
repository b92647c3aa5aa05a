"""Rules about how much a user writes: words, sentences, questions, and who writes much by nature.

Numbers are drawn near what the conversation has. Knows nothing about what is written.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from tracker.goal import Category
from tracker.rules.measures import count_words
from training.rules import DOUBT, Rule, Turns, Verdict, first, judged, more_than, spelled

_SPLIT = re.compile(r"(?<!\bMr)(?<!\bDr)(?<!\bMs)(?<!\bSt)(?<!\bMrs)(?<!\bNo)(?<![A-Z])[.!?]+\s+(?=[A-Z])")
_INNER = re.compile(r"[.!?…]+[\"')]*\s+(?=\S)|\n")
_LONG, _SHORT = 60, 20
"""Words of a message that nobody calls short, and of one that nobody calls long."""


def _by_nature_and_sentence() -> list[Rule]:
    return [
        Rule(
            "one sentence",
            (
                "Write only one sentence in each message.",
                "Write exactly one sentence in every message.",
                "Every message of yours is a single sentence.",
                "You never write more than one sentence at a time.",
                "Put no more than one sentence into a message.",
                "Each of your messages consists of one sentence.",
                "Keep every message to one sentence.",
            ),
            judged(lambda text: _sentences(text, 1)),
            usual=True,
        ),
        Rule(
            "two sentences",
            (
                "Keep every message to two sentences at most.",
                "Never write more than two sentences in a message.",
                "None of your messages has more than two sentences.",
                "You write at most two sentences at a time.",
                "Two sentences a message are the most that you write.",
                "No message of yours runs to three sentences.",
            ),
            judged(lambda text: _sentences(text, 2)),
            usual=True,
        ),
        Rule(
            "one question each",
            (
                "Ask at most one question in each message.",
                "Put no more than one question into a message.",
                "You never ask two questions in one message.",
                "None of your messages has more than one question.",
                "Ask no more than one question at a time.",
                "Do not ask several questions in one message.",
            ),
            first(lambda text: text.count("?") > 1),
            usual=False,
        ),
        Rule(
            "few words by nature",
            (
                "You are a person of few words.",
                "You write short messages.",
                "You are sparing with words.",
                "You keep things brief.",
                "You are laconic.",
                "You never write at length.",
            ),
            judged(lambda text: _by_length(count_words(text), _SHORT, _LONG)),
            category=Category.PROFILE,
        ),
        Rule(
            "many words by nature",
            (
                "You like to write at length.",
                "You are long-winded.",
                "You are a person of many words.",
                "You tend to write long messages.",
                "You never say in ten words what can be said in fifty.",
                "You are given to long explanations.",
            ),
            # A short message says little against it: only ever kept, by those who write at length.
            lambda turns: None if all(count_words(turn.user) > _SHORT * 2 for turn in turns[:-1]) else DOUBT,
            category=Category.PROFILE,
        ),
    ]


def length_rules(turns: Turns, chance: random.Random) -> list[Rule]:
    """Every rule about lengths, with numbers drawn for a conversation that has turns."""
    lengths = [count_words(turn.user) for turn in turns]
    most = max(5, min(60, chance.choice(lengths) + chance.randint(-2, 6)))
    least = max(2, min(30, chance.choice(lengths) - chance.randint(0, 3)))
    letters = max(30, (len(chance.choice(turns).user) + chance.randint(-20, 60)) // 10 * 10)
    asked = sum(turn.user.count("?") for turn in turns)
    questions = max(1, asked + chance.choice((-2, -1, -1, 0, 0, 1)))
    shown: Callable[[int], str] = chance.choice((str, spelled))
    times = {1: "one question", 2: "two questions"}.get(questions, f"{shown(questions)} questions")
    at_most, at_least = f"{shown(most)} words", f"{shown(least)} words"
    return [
        *_by_nature_and_sentence(),
        Rule(
            "most words",
            (
                f"None of your messages is longer than {at_most}.",
                f"Keep every message to at most {at_most}.",
                f"Keep every message to {at_most} at most.",
                f"You never write more than {at_most} in a message.",
                f"Let no message run to more than {at_most}.",
                f"No message of yours has more than {at_most}.",
                f"Your messages have {at_most} or fewer.",
                f"Write {at_most} at most at a time.",
            ),
            first(lambda text: count_words(text) > most),
        ),
        Rule(
            "least words",
            (
                f"Every message of yours has at least {at_least}.",
                f"You never write fewer than {at_least} in a message.",
                f"Do not send a message of fewer than {at_least}.",
                f"None of your messages is shorter than {at_least}.",
                f"Write at least {at_least} in each message.",
                f"Your messages have {at_least} or more.",
            ),
            first(lambda text: count_words(text) < least),
        ),
        Rule(
            "most characters",
            (
                f"Write no more than {letters} characters in a message.",
                f"None of your messages is longer than {letters} characters.",
                f"Keep every message to {letters} characters, spaces included.",
                f"You never send more than {letters} characters at a time.",
                f"Your messages have {letters} characters at most.",
                f"No message of yours goes beyond {letters} characters.",
            ),
            first(lambda text: len(text) > letters),
        ),
        Rule(
            "most questions",
            (
                f"Ask no more than {times} in the whole conversation.",
                f"You ask at most {times} altogether.",
                f"Over the whole conversation, ask {times} at most.",
                f"Not more than {times} may come from you in all.",
                f"Do not ask more than {times} in total.",
                f"You have {times} and no more for the whole conversation.",
            ),
            more_than(lambda text: text.count("?"), questions),
            usual=False,
        ),
    ]


def _sentences(text: str, most: int) -> Verdict:
    """Whether a message has more sentences than ``most``; what may or may not end one is in doubt."""
    text = text.strip()
    if len(_SPLIT.findall(text)) >= most:
        return Verdict.BREAKS
    return Verdict.KEEPS if len(_INNER.findall(text)) < most else Verdict.DOUBTFUL


def _by_length(words: int, short: int, long: int) -> Verdict:
    if words >= long:
        return Verdict.BREAKS
    return Verdict.KEEPS if words <= short else Verdict.DOUBTFUL

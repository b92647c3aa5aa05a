"""Rules about a user's own words: how it signs, begins and ends its messages, what it always or never says.

The words are drawn from the conversation, so that such a rule is kept for some turns at least.
"""

from __future__ import annotations

import random
import re

from training.rules import Rule, Turns, always, never

_SIGNED = re.compile(r"(?:^|[\s,–—-])([A-Z][\w.'’-]*(?: [A-Z][\w.'’-]+){0,2})[.!]?\s*$")
_SIGNATURES = ("R. Halvorsen", "Odile P.", "T. Marchetti", "Mrs Adeyemi", "J.K.", "Brannigan", "A. Solberg")


def own_word_rules(turns: Turns, chance: random.Random) -> list[Rule]:
    """Every rule about a user's own words, for a conversation that has turns."""
    rules = []
    signed = _SIGNED.search(turns[0].user)
    signs_once = signed is not None and len(turns) > 1 and not turns[0].user.endswith("?")
    name = signed[1].rstrip(".") if signed is not None and signs_once else chance.choice(_SIGNATURES)
    rules.append(
        Rule(
            "signs",
            (
                f"Sign every message with '{name}'.",
                f'Sign every message with "{name}".',
                f'You end every message with the name "{name}".',
                f'All your messages are signed "{name}".',
                f'Put "{name}" under each of your messages.',
                f"Every message of yours closes with {name}.",
                f'You never send a message without signing it "{name}".',
            ),
            always(re.compile(rf"{re.escape(name)}\W*$")),
            usual=None if signs_once else True,
        )
    )
    starts = [found[0] for turn in turns[:2] if (found := re.match(r"[A-Za-z']{2,}", turn.user))]
    if starts:
        word = chance.choice(starts)
        rules.append(
            Rule(
                "begins with a word",
                (
                    f'Begin every message with "{word}".',
                    f'Each of your messages begins with the word "{word}".',
                    f'You open every message with "{word}".',
                    f'The first word of every message is "{word}".',
                    f'Start all your messages with "{word}".',
                    f'No message of yours begins otherwise than with "{word}".',
                ),
                always(re.compile(rf"^\W*{re.escape(word)}\b", re.I)),
                usual=True,
            )
        )
        word = chance.choice([*starts, "Please", "Well", "Listen", "So"])
        rules.append(
            Rule(
                "never begins with a word",
                (
                    f'Never begin a message with "{word}".',
                    f'None of your messages begins with the word "{word}".',
                    f'You do not open any message with "{word}".',
                    f'The first word of a message is never "{word}".',
                    f'Do not start a message with "{word}".',
                    f'Let no message begin with "{word}".',
                ),
                never(re.compile(rf"^\W*{re.escape(word)}\b", re.I)),
            )
        )
    words = sorted({w.lower() for turn in turns for w in re.findall(r"\b[A-Za-z]{4,}\b", turn.user)})
    if words:
        word = chance.choice([*chance.sample(words, min(3, len(words))), "problem", "actually", "urgent"])
        rules.append(
            Rule(
                "never a word",
                (
                    f'Never use the word "{word}".',
                    f'You do not say "{word}".',
                    f'The word "{word}" is in none of your messages.',
                    f'Avoid the word "{word}".',
                    f'You never write "{word}".',
                    f'Do without the word "{word}".',
                    f'Do not say "{word}" in any message.',
                ),
                never(re.compile(rf"\b{word}\b", re.I)),
            )
        )
        common = re.findall(r"\b[A-Za-z]{2,}\b", turns[0].user)
        word = chance.choice(common).lower() if common else word
        rules.append(
            Rule(
                "a word in each",
                (
                    f'Use the word "{word}" in every message.',
                    f'Every message of yours has the word "{word}" in it.',
                    f'You say "{word}" in each message.',
                    f'The word "{word}" is in all your messages.',
                    f'No message of yours is without the word "{word}".',
                    f'You write "{word}" at least once a message.',
                ),
                always(re.compile(rf"\b{word}\b", re.I)),
                usual=True,
            )
        )
    return rules

"""Rules about words and subjects that are never to come up, where a list of words decides.

A table: each rule has a name, many wordings, and the function that decides it.
"""

from __future__ import annotations

import re

from training.rules import MONEY, Rule, never

_CONTRACTION = re.compile(
    r"\b(?:\w+(?:n['’]t|['’](?:m|re|ve|ll|d))|(?:it|that|let|what|there|here|he|she|who|where)['’]s)\b", re.I
)
_FAMILY = re.compile(
    r"\b(?:wife|husband|mother|father|mum|mom|dad|parents?|sons?|daughters?|sisters?|brothers?|child(?:ren)?|kids?"
    r"|grand\w+|uncle|aunt|nephews?|nieces?|twins|partner|fiancée?|family|cousins?|bab(?:y|ies))\b",
    re.I,
)
_DAY = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b", re.I)
_CLOCK = re.compile(r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?[ap]\.?m\b|\bo['’]clock\b", re.I)


def taboo_rules() -> list[Rule]:
    """Every rule about what is not to come up, in the order of the table."""
    return [
        Rule(
            "no contractions",
            (
                "Never use contractions.",
                'You do not write contractions such as "don\'t" or "I\'m".',
                "Write every word in full, without contractions.",
                "Your messages have no contractions.",
                "You never shorten words like it's or can't.",
                "Do without contractions.",
            ),
            never(_CONTRACTION),
        ),
        Rule(
            "never I",
            (
                'Never use the word "I".',
                "You never write the word I.",
                'Do not say "I" in any message.',
                'The word "I" is in none of your messages.',
                'You do without the word "I".',
                'Write every message without an "I".',
            ),
            never(re.compile(r"\b[Ii]\b")),
        ),
        Rule(
            "never we",
            (
                'Never say "we", "us" or "our".',
                "You never write we, us or our.",
                'The words "we", "us" and "our" are in none of your messages.',
                'Speak for yourself alone: no "we", no "us", no "our".',
                'Do without "we", "us" and "our".',
                'Do not use the words "we", "us" or "our".',
            ),
            never(re.compile(r"\b(?:we|us|our|ours)\b|\bwe['’]", re.I)),
            usual=False,
        ),
        Rule(
            "no family",
            (
                "Say nothing about your family.",
                "Never mention anybody of your family.",
                "Keep your family out of the conversation.",
                "You do not speak of your relatives.",
                "Do not mention any member of your family.",
                "You leave your family aside.",
                "No word about your family.",
            ),
            never(_FAMILY),
            usual=False,
        ),
        Rule(
            "no money",
            (
                "Never name an amount of money.",
                "Do not name any sum of money.",
                "You never write down an amount of money.",
                "No amount of money comes from you.",
                "Leave sums of money to the agent.",
                "None of your messages names a sum of money.",
            ),
            never(MONEY),
            usual=False,
        ),
        Rule(
            "no day",
            (
                "Never name a day of the week.",
                "Do not mention any day of the week.",
                "You do not speak of any weekday by name.",
                "No day of the week is named in your messages.",
                "Leave it to the agent to name days of the week.",
                "Your messages name no day of the week.",
            ),
            never(_DAY),
            usual=False,
        ),
        Rule(
            "no clock",
            (
                "Never name a time of day by the clock.",
                "Do not write any clock time.",
                "You never name an hour by the clock.",
                "There is no clock time in your messages.",
                "Leave clock times to the agent.",
                "None of your messages has a time by the clock in it.",
            ),
            never(_CLOCK),
            usual=False,
        ),
        Rule(
            "no e-mail",
            (
                "Never give an e-mail address.",
                "Do not give out any e-mail address.",
                "You keep e-mail addresses to yourself.",
                "No e-mail address comes from you.",
                "Write no e-mail address in the chat.",
                "You never type an e-mail address.",
            ),
            never(re.compile(r"\w@\w")),
            usual=False,
        ),
    ]

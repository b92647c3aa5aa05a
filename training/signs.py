"""Rules about the signs and letters in a user's messages: marks, digits, emojis, capitals.

A table: each rule has a name, many wordings, and the function that decides it.
"""

from __future__ import annotations

import re

from training.rules import Rule, Verdict, always, first, judged, never

_EMOJI = re.compile(r"[\U0001F300-\U0001FAFF☀-➿]")
_EMOTICON = re.compile(r"[:;]-?[)(DPp]")


def sign_rules() -> list[Rule]:
    """Every rule about signs, in the order of the table."""
    return [
        Rule(
            "no exclamation mark",
            (
                "Never use an exclamation mark.",
                "You do without exclamation marks.",
                "There is no exclamation mark in your messages.",
                "Write without exclamation marks.",
                "None of your messages has an exclamation mark in it.",
                "Do not end any sentence with an exclamation mark.",
                "You never put an exclamation mark.",
            ),
            never(re.compile("!")),
        ),
        Rule(
            "exclamation mark in each",
            (
                "Put an exclamation mark in every message.",
                "Every message of yours has at least one exclamation mark.",
                "Use an exclamation mark in each of your messages.",
                "You never send a message without an exclamation mark.",
                "There is an exclamation mark in all of your messages.",
                "None of your messages lacks an exclamation mark.",
            ),
            always(re.compile("!")),
            usual=True,
        ),
        Rule(
            "no question mark",
            (
                "Never write a question mark.",
                "Your messages hold no question marks.",
                "Do not use question marks.",
                "You never ask a question with a question mark.",
                "Write without a single question mark.",
                "No message of yours contains a question mark.",
            ),
            never(re.compile(r"\?")),
            usual=True,
        ),
        Rule(
            "question in each",
            (
                "Ask a question in every message.",
                "Every message of yours has a question mark in it.",
                "Each of your messages contains a question.",
                "You ask something in each message.",
                "Put a question into every message.",
                "Never send a message without a question in it.",
            ),
            always(re.compile(r"\?")),
            usual=True,
        ),
        Rule(
            "ends with a question",
            (
                "End every message with a question.",
                "Each of your messages ends with a question mark.",
                "You close every message with a question.",
                "The last thing in every message is a question.",
                "Let every message end in a question.",
                "No message of yours ends without a question.",
            ),
            always(re.compile(r"\?\W*$")),
            usual=True,
        ),
        Rule(
            "never ends with a question",
            (
                "Never end a message with a question.",
                "None of your messages ends with a question mark.",
                "You do not close a message with a question.",
                "Let no message end in a question.",
                "Your messages never end on a question.",
                "Do not let a question be the last thing in a message.",
            ),
            never(re.compile(r"\?\W*$")),
        ),
        Rule(
            "ends with a full stop",
            (
                "Close every message with a full stop.",
                "Each of your messages ends with a full stop.",
                "End all your messages with a period.",
                "You put a full stop at the end of every message.",
                "No message of yours ends without a full stop.",
                "The last sign of every message is a full stop.",
            ),
            always(re.compile(r"\.\s*$")),
            usual=True,
        ),
        Rule(
            "no comma",
            (
                "Never use a comma.",
                "There are no commas in your messages.",
                "Do without commas.",
                "Write without any comma.",
                "You never put a comma.",
                "No message of yours has a comma in it.",
            ),
            never(re.compile(",")),
            usual=True,
        ),
        Rule(
            "no digit",
            (
                "Never write a digit.",
                "There are no digits in your messages.",
                "Do not use figures; spell numbers out or leave them out.",
                "You write numbers in words only.",
                "No numerals in your messages.",
                "Write without digits.",
            ),
            never(re.compile(r"\d")),
        ),
        Rule(
            "no brackets",
            (
                "Never use brackets.",
                "There are no brackets in your messages.",
                "Write nothing in brackets.",
                "You do without parentheses.",
                "Do not put anything in parentheses.",
                "None of your messages has a bracket in it.",
            ),
            never(re.compile(r"[()\[\]]")),
            usual=False,
        ),
        Rule(
            "no dots",
            (
                "Never use three dots in a row.",
                'You do not write "...".',
                "Let no sentence trail off in dots.",
                "There are no dots in a row in your messages.",
                "Do without an ellipsis.",
                "Leave out every ellipsis.",
            ),
            never(re.compile(r"\.\.|…")),
            usual=False,
        ),
        Rule(
            "emoji in each",
            (
                "Put at least one emoji into every message.",
                "Use an emoji in each message.",
                "Every message of yours has an emoji in it.",
                "You never write a message without an emoji.",
                "All of your messages contain an emoji.",
                "There is an emoji in everything you write.",
                "Add an emoji to every message.",
            ),
            judged(lambda text: _emoji(text, Verdict.KEEPS, Verdict.BREAKS)),
            usual=True,
        ),
        Rule(
            "no emoji",
            (
                "Do not use any emojis.",
                "Never use an emoji.",
                "You write without emojis.",
                "There is no emoji in your messages.",
                "None of your messages has an emoji in it.",
                "Leave emojis out of your messages.",
            ),
            judged(lambda text: _emoji(text, Verdict.BREAKS, Verdict.KEEPS)),
            usual=False,
        ),
        Rule(
            "lower case",
            (
                "Write in lower case only.",
                "You never use capital letters.",
                "Everything you write is in small letters.",
                "Write all your messages without capital letters.",
                "There is no capital letter in your messages.",
                "You do without capitals altogether.",
            ),
            first(lambda text: text != text.lower()),
            usual=True,
        ),
        Rule(
            "capitals",
            (
                "Never write a whole message in capital letters.",
                "You do not send messages that are all in capitals.",
                "No message of yours is in capitals throughout.",
                "Do not shout: no message is all in capital letters.",
                "None of your messages consists of capital letters only.",
                "You never write an entire message in capitals.",
            ),
            first(lambda text: text.isupper() and len(text) > 4),
            usual=False,
        ),
    ]


def _emoji(text: str, there: Verdict, missing: Verdict) -> Verdict:
    if _EMOJI.search(text):
        return there
    return Verdict.DOUBTFUL if _EMOTICON.search(text) else missing

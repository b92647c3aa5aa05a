"""Whether a user's message says goodbye, and what is left of it without that, sentence by sentence.

Knows English as users write it. Knows nothing about goals, agents or what else a message may say.
"""

from __future__ import annotations

import re

_BEFORE_ALL = (
    "no|nope|yes|and|but|so|then|well|now|ok|okay|alright|all right|right|great|perfect|good|fine|lovely"
    "|wonderful|excellent|thanks?|thank you|(?:very|so) much|a lot|cheers|i|think|guess|believe|really|just"
)
_ALL_WELL = r"(?! (?:right|good|fine|ok|okay|very|well)\b)"
CLOSED = r"(?=\s*(?:[.,!;)]|$))"
"""The end of a sentence, or of a part of one, as an expression."""
_FAREWELL = re.compile(
    r"\b(good ?bye|bye|(?<!to )(?<!i )(?<!can )see you"
    r"|(?<!if there is )(?<!if there's )nothing else"
    rf"(?:{CLOSED}"
    r"|(?= (?:thanks?|for (?:now|today|me|you)|from me|i (?:need|want)|to (?:add|ask)|today|then)\b))"
    rf"|that ?(?:will|'?ll) be all{_ALL_WELL}"
    r"|have a (nice|good|great|lovely|wonderful)( \w+)? (day|evening|one|time|weekend)"
    r"|(?<!\ba )farewell(?! (?:party|dinner|gift|present|card|cake))"
    r"|take care(?! (?:of|that|to)\b)|i'?m done here)\b"
    # "Two nights, that's all." asks for something, "That's all for the first." goes on.
    rf"|^(?:(?:{_BEFORE_ALL})\b\W*)*that(?:'?s| is) (?:all|everything)\b(?! for the){_ALL_WELL}",
    re.I,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.split(text.strip()) if part.strip()]


def is_farewell(text: str) -> bool:
    """Whether a message says goodbye: in one of its last two sentences, with no question from there on."""
    last = sentences(_joined(text))[-2:]
    leaves = [place for place, sentence in enumerate(last) if _FAREWELL.search(sentence)]
    return bool(leaves) and "?" not in " ".join(last[leaves[0] :])


def without_farewell(text: str) -> str:
    """A message without the sentences that say goodbye; empty where nothing is left."""
    return " ".join(part for part in sentences(text) if not _FAREWELL.search(_joined(part)))


def _joined(text: str) -> str:
    """A text with plain apostrophes, and those of a text in tokens ("that 's all") where they belong."""
    return re.sub(r"(?<=\w) '(?=\w)", "'", text.replace("’", "'"))

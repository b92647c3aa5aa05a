"""Whether a user's message says goodbye, and what is left of it without that, sentence by sentence.

Knows English as users write it. Knows nothing about goals, agents or what else a message may say.
"""

from __future__ import annotations

import re

_FAREWELL = re.compile(
    r"\b(good ?bye|bye|see you|that'?s (all|everything)|that is (all|everything)"
    r"|nothing else|that will be all|that'?ll be all|have a (nice|good|great|lovely|wonderful)( \w+)? "
    r"(day|evening|one|time|weekend)|farewell|take care|i'?m done here)\b",
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

"""The words of a text that carry meaning, without their endings.

Knows English and nothing else.
"""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"[^\W_]+(?:['’.,:@/&-][^\W_]+)*")
_EMPTY = frozenset(
    "a an the this that these those it its they them their there you your yours i me my we us our he "
    "him his she her user customer is are am was were be been being do does did done has have had "
    "having get gets got make makes made sure want wants wanted wish wishes need needs needed would "
    "will shall should must may might can could ought like to of in on at by for with from as into and "
    "or but so if then than also too just only very please which who whom whose what".split()
)
"""Words that say little about which component a text is."""

_DOUBLED = re.compile(r"([b-df-hj-np-tv-z])\1$")
"""What is left of "cancelled" without its ending."""
_ENDING = re.compile(r"(?<=\w{3})(?:'s|’s|ing|ed|es|s|e)$")


def words(text: str) -> Counter[str]:
    """The words of a text that carry meaning, without their endings; all words where none does."""
    found = [word.lower() for word in _WORD.findall(text)]
    kept = [word for word in found if word not in _EMPTY] or found
    return Counter(_DOUBLED.sub(r"\1", _ENDING.sub("", word)) for word in kept)

"""The same goal as somebody else would write it: wishes, conditions and rules in other set phrases.

Knows how goals for simulators are phrased. Only words that carry no content are replaced, so the components
of a goal are still those of its rephrased text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import partial
from types import MappingProxyType

_RULES: MappingProxyType[str, Sequence[str]] = MappingProxyType(
    {
        r"\bto find out ": ("to know ", "to learn ", "to find out "),
        r"\b[Yy]ou want to (?=\w)": (
            "You would like to ",
            "You wish to ",
            "You'd like to ",
            "You need to ",
            "You are looking to ",
            "You are trying to ",
        ),
        r"(?<=\.) You also want to (?=\w)": (
            " You also need to ",
            " Also, you would like to ",
            " In addition, you want to ",
            " You also would like to ",
        ),
        r"(?<=\.) Then you want to (?=\w)": (" After that, you want to ", " Next, you would like to "),
        r" and want to ": (" and wish to ", " and would like to ", ", and you want to "),
        r"\b[Yy]ou want (?!to\b)": ("You need ", "You would like ", "You'd like ", "You wish to have "),
        r"\b[Yy]ou would rather (?:have |be |get )?": (
            "You prefer ",
            "You'd prefer ",
            "Ideally you want ",
            "If possible, you want ",
            "You would prefer ",
        ),
        r"\b(?:must|ha(?:s|ve) to) ": ("should ", "must ", "need to "),
        r"(?<=\. )Do not ": ("You do not ", "You don't want to ", "You will not ", "You never "),
        r"(?<=\. )Never ": ("You never ", "Do not ever ", "You will not "),
        r"(?<=\. )(?=(?:Ask|Say|Write|Keep|Thank|Refuse|Mention|Give|Stay|Begin|Answer)\b)": (
            "You always ",
            "Make sure to ",
        ),
        r"(?<=\. )If ": ("In case ", "If ", "When "),
        r"(?<=, )(?=(?:ask|say|answer|refuse|turn|accept|decline|offer|insist)\b)": (
            "you ",
            "you will ",
            "you want to ",
        ),
        r"; ": (". ", ", and ", " and "),
        r"\. (?=It |The )": (", and ", ". "),
        r", and (?=you )": (". ", " and ", "; "),
    }
)
"""Pattern → what may stand in its place."""

_START = re.compile(r"([.!?] )([a-z])")
_MIDDLE = re.compile(r"(?<![.!?] )(?<!^)\b(You|You'd|It|The|Never|Do)\b(?= [a-z])")
_BEHIND = re.compile(r"(?<=You always )[A-Z]|(?<=Make sure to )[A-Z]")


def rephrase(text: str, chance: random.Random, *, share: float = 0.6) -> str:
    """Replace each set phrase with the probability ``share``; sentences begin with a capital letter."""
    for pattern, others in _RULES.items():
        text = re.sub(pattern, partial(_other, others=others, chance=chance, share=share), text)
    text = _BEHIND.sub(lambda found: found[0].lower(), text)
    text = _MIDDLE.sub(lambda found: found[1].lower(), text)
    return _START.sub(lambda found: found[1] + found[2].upper(), text)


def _other(found: re.Match[str], *, others: Sequence[str], chance: random.Random, share: float) -> str:
    return chance.choice(others) if chance.random() < share else found[0]

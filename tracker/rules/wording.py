"""What the text of a rule says: whether it forbids or demands, and whether it says nothing else.

Also the words that several kinds of rules share.

Knows English. Knows nothing about what rules there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "twenty-five": 25, "a hundred": 100}
_OTHERS = {"single": 1, "dozen": 12, "a dozen": 12}
_NUMBERS = {word: value for value, word in enumerate(UNITS)} | _TENS | _OTHERS
NUMBER = r"\d+|" + "|".join(sorted(_NUMBERS, key=len, reverse=True))
"""What ``number`` reads, as an expression."""
AGENT = r"(?:the [a-z]+|them)"
"""How a rule names whom the user talks to, as an expression."""
_THANKED = rf"(?:{AGENT}|him|her|it)"
THANK = rf"thank {_THANKED}|(?:say|give) (?:a word of thanks|your thanks|thank you|thanks)(?: to {_THANKED})?"
"""How a rule asks for thanks, as an expression."""

_DENIES = r"\b(?:never|not|no|none|neither|avoid|nothing)\b|n't\b"
_LACKS = r"\b(?:without|lacks?|lacking|leave(?=\b.*\bout\b)|free)\b"
_NEGATIVE = re.compile(f"{_DENIES}|{_LACKS}")
_EVERY = re.compile(r"\b(?:every|each|all|always|any|everything|whatever|throughout|everywhere)\b")
_PERMITS = re.compile(
    r"\bfree to\b|(?:\bnot|n't) (?:have|need) to\b|\bneed(?: not|n't)\b|\bany one\b"
    r"|\bone of (?:all |your |the )|\b(?:every|each) time (?:they|the|it|there|he|she)\b"
    r"|(?:\bnot|n't) (?:\w+ )?all\b|(?:\b(?:not|never)|n't)\b.*\b(?:every|each|always)\b"
)
_MAY = re.compile(r"\b(?:may|can)\b")
_CONCESSION = re.compile(
    r",? (?:even (?:if|when|though)|however|whatever|no matter (?:how|what))\b"
    r"(?:(?!\b(?:unless|except|until|but|only|not|may)\b)[^,;:])*$"
)
"""What makes no difference to a rule, and says so."""
_CONTRAST = re.compile(r";|(?:,| and| but) (?:not|never|only|don't|do not)\b")
_HARMLESS = frozenset(
    "you your yours user user's agent it its they them there that this these a an the of in into to at "
    "as with by and or nor on out is are be been being have has had do does must should shall will can "
    "may ever even least use uses used using write writes writing written put puts keep keeps send "
    "sends say says saying speak type add include includes contain contains come comes let make makes "
    "sure message messages word words one single from for chat conversation talk whole entire time times "
    "only just altogether very per joy anywhere kind some show shows give gives hold holds lot text texts "
    "anything sign signs letter letters q".split()
)
"""Words that add no condition, no exception and no other thing."""


@dataclass(frozen=True)
class Wording:
    """The text of a rule, ready to be looked at."""

    text: str
    """In lower case, on one line, with plain quotation marks, without its full stop and its concession."""
    quoted: tuple[str, ...] = ()
    """What stands in quotation marks, as it was written; ``q`` stands in its place in the text."""

    @classmethod
    def of(cls, text: str) -> Wording:
        plain = one_line(text)
        marked = re.compile(r'"([^"]+)"' if '"' in plain else r"(?<!\w)'([^']+)'(?!\w)")
        quoted = tuple(found.strip(" .,") or found for found in marked.findall(plain))
        return cls(without_concession(marked.sub("q", plain).lower()), quoted)

    @property
    def forbids(self) -> bool:
        """It has an odd number of negatives: "none of them is without" demands."""
        return len(_NEGATIVE.findall(self.text)) % 2 == 1

    @property
    def insists(self) -> bool:
        """It denies twice, or lacks twice: "never, not even once" may mean no more than once."""
        return any(len(re.findall(kind, self.text)) > 1 for kind in (_DENIES, _LACKS))

    @property
    def permits(self) -> bool:
        """It allows, or says of some messages what it leaves open of others."""
        return bool(_PERMITS.search(self.text)) or (not self.forbids and bool(_MAY.search(self.text)))

    @property
    def contrasts(self) -> bool:
        """It says one thing and denies another: "q, never q"."""
        return _CONTRAST.search(self.text) is not None

    @property
    def demands(self) -> bool:
        """It is about every message, and does not forbid."""
        return not self.forbids and bool(_EVERY.search(self.text) or _NEGATIVE.search(self.text))

    def without(self, expression: str, by: str = " ") -> Wording | None:
        """The wording with an expression taken out, or ``None`` where it is not there."""
        rest, found = re.subn(rf"(?<!\w)(?:{expression})(?!\w)", by, self.text)
        return Wording(" ".join(rest.split()), self.quoted) if found else None

    def says_nothing_else(self) -> bool:
        """No condition is left, no exception, and no other thing."""
        rest = _EVERY.sub(" ", _NEGATIVE.sub(" ", self.text))
        return _HARMLESS.issuperset(re.findall(r"[\w'-]+", rest))


def one_line(text: str) -> str:
    """A text on one line, with plain quotation marks and without its full stop."""
    return " ".join(re.sub("[“”]", '"', re.sub("[‘’]", "'", text)).split()).rstrip(" .")


def without_concession(text: str) -> str:
    """A text in lower case without an "even if" or "however" at its end."""
    return _CONCESSION.sub("", text)


def number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS[text]

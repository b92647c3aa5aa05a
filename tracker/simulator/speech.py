"""What can be read off any user's message without knowing the goal: yes and no, numbers, times, names.

Knows English as users write it, badly too. Knows nothing about domains, agents or goals.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from tracker.farewell import sentences
from tracker.simulator.domains import NUMBERS

_AFFIRM = re.compile(
    r"\b(yes|yeah|yep|yup|sure|ok|okay|please do|go ahead|book (it|that|this|them)|do (it|that|so)|"
    r"sounds? (good|great|perfect|fine)|perfect|great|that works|works for me|fine|correct|exactly|"
    r"i'?ll take (it|that|this)|i would like (that|it)|i'?d like (that|it)|confirm(ed)?|right|agreed|proceed|"
    r"please book|of course|absolutely|definitely|i accept|deal|cancel it|return it|order it|reserve it)\b",
    re.I,
)
_ACCEPT = re.compile(
    r"^(yes|yeah|yep|sure|ok|okay|please)\b|\b(add (it|that)|i'?ll take (it|that|the)|go ahead|why not|"
    r"i('d| would) (like|love) (that|it|the extra)|with the extra)\b",
    re.I,
)
_DENY = re.compile(
    r"(^|[.!,;] ?)(no|nope|nah|not|never mind|don'?t|do not|rather not|i decline|i refuse|i'?d rather not|"
    r"i would rather not|i don'?t|i do not|i won'?t|i will not|i will keep|i can'?t|i cannot)\b"
    r"|\b(no,? thanks?|no,? thank you|not interested|without the extra|without that|turn (it|that) down"
    r"|decline|keep (it|that) to myself)\b",
    re.I,
)
_ANY = re.compile(
    r"\b(any|anything|anytime|whichever|whatever|no preference|doesn'?t matter|does not matter|don'?t care|"
    r"do not care|don'?t mind|do not mind|up to you|you (can )?choose|flexible|either|all the same|suits you|"
    r"not important|leave (it|that) to you)\b",
    re.I,
)
_DIGITS = {word: str(number) for number, word in enumerate(NUMBERS, start=1)}
_TIME = re.compile(
    r"\b(half past |quarter past )?(\d{1,2})(?::|\.|h)?(\d{2})?\s*(a\.?m\.?|p\.?m\.?|o'?clock)?(?=\W|$)", re.I
)


def plain(text: str) -> str:
    """Lower-case text with plain apostrophes and without marks of emphasis."""
    return text.replace("’", "'").replace("*", "").lower()


def affirms(text: str) -> bool:
    """Whether a sentence of a message says yes."""
    return any(_AFFIRM.search(part) and not denies(part) for part in sentences(text))


def accepts(text: str) -> bool:
    """Whether a message takes what was just offered on top: a yes to it, not only a friendly word."""
    return any(_ACCEPT.search(part) and not denies(part) for part in sentences(text))


def denies(text: str) -> bool:
    return _DENY.search(text.strip()) is not None


def leaves_open(text: str) -> bool:
    """Whether a message says that anything will do."""
    return _ANY.search(text) is not None


def with_digits(text: str) -> str:
    """Text with the small numbers that are written as words turned into digits."""
    return re.sub(rf"\b({'|'.join(_DIGITS)})\b", lambda match: _DIGITS[match[0].lower()], text, flags=re.I)


def times(text: str) -> list[str]:
    """The times of an evening that a message names, as ``HH:MM``."""
    found = []
    for match in _TIME.finditer(with_digits(text)):
        before, hour, minute, suffix = match.groups()
        if not (minute or suffix or before or re.search(r"\bat $", text[: match.start()].lower())):
            continue
        if minute and not re.search(r"[:.h]", match[0]):
            continue
        minutes = minute or ("30" if before and "half" in before.lower() else "15" if before else "00")
        hours = int(hour)
        if hours > 23 or int(minutes) > 59:
            continue
        if hours < 12 and not (suffix or "").lower().startswith("a"):
            hours += 12
        found.append(f"{hours:02}:{minutes}")
    return found


def find_words(words: Iterable[str], text: str) -> int | None:
    """Where one of ``words`` stands in plain text, typos forgiven in longer ones; ``None`` where none does.

    A word behind a "no" or "not" does not count.
    """
    for word in words:
        wanted = word.lower()
        for match in re.finditer(rf"\b{re.escape(wanted)}s?\b", text):
            if not _negated(text[: match.start()]):
                return match.start()
    for word in words:
        wanted = word.lower()
        if len(wanted) < 6 or " " in wanted:
            continue
        for match in re.finditer(r"[a-z]{5,}", text):
            close = difflib.SequenceMatcher(None, wanted, match[0]).ratio()
            if close >= 0.84 and match[0][0] == wanted[0] and not _negated(text[: match.start()]):
                return match.start()
    return None


def same_name(one: str, other: str) -> bool:
    """Whether two names may be the same person's: one is part of the other, or they differ by a typo."""
    first, second = set(plain(one).split()), set(plain(other).split())
    if first <= second or second <= first:
        return True
    return difflib.SequenceMatcher(None, plain(one), plain(other)).ratio() >= 0.8


def _negated(before: str) -> bool:
    clause = re.split(r"[.,;!?]", before)[-1]
    return re.search(r"(n't|\b(no|not|without|than|instead of))( \w+){0,3} ?$", clause) is not None

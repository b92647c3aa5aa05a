"""The text of a component: its pieces as they stand in the goal, made into a sentence.

Knows how English leaves out what was said just before: a subject, a modal verb, "find out". The only words it
adds stand earlier in the same sentence of the goal, so nothing is invented.
"""

from __future__ import annotations

import re

from tracker.clauses import PREDICATE, THING, YOU, as_sentence
from tracker.goal import Category

_CONJUNCTION = re.compile(r"(?:(?:and|but|so|or|also|then)\b,?\s+)+", re.IGNORECASE)
_MODAL = r"(?:must|ha(?:s|ve)\s+to|should|needs?\s+to|(?:is|are)\s+to|may|can(?:not)?|will|would|does|do)"
_HELPER = re.compile(rf"(?:{_MODAL}|is|are|was|were|has|have|had)\b", re.IGNORECASE)
_WISH = re.compile(r"(?:wants?|wish(?:es)?|needs?|prefers?|would)\b", re.IGNORECASE)
_QUESTION = re.compile(
    r"(?:(?:by|until|from|in|at|to|on)\s+)?(?:what|how|whether|when|where|which|who|whose|why)\b",
    re.IGNORECASE,
)
_OWN_SUBJECT = re.compile(
    rf"(?:{YOU}|{THING}|your|my|our|the|an?|this|that|these|those|it|its|they|their|there|all|both)\b",
    re.IGNORECASE,
)
_STANDS_ALONE = re.compile(
    r"(?:if|when|whenever|before|after|until|unless|once|as|never|always|only|do\s+not|don['’]t|not"
    r"|should\s+(?:the|you|they|it|he|she|there|no|an?))\b",
    re.IGNORECASE,
)

_SUBJECT = re.compile(rf"(?P<subject>{YOU}|{THING}|[A-Z][\w'’-]*)\s+(?={_MODAL}\b)", re.IGNORECASE)
_WHO = re.compile(rf"(?P<subject>{YOU})\b", re.IGNORECASE)
_WANTS = re.compile(
    rf"(?P<head>{YOU}\s+(?:also\s+|then\s+)?(?:wants?|needs?|wish(?:es)?|would\s+like))\b", re.IGNORECASE
)
_OBLIGED = re.compile(
    rf"(?P<head>(?:{YOU}|{THING})\s+(?:must|ha(?:s|ve)\s+to|should|needs?\s+to))\s", re.IGNORECASE
)
_ASKS = re.compile(
    r"(?P<head>(?:.*?\b)?(?:find\s+out|to\s+know|learn|hear)(?:\s+as\s+well|\s+also)?)\s", re.IGNORECASE
)
_FRAGMENT = re.compile(
    r"(?:for|with|without|from|on|at|in|by|to|under|until|before|after|starting|beginning|leaving|arriving"
    r"|including|not)\b",
    re.IGNORECASE,
)
_SHORT = 6
"""A fragment of so many words, "at both airports", needs to be told with what it is said about."""

_GETS = re.compile(r"(?P<head>(?:make\s+sure\s+(?:that\s+)?you\s+)get)\s", re.IGNORECASE)


def component_text(part: str, *, before: str, category: Category | None) -> str:
    """A part of a goal's sentence as a sentence of its own.

    Parameters
    ----------
    part
        The words as they stand in the goal.
    before
        The text of a component before it in the same sentence, completed; nothing where it is the first.
    """
    words = _CONJUNCTION.sub("", part, count=1) if _CONJUNCTION.match(part) else part
    words = words.strip(" ,;:–—(") or part
    if words.count(")") > words.count("("):
        # Its partner was in front of the part.
        words = words.replace(")", "", 1)
    return as_sentence(_completed(words, before, category))


def _completed(words: str, before: str, category: Category | None) -> str:
    """``words`` with the subject and verb that they share with ``before``."""
    if not before:
        return words
    if re.match(r"to\s+\w", words, re.IGNORECASE) and (found := _WANTS.match(before)):
        return f"{found['head']} {words}"
    if _QUESTION.match(words) and (found := _ASKS.match(before)):
        return f"{found['head']} {words}"
    if category is Category.REQUIREMENT and _FRAGMENT.match(words) and len(words.split()) <= _SHORT:
        return f"{before.removesuffix('.')}, {words}"
    if _STANDS_ALONE.match(words):
        return words
    if _WISH.match(words) and (found := _WHO.match(before)):
        return f"{found['subject']} {words}"
    if PREDICATE.match(words) and (found := _OBLIGED.match(before)):
        return f"{found['head']} {words}"
    if _HELPER.match(words) and (found := _SUBJECT.match(before) or _WHO.match(before)):
        return f"{found['subject']} {words}"
    if (found := _GETS.match(before)) and not _SUBJECT.match(words):
        return f"{found['head']} {words}"
    if category is Category.PROFILE and not _OWN_SUBJECT.match(words) and (found := _WHO.match(before)):
        return f"{found['subject']} {words}"
    return words

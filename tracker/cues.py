"""The cue words by which a clause of a goal tells its category.

Knows English and nothing else: one clause in, one category out.
"""

from __future__ import annotations

import re

from tracker.clauses import THING, YOU
from tracker.goal import Category

_BEHAVE = (
    "ask|thank|mention|say|tell|settle|end|begin|cite|point out|repeat|insist|refuse|decline|object"
    "|apologi[sz]e|greet|answer|reply|respond|write|speak|claim|pretend|wait|act|address|call the agent"
    "|bring up|deal with|accept|agree|let|stay|remain|be|start by|open with|close with"
)
"""What rules of conduct tell a user to do in the conversation."""

_DO = (
    "book|cancel|change|order|buy|sell|return|exchange|get|have|arrange|pause|reserve|schedule|reschedule|move"
    "|find|upgrade|rent|hire|open|close|report|file|request|renew|sign up|register|apply|negotiate|dispute"
    "|swap|switch|extend|replace|subscribe|unsubscribe|update|modify|remove|add|track|complain|obtain|set up"
    "|pay|transfer|try to|receive|look for|purchase|make a|drop|claim"
)
"""What users want done."""

_LEAD = (
    r"(?:(?:also|then|first|next|last(?:ly)?|finally|besides|now|just|only|really|otherwise|and|but),?\s+)"
    r"{0,2}"
)
_WISH = r"(?:want|need|wish|hope|intend|plan)(?:s|es)?"
_NOT = r"(?:do not|don['’]t|does not|doesn['’]t|will not|won['’]t|never|cannot|can['’]t|must not|should not)"
_SHARE = r"(?:tell|say|mention|give|share|reveal|provide|disclose|speak|bring up|talk)"
_UNWISHED = rf"^(?!{YOU} {_LEAD}{_WISH}\b).*"
_MESSAGE = r"(?:every|each|one|(?:your|the) (?:first|last|opening|closing|final)) (?:message|reply|answer)"

_CUES: tuple[tuple[Category, tuple[str, ...]], ...] = (
    (Category.POLICY, (rf"^{_LEAD}(?:{YOU} )?{_NOT}\b.*\b{_SHARE}\b",)),
    (
        Category.PREFERENCE,
        (
            r"\b(?:would|['’]d) (?:much )?(?:rather|prefer|sooner)\b",
            r"\b(?<!not )prefer(?:s|ably|ence)?\b",
            r"\bif (?:at all )?possible\b|\bideally\b|\bfavou?rite\b|\b(?:happy|fine|ok|okay) with\b",
            r"\bif there (?:is|are) (?:a choice|several|multiple|more than one)\b",
            r"\bwould be (?:nice|nicer|welcome|great|better|good|ideal)\b",
        ),
    ),
    (
        Category.POLICY,
        (
            r"^(?:(?:even )?if|whenever|should|unless|until|in case|as soon as|halfway|in the middle)\b",
            r"^(?:every|each|the first) time\b",
            r"^(?:when|once|after(?! that)|before|as long as)\b(?!.*\b(?:had|were|was)\b)",
        ),
    ),
    (
        Category.REQUIREMENT,
        (rf"^{THING}\s+(?:must|ha(?:s|ve) to|should|needs? to|(?:is|are) to|may (?:not )?cost)\b",),
    ),
    (
        Category.POLICY,
        (
            rf"^{_LEAD}(?:always|only|{_NOT})\b",
            rf"^(?:{YOU} )?{_LEAD}(?:{_BEHAVE})s?\b",
            rf"^{YOU} (?:never|always)\b(?! \w+ed\b)|\b(?:and|but) never \w+(?<!ed)\b",
            r"\b(?:only|not) (?:if|when|after|once|until|before)\b|\bif and only if\b",
            rf"{_UNWISHED}\b(?:until|before) (?:the agent|you|he|she|they)\b",
            rf"{_UNWISHED}\b(?:reactive|persistent|insistent)\b",
            rf"\b{_MESSAGE}\b|\byour messages\b|\bone (?:thing|question) at a time\b|\bemojis?\b",
        ),
    ),
    (Category.OBJECTIVE, (rf"^{YOU} also {_WISH}\b",)),
    (
        Category.REQUIREMENT,
        (
            rf"^(?!{YOU}\b).{{1,60}}?\b(?:must|ha(?:s|ve) to)\b",
            r"^make sure\b|^(?:at (?:most|least)|no)\b",
            rf"^{YOU} (?:must|ha(?:s|ve) to|may|needs? at least|can (?:only )?pay)\b",
            rf"^{YOU} (?:are|am|is) (?:only )?willing to pay\b",
            rf"^{YOU} (?:do not|don['’]t|does not|doesn['’]t|only) (?:want|need|accept)s?\b",
        ),
    ),
    (
        Category.OBJECTIVE,
        (
            rf"^(?:[^,;]{{0,40}},? )?{YOU} {_LEAD}{_WISH}\b",
            rf"^{YOU} (?:are|am|is) (?:looking|calling|writing|contacting|trying)\b",
            rf"^{_LEAD}(?:{_DO})\b|^{_LEAD}{YOU}(?: would|['’]d) like to (?:{_DO})\b",
        ),
    ),
    (Category.PREFERENCE, (r"\b(?:would|['’]d) (?:like|love|enjoy|welcome)\b",)),
)
"""Tried in this order; the first pattern found in a clause gives its category."""

PATTERNS = tuple((category, re.compile("|".join(cues), re.IGNORECASE)) for category, cues in _CUES)

_FIND_OUT = re.compile(
    rf"^{_LEAD}(?:{YOU} {_LEAD}(?:{_WISH} to|must|ha(?:s|ve) to) )?(?:find out|learn|know|hear|be told)\b",
    re.IGNORECASE,
)
_NEW_TOPIC = re.compile(
    rf"^(?:(?:and|finally|besides|last(?:ly)?),? {YOU}|{YOU} also) wants?\b", re.IGNORECASE
)
_MEANS = re.compile(rf"^{YOU} wants? to (?:use|pay|fly|sit)\b", re.IGNORECASE)
_SOFT_WISH = re.compile(rf"^{YOU}(?: would|['’]d) like\b", re.IGNORECASE)
_ABOUT_THE_MATTER = re.compile(rf"^(?!{YOU}\b)(?:the|it|they|there)\b(?!.*\byour?\b)", re.IGNORECASE)


def category_of(clause: str, has_objective: bool) -> Category:
    """The category that a clause's words speak for; a clause without a cue states a fact.

    Once there is an objective, a fact to find out, a means and a statement about the matter belong to it.
    """
    if _FIND_OUT.match(clause):
        return Category.REQUIREMENT if has_objective and not _NEW_TOPIC.match(clause) else Category.OBJECTIVE
    found = next((category for category, pattern in PATTERNS if pattern.search(clause)), None)
    if not has_objective:
        return found or Category.PROFILE
    if found is Category.OBJECTIVE and _MEANS.match(clause):
        return Category.REQUIREMENT
    if found is Category.OBJECTIVE and _SOFT_WISH.match(clause):
        return Category.PREFERENCE
    if found is None and _ABOUT_THE_MATTER.match(clause):
        return Category.REQUIREMENT
    return found or Category.PROFILE

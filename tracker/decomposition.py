"""Splits a goal that is free text into components.

Knows English cue words, and the JSON in which people write goals down. Knows nothing about conversations and
models. The split here is by rule, a stopgap behind the ``Decomposer`` interface: it copies the text's own
clauses (``tracker.clauses``), so it never invents a component, but it cannot tell a telling fact from a
passing one, and it leaves details where they stand ("a later flight on the same day" stays one objective).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue, ValidationError

from tracker.clauses import THING, YOU, clauses
from tracker.errors import InputError
from tracker.goal import Category, Component, Goal
from tracker.source import parse, read_text
from tracker.validation import input_error

# --- the doors ----------------------------------------------------------------------------------------------


class Decomposer(Protocol):
    """Whatever turns the text of a goal into its components."""

    def decompose(self, text: str) -> Goal:
        """Split a goal's text; the result's ``text`` is the text that was given."""
        ...


class RuleDecomposer:
    """Splits at sentences and clauses and reads each one's category off its words.

    A text that is not blank gives at least one component. Requirements and preferences belong to the
    objective named last before them, or to the first one where none comes before.
    """

    def decompose(self, text: str) -> Goal:
        drafts: list[tuple[Category, str]] = []
        has_objective = False
        for clause in clauses(text):
            category = _category(clause, has_objective)
            has_objective = has_objective or category is Category.OBJECTIVE
            drafts.append((category, clause))
        return Goal(text=text, components=tuple(_numbered(drafts)))


def decompose(text: str) -> Goal:
    """Split a goal's text into components by rule; see :class:`RuleDecomposer`."""
    return RuleDecomposer().decompose(text)


def read_goal(path: Path, *, decomposer: Decomposer | None = None) -> Goal:
    """Read a goal from a file: JSON with ``text`` and ``components``, or free text, which is split.

    A whole native conversation will do as well: its ``goal`` is taken. Raises ``InputError`` when the file
    cannot be read or its JSON is no goal.
    """
    decomposer = decomposer or RuleDecomposer()
    text = read_text(path)
    if not text.lstrip().startswith("{"):
        return decomposer.decompose(text.strip())
    value = parse(text, path)
    try:
        if isinstance(value, dict) and "goal" in value:
            return goal_from_json(value["goal"], within="goal", decomposer=decomposer)
        return goal_from_json(value, within="", decomposer=decomposer)
    except InputError as error:
        raise error.at(source=path) from None


def goal_from_json(value: JsonValue, *, within: str, decomposer: Decomposer) -> Goal:
    """Make a goal of its JSON: an object with components, or only a text, which is split.

    ``within`` is the path of the value in its file. Raises ``InputError`` when the value is no goal.
    """
    text = value.get("text") if isinstance(value, dict) and value.keys() == {"text"} else value
    try:
        if isinstance(text, str) and text.strip():
            return decomposer.decompose(text)
        return Goal.model_validate(value)
    except ValidationError as error:
        raise input_error(error, within=within) from None


# --- the cues -----------------------------------------------------------------------------------------------

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

_PATTERNS = tuple((category, re.compile("|".join(cues), re.IGNORECASE)) for category, cues in _CUES)

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


def _category(clause: str, has_objective: bool) -> Category:
    """The category that a clause's words speak for; a clause without a cue states a fact.

    Once there is an objective, a fact to find out, a means and a statement about the matter belong to it.
    """
    if _FIND_OUT.match(clause):
        return Category.REQUIREMENT if has_objective and not _NEW_TOPIC.match(clause) else Category.OBJECTIVE
    found = next((category for category, pattern in _PATTERNS if pattern.search(clause)), None)
    if not has_objective:
        return found or Category.PROFILE
    if found is Category.OBJECTIVE and _MEANS.match(clause):
        return Category.REQUIREMENT
    if found is Category.OBJECTIVE and _SOFT_WISH.match(clause):
        return Category.PREFERENCE
    if found is None and _ABOUT_THE_MATTER.match(clause):
        return Category.REQUIREMENT
    return found or Category.PROFILE


def _numbered(drafts: Sequence[tuple[Category, str]]) -> Iterator[Component]:
    """Give components their ids (``policy-1``, ...) and their objectives."""
    has_objective = any(category is Category.OBJECTIVE for category, _ in drafts)
    counts: Counter[Category] = Counter()
    for category, text in drafts:
        counts[category] += 1
        owned = has_objective and category in (Category.REQUIREMENT, Category.PREFERENCE)
        objective = f"{Category.OBJECTIVE}-{max(counts[Category.OBJECTIVE], 1)}" if owned else None
        yield Component(
            id=f"{category}-{counts[category]}", category=category, text=text, objective=objective
        )

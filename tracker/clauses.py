"""Cuts English prose into clauses, each a sentence that can stand alone.

Knows sentence ends, abbreviations and where a clause with its own subject begins. Knows nothing about goals.
It copies words and never rewrites them; the only words it adds are the subject and modal verb that a clause
shared with the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "approx"})
"""Words whose full stop does not end a sentence, whatever follows."""

_OPENERS = re.compile(
    r"(?:you|your|if|when|the|it|they|there|do|don['’]t|never|always|ask|before|after|once|tell|say|and|but|also)\b",
    re.IGNORECASE,
)
"""Words that begin sentences and are no surnames: ``"section A. You"`` against ``"J. Smith"``."""

_SENTENCE_END = re.compile(r"(?<![.!?])[.!?]++[\"'”’)\]]*(?=\s)")
BULLET = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,2}[.)])\s+")
"""How a point of a list begins."""
_CLOSED = re.compile(r"[.!?:;][\"'”’)\]]*$")

_WRAPPED = 50
"""A line of so many characters was probably broken by an editor and not by its writer."""

_MODAL = r"(?:must|ha(?:s|ve) to|should|needs? to|(?:is|are) to|may|can(?:not|'t)?|will|would)"
YOU = r"(?:you|i|we|the\s+(?:user|customer))"
"""A pattern of what a goal calls the user."""

THING = (
    r"(?:it|they|he|she|this|that|there|nothing|everything|payment|nobody"
    r"|(?:the|your|its|their|all|both|each|every|no|an?|one)(?:\s+[\w'’-]+){1,6}?)"
)
"""A pattern of other subjects."""

_NEW_SUBJECT = rf"(?:{YOU}\s+\w|{THING}\s+{_MODAL}\b)"
_FORBIDS = r"(?:do\s+not|don['’]t|never)\s"
_ASKS = r"(?:find\s+out|get\s+an?\s+(?:[\w-]+\s+)?(?:reference|number|confirmation|receipt))\b"
_CLAUSE_END = re.compile(
    rf"\s*;\s*(?:(?:and|but|so)\s+)?"
    rf"|\s*[,:–—]\s+(?:(?:and|but)\s+)?(?={_NEW_SUBJECT})"
    rf"|\s+(?:and|but)\s+(?={_NEW_SUBJECT})"
    rf"|,?\s+so\s+(?={YOU}\s+(?:also\s+)?(?:want|need)s?\b)"
    rf"|,?\s+and\s+(?={_ASKS})"
    rf"|(?:,?\s+(?:but|so)|,\s+and)\s+(?={_FORBIDS})",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(
    r"(?:(?:even )?if|when|whenever|should|once|unless|until|after|before|while|since|because|although|as"
    r"|in case|for|instead|the first time|every time|in the middle|halfway|to)\b",
    re.IGNORECASE,
)
_AFTER_MAIN = re.compile(r"\s*(?:;|,\s*(?:and|but|so)\b)", re.IGNORECASE)
"""A break that can only come after a main clause, however the sentence began."""

_SUBJECT = re.compile(rf"{YOU}\b", re.IGNORECASE)
_SAME_SUBJECT = re.compile(
    r",?\s+(?:and|but)\s+(?=(?:also\s+)?(?:wants?|wish(?:es)?|needs?|prefers?|would\s+(?:like|rather))\b"
    r"|to\s+(?:know|learn|find\s+out)\b)",
    re.IGNORECASE,
)
_SHARED_MODAL = re.compile(
    rf"(?P<head>(?:{YOU}|{THING})\s+(?:must|ha(?:s|ve) to|should|needs? to))\s+(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
PREDICATE = re.compile(
    r"(?:not\s+)?(?:be|come|cost|have|pay|include|last|start|begin|go|leave|arrive|bring|bind|take|run|show|stay"
    r"|carry|cover|fit|end|contain|serve|depart|accept|allow|name|face|give|reach|apply|fall|hold|weigh)\b"
)
_LIST_BREAK = re.compile(r"\s*,\s+(?:and\s+)?|\s+and\s+")
_CLOSED = re.compile(r"[.!?][\"'”’)\]]*$")


def clauses(text: str) -> Iterator[str]:
    """Yield the clauses of a text in order; at least one unless the text is blank.

    ``"It must be red and cost at most 5."`` gives ``"It must be red."`` and ``"It must cost at most 5."``
    """
    for sentence in sentences(text):
        for part in _parts(sentence):
            for clause in _spread(part):
                yield as_sentence(clause)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text in order, their white space evened out."""
    for paragraph in _paragraphs(text):
        yield from _sentences(paragraph)


def _paragraphs(text: str) -> Iterator[str]:
    """Join lines that an editor wrapped; blank lines, bullets and short lines end a paragraph."""
    paragraph = last = ""
    listed = False
    for raw in text.splitlines():
        line = " ".join(raw.split())
        runs_on = line[:1].islower() or len(last) >= _WRAPPED
        # "… costs no more than" and "90. It must …" are one line that an editor broke; a list goes on.
        goes_on = line[:1].isdigit() and len(last) >= _WRAPPED and not listed and not _CLOSED.search(last)
        bullet = BULLET.match(line) is not None and not goes_on
        if not last or not line or bullet or not runs_on:
            listed = bullet
            yield paragraph
            paragraph = BULLET.sub("", line)
        else:
            paragraph += f" {line}"
        last = line
    yield paragraph


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE_END.finditer(text):
        before, after = text[max(start, end.start() - 30) : end.start()], text[end.end() : end.end() + 30]
        if end[0] == "." and _is_abbreviation(before, after):
            continue
        yield from _unless_blank(text[start : end.end()])
        start = end.end()
    yield from _unless_blank(text[start:])


def _unless_blank(sentence: str) -> Iterator[str]:
    if stripped := sentence.strip():
        yield stripped


def _is_abbreviation(before: str, after: str) -> bool:
    """Whether the full stop between two texts belongs to the word before it: ``Mr``, ``No``, an initial."""
    last = before.split()[-1].lstrip("(\"'“‘") if before.split() else ""
    following = after.split()[0].rstrip(",") if after.split() else ""
    if last.lower() in ("no", "nr"):
        return following[:1].isdigit()
    if last.lower() in ("a.m", "p.m", "etc"):
        return following[:1].islower() or following[:1].isdigit()
    if len(last) == 1 and last.isupper() and last != "I":
        return following[:1].isupper() and not _OPENERS.match(following)
    return last.lower() in _ABBREVIATIONS


def _parts(sentence: str) -> Iterator[str]:
    """Cut a sentence where a new clause with its own subject begins."""
    start = 0
    for end in _CLAUSE_END.finditer(sentence):
        piece = sentence[start : end.start()]
        # In "If X, you do Y" the first clause says nothing alone, so what follows it stays with it.
        waits = _SUBORDINATE.match(piece) is not None and "," not in piece and not _AFTER_MAIN.match(end[0])
        if waits or len(piece.split()) < 2:
            continue
        yield from _same_subject(piece)
        start = end.end()
    if rest := sentence[start:].strip():
        yield from _same_subject(rest)


def _same_subject(clause: str) -> Iterator[str]:
    """Cut ``"You lead a choir and want a hall"`` in two and give the second its subject."""
    subject = _SUBJECT.match(clause)
    if subject is None:
        yield clause
        return
    first, *rest = _SAME_SUBJECT.split(clause)
    yield first
    wants = "wants" if subject[0].lower().startswith("the") else "want"
    for part in rest:
        yield f"{subject[0]} {wants} {part}" if part.lower().startswith("to ") else f"{subject[0]} {part}"


def _spread(clause: str) -> Iterator[str]:
    """Give each of several predicates behind one modal verb a sentence of its own."""
    shared = _SHARED_MODAL.match(clause)
    if shared is None:
        yield clause
        return
    head, rest, start = shared["head"], shared["rest"], 0
    for gap in _LIST_BREAK.finditer(rest):
        if gap.start() > start and PREDICATE.match(rest, gap.end()):
            yield f"{head} {rest[start : gap.start()]}"
            start = gap.end()
    yield f"{head} {rest[start:]}"


def as_sentence(clause: str) -> str:
    """A clause with a capital letter at its start and a stop at its end."""
    clause = " ".join(clause.split())
    clause = clause.strip(" ,;:") or clause
    clause = clause[:1].upper() + clause[1:]
    return clause if _CLOSED.search(clause) else f"{clause}."

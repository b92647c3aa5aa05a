"""Features of how the two sides speak: cues and signs of each text, and what has come up of them so far.

Knows cues (thanks, refusals, offers, ...) and the conduct that a component asks for. Knows nothing about what
a component and a turn have in common in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tracker.goal import Component
from tracker.lexical.seen import Seen
from tracker.lexical.text import CUES, SIGNS, Text

_NO_ACTS = "perfect please calm brevity self condition order every speech finding limit".split()
"""The cues that are nothing a speaker does or speaks of, which a rule could ask for or wait for."""
_ACTS = frozenset(CUES) - frozenset(_NO_ACTS)
_TOLD_OF_REPLIES = ("refusal", "trouble", "done", "offer", "asking", "limit")
_TOLD_OF_MESSAGES = (
    "thanks",
    "please",
    "sorry",
    "agreement",
    "wish",
    "asking",
    "negation",
    "anger",
    "cheer",
    "giving up",
)
_NEGATION = re.compile(
    r"\b(?:never|don['’]t|do not|not|no|without|avoid|refuse|keep .{0,40}(?:to yourself|out of)|hold back"
    r"|leave .{0,30}(?:aside|out)|nothing|neither|unless|only)\b",
    re.I,
)
_ORDER = re.compile(r"\b(?:before|until)\b(.*)$", re.I | re.S)
_NO_ORDER = -1.0


def manner(seen: Seen, component: Component) -> Iterator[tuple[str, float]]:
    """The cues and signs of every text of the turn."""
    for name, text in (
        ("component", seen.text(component)),
        ("message", seen.message),
        ("reply", seen.reply),
        ("last reply", seen.last_reply),
    ):
        yield from zip((f"{sign} of {name}" for sign in SIGNS), text.signs, strict=True)
        yield from zip((f"{cue} in {name}" for cue in CUES), text.cues, strict=True)


def so_far(seen: Seen) -> Iterator[tuple[str, float]]:
    """In how many messages and replies a cue was found, and how long they were."""
    for name, texts, cues in (
        ("messages", seen.messages, _TOLD_OF_MESSAGES),
        ("replies", seen.replies[1:], _TOLD_OF_REPLIES),
    ):
        found = [_acts(text, frozenset(CUES)) for text in texts]
        for cue in cues:
            yield f"{name} with {cue}", sum(cue in one for one in found)
        yield f"{name} with a question", sum("?" in text.text for text in texts)
        yield f"words of all {name}", sum(len(text.tokens) for text in texts)
    mean = sum(len(text.tokens) for text in seen.messages) / len(seen.messages)
    yield "words of a message, mean", mean
    yield "words of message over the mean", len(seen.message.tokens) / max(1.0, mean)


def acts(seen: Seen, component: Component) -> Iterator[tuple[str, float]]:
    """Whether what a rule asks for, or is bound to, was done: by the kind of act, not by its words."""
    condition, deed = seen.clauses[component.id]
    now = (("message", [seen.message]), ("reply", [seen.reply]), ("last reply", [seen.last_reply]))
    for part, clause, texts in (
        ("deed", deed, (*now, ("an earlier message", seen.messages[:-1]))),
        ("condition", condition, (*now, ("an earlier reply", seen.replies[:-1]))),
    ):
        own = _acts(clause)
        for name, several in texts:
            done = frozenset[str]().union(*map(_acts, several))
            yield f"{part}'s acts in {name}", len(own & done)
            yield f"{part}'s acts not in {name}", len(own - done)
    negation = _NEGATION.search(deed.text)
    yield "deed is ruled out", bool(negation)
    yield "where deed is ruled out", negation.start() / len(deed.text) if negation else 1.0
    yield (
        "deed begins with a no",
        deed.tokens[:1] in {(word,) for word in ("never", "don't", "do", "no", "not")},
    )


def order(seen: Seen, component: Component) -> Iterator[tuple[str, float]]:
    """What has come of a rule of the form "this before that"."""
    text = seen.text(component).text
    found = _ORDER.search(text)
    this = Text(text[: found.start()]) if found else Text("")
    that = Text(found[1]) if found else Text("")
    for name, part, words in (
        ("this said before", this, seen.said),
        ("this heard before", this, seen.heard),
        ("this in message", this, seen.message.words),
        ("that in message", that, seen.message.words - this.words),
        ("that said before", that, seen.said - this.words),
        ("that in last reply", that, seen.last_reply.words - this.words),
    ):
        yield name, seen.share_of(part, words) if found else _NO_ORDER


def _acts(text: Text, among: frozenset[str] = _ACTS) -> frozenset[str]:
    return frozenset(cue for cue, count in zip(CUES, text.cues, strict=True) if count and cue in among)


def presence(text: Text, words: Sequence[str]) -> Iterator[float]:
    """1 for each of the words that the text has, 0 for each that it has not."""
    return (float(word in text.words) for word in words)

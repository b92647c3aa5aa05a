"""What the model sees of a place between two pieces, and of a run of pieces.

Knows words, cue words (``tracker.cues``) and where they stand. Knows nothing about weights.

A feature is a short string, and a place or run either has it or not. Whoever the goal speaks of ("I", "the
user") is read as "you", a number as ``<0>``, a code as ``<0a>`` and a name as ``<name>``, so that what was
learnt in one field of life holds in another.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType

from tracker.clauses import YOU, as_sentence
from tracker.cues import PATTERNS, category_of
from tracker.goal import Category
from tracker.splitter.pieces import Pieces, Sentence

_ALIASES = MappingProxyType(
    {
        **dict.fromkeys(("i", "we", "me", "us", "user", "customer"), "you"),
        **dict.fromkeys(("my", "our"), "your"),
        **{f"{verb}s": verb for verb in ("want", "need", "prefer", "like")},
        "wishes": "wish",
        "am": "are",
    }
)
_PLURALS = MappingProxyType({"is": "are", "has": "have", "was": "were", "does": "do", "their": "your"})
"""What "the user" is told with, as it reads where the goal says "you"."""
_SKIPPED = "<skipped>"
"""The second word of "the user"."""
_MODALS = frozenset("must should has have may can will would need cannot might ought".split())
_WISHES = frozenset("want need like wish looking rather prefer".split())
_PRONOUNS = frozenset("it them this that these those its one there".split())
_LITTLE = frozenset(
    "a an the of to in on at by for with from as and or but so you your are is was were be been have "
    "has had it its that this not no do does did will would can could may must should if when than".split()
)
_JOINS = frozenset("and but so or also then".split())

_CONJUNCTION = re.compile(r"^(?:and|but|so|or)\s+", re.IGNORECASE)
_CONDITION = re.compile(r"(?:if|when|whenever|before|after|until|unless|once|should|as)\b", re.IGNORECASE)
_SUBJECT = re.compile(YOU, re.IGNORECASE)


class Featuriser:
    """The features of one cut text; all lists may hold a feature twice."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._words = [_normalised(sentence) for sentence in pieces.sentences]
        self._starts = [[word for word in row if word != _SKIPPED][:3] for row in self._words]

    def place(self, piece: int) -> list[str]:
        """The features of the place before a piece, which is not the first one."""
        before, behind = self._pieces.pieces[piece - 1], self._pieces.pieces[piece]
        words = self._words[behind.sentence]
        if before.sentence != behind.sentence:
            return self._between_sentences(before.sentence, behind.sentence)
        start = behind.start
        sign = words[start - 1] if not _is_word(words[start - 1]) else "_"

        def at(position: int) -> str:
            return words[position] if 0 <= position < len(words) else "<end>"

        left, right = words[before.start : start], words[start : behind.stop]
        opening = self._starts[behind.sentence]
        first, first_two = opening[0], " ".join(opening[:2])
        sentence = self._pieces.sentences[behind.sentence]
        head = sentence.text[: sentence.tokens[start - 1].end]
        rest = _CONJUNCTION.sub("", sentence.text[sentence.tokens[start].start :])
        conditional = bool(_CONDITION.match(head))
        modal = bool(_MODALS.intersection(right))
        head_cue, rest_cue = category_of(head, True), category_of(rest, True)
        return [
            "inside",
            f"sign {sign}",
            f"at {at(start)}",
            f"at {at(start)} {at(start + 1)}",
            f"at {at(start)} {at(start + 1)} {at(start + 2)}",
            f"sign+at {sign} {at(start)}",
            f"sign+at {sign} {at(start)} {at(start + 1)}",
            f"before {at(start - 1 if sign == '_' else start - 2)}",
            f"second {at(start + 1)}",
            f"second {at(start + 1)} {at(start + 2)}",
            *(f"right {word}" for word in right),
            *(f"left {word}" for word in left),
            f"left {left[0]} {' '.join(left[1:2])}",
            f"left {' '.join(left[:3])}",
            f"sentence {first}",
            f"sentence {first_two}",
            f"sentence {' '.join(opening)}",
            f"sentence+at {first} | {at(start)}",
            f"sentence+at {first_two} | {at(start)}",
            f"sentence+sign {first_two} | {sign}",
            f"subject {bool(_SUBJECT.match(rest))}",
            f"modal {modal}",
            f"sign+modal {sign} {modal}",
            f"cue {rest_cue}",
            f"head cue {head_cue}",
            f"cues {head_cue} {rest_cue}",
            f"length {min(len(right), 8)}",
            f"left length {min(len(left), 8)}",
            f"sign+length {sign} {min(len(right), 6)}",
            f"first sentence {behind.sentence == 0}",
            f"conditional {conditional}",
            f"sign+conditional {sign} {conditional}",
        ]

    def run(self, first: int, stop: int) -> list[str]:
        """The features of the pieces from ``first`` up to ``stop`` as one component, or as none."""
        runs = self._pieces.runs(first, stop)
        (opening, start, _), (closing, _, end) = runs[0], runs[-1]
        words = [word for number, a, b in runs for word in self._words[number][a:b] if _is_word(word)] or [
            "-"
        ]
        core = words
        while len(core) > 1 and core[0] in _JOINS:
            core = core[1:]
        wished = self._wished_before(opening, start)
        text = as_sentence(_CONJUNCTION.sub("", self._pieces.text(first, stop)))
        cue = category_of(text, wished)
        hits = [str(number) for number, (_, pattern) in enumerate(PATTERNS) if pattern.search(text)]
        sentence, after = self._words[opening], self._words[closing]
        starts = self._starts[opening]
        whole = start == 0 and end == len(after) and len(runs) == 1
        features = [
            "run",
            *(f"word {word}" for word in words),
            *(f"pair {a} {b}" for a, b in pairwise(words)),
            *(f"first {' '.join(core[:length])}" for length in range(1, 5)),
            f"raw first {words[0]}",
            f"last {words[-1]}",
            f"last {' '.join(words[-2:])}",
            *(f"sentence {' '.join(starts[:length])}" for length in range(1, 4)),
            f"ends {end == len(after)}",
            f"whole {whole}",
            f"sentences {len(runs)}",
            f"length {min(len(words), 15)}",
            f"pieces {min(stop - first, 5)}",
            f"cue {cue}",
            f"cue+wished {cue} {wished}",
            f"wished {wished}",
            f"wished+first {wished} {core[0]}",
            *(f"hit {hit}" for hit in hits),
            f"hits {','.join(hits)}",
            f"position {min(opening, 4)}",
            f"last sentence {closing == len(self._words) - 1}",
        ]
        if start:
            head = self._pieces.sentences[opening]
            features += [
                "middle",
                *(f"middle {' '.join(core[:length])}" for length in (1, 2)),
                f"previous {sentence[start - 1]}",
                f"previous {' '.join(sentence[max(0, start - 2) : start])}",
                f"middle of {' '.join(starts[:2])}",
                f"middle of {' '.join(starts[:2])} | {core[0]}",
                f"middle after {category_of(head.text[: head.tokens[start - 1].end], True)}",
            ]
        else:
            features.append(f"start {core[0]}")
        if end < len(after):
            features += [f"next {after[end]}", f"next {' '.join(after[end : end + 2])}"]
        if closing + 1 < len(self._words):
            features += [
                f"next sentence {' '.join(self._starts[closing + 1][:2])}",
                f"next cue {self._cues[closing + 1]}",
            ]
        if opening:
            features += [
                f"sentence before {' '.join(self._starts[opening - 1][:2])}",
                f"cue before {self._cues[opening - 1]}",
                f"cues {self._cues[opening - 1]} {cue}",
            ]
        return features + self._context(opening, closing, end, frozenset(words), wished)

    def _between_sentences(self, before: int, behind: int) -> list[str]:
        words = self._words[behind]
        return [
            "between",
            *(f"between {' '.join(self._starts[behind][:length])}" for length in range(1, 4)),
            f"between after {' '.join(self._starts[before][:2])}",
            f"between cue before {self._cues[before]}",
            f"between cue {self._cues[behind]}",
            f"between cues {self._cues[before]} {self._cues[behind]}",
            *(f"between word {word}" for word in words),
        ]

    def _context(
        self, opening: int, closing: int, end: int, words: frozenset[str], wished: bool
    ) -> list[str]:
        """How a run hangs together with the next wish behind it: a fact that a wish repeats says little."""
        ahead = [*self._words[closing][end:], *(w for row in self._words[closing + 1 :] for w in row)]
        wish = next((position for position, word in enumerate(ahead) if word in _WISHES), None)
        tail = [] if wish is None else ahead[wish : wish + 25]
        telling = {word for word in words if word not in _LITTLE and len(word) > 2 and word[0] != "<"}
        shared, again = len(telling.intersection(tail)), len(telling.intersection(ahead))
        pronoun = next((word for word in tail[:10] if word in _PRONOUNS), "-")
        coded = "<0a>" in words
        if wish is None:
            distance = "none"
        elif wish <= 3:
            distance = "at once"
        else:
            left = len(self._words[closing]) - end
            near = closing + 1 < len(self._words) and wish < left + len(self._words[closing + 1])
            distance = "near" if near else "far"
        features = [
            f"shared {min(shared, 3)}",
            f"again {min(again, 3)}",
            f"pronoun {pronoun}",
            f"distance {distance}",
            f"shared+distance {min(shared, 2)} {distance} {pronoun != '-'}",
            f"wished+distance {wished} {distance}",
            f"coded {coded}",
            f"points {bool(words & _PRONOUNS)}",
        ]
        if not wished:
            facts = min(self._first_wish, 4)
            gap = min(self._first_wish - opening, 3)
            features += [
                f"facts {facts}",
                f"fact {min(opening, 4)} of {facts}",
                f"gap {gap} {min(shared, 2)} {coded}",
                f"gap {gap} {pronoun != '-'}",
            ]
        return features

    def _wished_before(self, sentence: int, start: int) -> bool:
        rows = [*self._words[:sentence], self._words[sentence][:start]]
        return any(word in _WISHES for row in rows for word in row)

    @cached_property
    def _cues(self) -> list[Category]:
        return [category_of(sentence.text, False) for sentence in self._pieces.sentences]

    @cached_property
    def _first_wish(self) -> int:
        """The first sentence with a wish in it."""
        found = (n for n, row in enumerate(self._words) if not {"want", "need", "like"}.isdisjoint(row))
        return next(found, len(self._words))


def _normalised(sentence: Sentence) -> list[str]:
    words = [_word(token.text, position) for position, token in enumerate(sentence.tokens)]
    third_person = False
    for position in range(1, len(words)):
        if words[position - 1] == "the" and sentence.tokens[position].text.lower() in ("user", "customer"):
            words[position - 1 : position + 1] = ["you", _SKIPPED]
            third_person = True
    return [_PLURALS.get(word, word) for word in words] if third_person else words


def _word(text: str, position: int) -> str:
    word = text.lower().replace("’", "'")
    if any(letter.isdigit() for letter in word):
        return "<0>" if word.isdigit() else "<0a>"
    if position and text[0].isupper() and text != "I":
        return "<name>"
    return _ALIASES.get(word, word)


def _is_word(word: str) -> bool:
    return word != _SKIPPED and (word[0].isalnum() or word[0] == "<")

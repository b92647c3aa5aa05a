"""Cuts a goal's text into pieces so small that every component is a run of them.

Knows sentence ends (``tracker.clauses``), punctuation and the words before which a new thought may begin.
Decides nothing: which pieces belong together is for the model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from tracker.clauses import sentences

_TOKEN = re.compile(r"[^\W_]+(?:['’.,:@/&#_-]+[^\W_]+)*|\S")
_OPENERS = frozenset(
    "and but so or because since although though while if when whenever unless until before after once "
    "which who whose where with without for starting beginning leaving including instead plus costing".split()
)
_SIGNS = frozenset(",;:–—(")


@dataclass(frozen=True)
class Token:
    """A word or a sign of a sentence, and where it stands in it."""

    text: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        return self.text[0].isalnum()


@dataclass(frozen=True)
class Sentence:
    """A sentence of a goal, its white space evened out."""

    text: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Piece:
    """Consecutive tokens of a sentence, from ``start`` up to ``stop``."""

    sentence: int
    start: int
    stop: int


@dataclass(frozen=True)
class Pieces:
    """A goal's text, cut."""

    sentences: tuple[Sentence, ...]
    pieces: tuple[Piece, ...]

    def __len__(self) -> int:
        return len(self.pieces)

    def text(self, first: int, stop: int) -> str:
        """The words of the pieces from ``first`` up to ``stop``, as they stand in the text."""
        parts: list[str] = []
        for number, start, end in self.runs(first, stop):
            sentence = self.sentences[number]
            parts.append(sentence.text[sentence.tokens[start].start : sentence.tokens[end - 1].end])
        return " ".join(parts)

    def runs(self, first: int, stop: int) -> list[tuple[int, int, int]]:
        """The same as ``(sentence, first token, last token + 1)``, one a sentence."""
        runs: list[tuple[int, int, int]] = []
        for piece in self.pieces[first:stop]:
            if runs and runs[-1][0] == piece.sentence:
                runs[-1] = (piece.sentence, runs[-1][1], piece.stop)
            else:
                runs.append((piece.sentence, piece.start, piece.stop))
        return runs


def cut(text: str) -> Pieces:
    """Cut a goal's text; no pieces where it is blank."""
    read = tuple(
        Sentence(sentence, tuple(Token(t[0], t.start(), t.end()) for t in _TOKEN.finditer(sentence)))
        for sentence in sentences(text)
    )
    pieces: list[Piece] = []
    for number, sentence in enumerate(read):
        cuts = [*_cuts(sentence.tokens), len(sentence.tokens)]
        pieces += (Piece(number, start, stop) for start, stop in pairwise(cuts))
    return Pieces(read, tuple(pieces))


def _cuts(tokens: tuple[Token, ...]) -> list[int]:
    """The tokens before which a sentence may be cut; each piece has a word that says something."""
    cuts = [0]
    for position in range(1, len(tokens)):
        token = tokens[position]
        begins = token.text.lower() in _OPENERS or tokens[position - 1].text in _SIGNS
        # "and if", ", but with": one place, not two.
        since = [t for t in tokens[cuts[-1] : position] if t.is_word and t.text.lower() not in _OPENERS]
        if begins and token.is_word and since:
            cuts.append(position)
    return cuts

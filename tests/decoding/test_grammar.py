"""The grammar over small vocabularies: what is forced, what is decided, and that nothing else comes out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from outlines_core import Index
from outlines_core import Vocabulary as GuideVocabulary

from tracker.errors import ModelError
from tracker.goal import STATUSES, Category, Status, is_final, reachable
from tracker.grammar import Grammars, StatusGrammar


class Letters:
    """A vocabulary of single letters, and some longer pieces."""

    def __init__(self, *longer: str) -> None:
        letters = [chr(code) for code in range(32, 127)]
        self.pieces = tuple(piece.encode() for piece in [*letters, *longer])
        self.end = len(self.pieces)

    def __len__(self) -> int:
        return self.end + 1

    def token(self, piece: str) -> int:
        return self.pieces.index(piece.encode())


def kinds():
    return [(c, s) for c in Category for s in STATUSES[c] if not is_final(c, s)]


@pytest.mark.parametrize(("category", "previous"), kinds())
def test_only_what_can_follow_is_an_answer(category, previous):
    grammar = Grammars(Letters())(category, previous)
    assert grammar.statuses == reachable(category, previous)
    assert [json.loads(answer) for answer in grammar.answers.values()] == [
        {"status": str(status)} for status in reachable(category, previous)
    ]
    with pytest.raises(ModelError):
        grammar.status_of('{"status":"FINE"}')


def test_what_is_forced_is_read_in_the_longest_tokens():
    vocabulary = Letters('{"', "status", '":"')
    grammar = Grammars(vocabulary)(Category.POLICY, Status.ALIGNED)
    assert [vocabulary.pieces[token] for token in grammar.forced_tokens] == [b'{"', b"status", b'":"']


def test_the_probability_of_a_status_is_that_of_all_tokens_that_lead_to_it():
    vocabulary = Letters("ALI", "MIS", "XYZ")
    grammar = Grammars(vocabulary)(Category.POLICY, Status.ALIGNED)
    logits = np.full(len(vocabulary), -50.0, dtype=np.float32)
    for piece, weight in (("A", 1.0), ("ALI", 2.0), ("MIS", 1.0), ("XYZ", 1000.0)):
        logits[vocabulary.token(piece)] = np.log(weight)
    assert grammar.probabilities([logits]) == pytest.approx({Status.ALIGNED: 0.75, Status.MISALIGNED: 0.25})


def test_statuses_that_share_a_token_are_told_apart_behind_it():
    vocabulary = Letters()
    shown = (Status.ALIGNED, Status.ATTEMPTED, Status.COMPLETE)
    answers = {status: f'{{"status":"{status}"}}' for status in shown}
    ids = {piece: [token] for token, piece in enumerate(vocabulary.pieces)}
    index = Index(r'\{"status":"(ALIGNED|ATTEMPTED|COMPLETE)"\}', GuideVocabulary(vocabulary.end, ids))
    grammar = StatusGrammar({}, answers, index, dict(enumerate(vocabulary.pieces)))
    assert len(grammar.places) == 2
    first, second = (np.zeros(len(vocabulary), dtype=np.float32) for _ in range(2))
    second[vocabulary.token("L")], second[vocabulary.token("T")] = np.log(3), 0.0
    expected = {Status.ALIGNED: 0.375, Status.ATTEMPTED: 0.125, Status.COMPLETE: 0.5}
    assert grammar.probabilities([first, second]) == pytest.approx(expected)


def test_a_vocabulary_that_cannot_write_an_answer_is_refused():
    class NoBraces(Letters):
        def __init__(self) -> None:
            super().__init__()
            self.pieces = tuple(piece for piece in self.pieces if piece not in (b"{", b"}"))
            self.end = len(self.pieces)

    with pytest.raises(ModelError, match="cannot write"):
        Grammars(NoBraces())(Category.POLICY, Status.ALIGNED)

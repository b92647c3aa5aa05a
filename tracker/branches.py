"""The fast decoder: every token of a conversation is read once, and all questions of a turn in one batch.

Knows prompts, grammars and the engine. The conversation is one sequence; each question, with the part of the
answer that the grammar forces, is a branch behind it, and one more for every further place where the grammar
lets statuses part. What is read waits until something is asked, so that it goes into the same batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracker.decoding import Distribution
from tracker.engine import Engine
from tracker.engine import Sequence as Tokens
from tracker.grammar import Grammars
from tracker.llama import Model
from tracker.prompt import Piece, Question, question_pieces


class BranchDecoder:
    """Decodes with shared prefixes over one engine.

    Parameters
    ----------
    model
        Is closed with the decoder.
    context, threads
        As for ``Engine``.
    """

    name = "branches"

    def __init__(self, model: Model, *, context: int | None = None, threads: int) -> None:
        self.engine = Engine(model, context=context, threads=threads)
        self.model = model
        self.grammars = Grammars(model.vocabulary)

    def start(self) -> BranchReading:
        return BranchReading(self, self.engine.sequence())

    def close(self) -> None:
        self.engine.close()
        self.model.close()


class BranchReading:
    """A conversation in the engine's cache, and what is not there yet."""

    def __init__(self, decoder: BranchDecoder, sequence: Tokens) -> None:
        self._decoder = decoder
        self._sequence = sequence
        self._waiting: list[Piece] = []

    def read(self, pieces: Sequence[Piece]) -> None:
        self._waiting += pieces

    def ask(self, questions: Sequence[Question]) -> list[Distribution]:
        if not questions:
            return []
        vocabulary = self._decoder.model.vocabulary
        grammars = [self._decoder.grammars(question.category, question.previous) for question in questions]
        branches: list[list[int]] = []
        for question, grammar in zip(questions, grammars, strict=True):
            asked = vocabulary.tokens(question_pieces(question)) + list(grammar.forced_tokens)
            branches += [[*asked, *place.path] for place in grammar.places]
        logits = self._sequence.extend(vocabulary.tokens(self._waiting), branches)
        self._waiting = []
        answers: list[Distribution] = []
        for grammar in grammars:
            count = len(grammar.places)
            answers.append(grammar.probabilities(logits[:count]))
            logits = logits[count:]
        return answers

    def copy(self) -> BranchReading:
        # Evaluated now, or both would have to.
        self._sequence.extend(self._decoder.model.vocabulary.tokens(self._waiting))
        self._waiting = []
        return BranchReading(self._decoder, self._sequence.fork())

    def close(self) -> None:
        self._sequence.close()

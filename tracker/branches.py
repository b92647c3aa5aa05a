"""The fast decoder: every token of a conversation is read once, and all questions of a turn in one batch.

Knows prompts, grammars and the engine. The conversation is one sequence; each question, with the part of the
answer that the grammar forces, is a branch behind it, and one more for every further place where the grammar
lets statuses part. What is read waits until something is asked, so that it goes into the same batch. What is
asked about several conversations goes into one batch too.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracker.decoding import Distribution, Reading
from tracker.engine import Engine, Request
from tracker.engine import Sequence as Tokens
from tracker.errors import ContextLengthError
from tracker.grammar import Grammars, Logits
from tracker.llama import Model
from tracker.prompt import Piece, Question, question_pieces


class BranchDecoder:
    """Decodes with shared prefixes over one engine.

    Parameters
    ----------
    model
        Is closed with the decoder.
    context, threads, exact
        As for ``Engine``.
    """

    name = "branches"

    def __init__(
        self, model: Model, *, context: int | None = None, threads: int, exact: bool = False
    ) -> None:
        self.engine = Engine(model, context=context, threads=threads, exact=exact)
        self.model = model
        self.grammars = Grammars(model.vocabulary)

    @property
    def room(self) -> int:
        return self.engine.room

    def needed(self, pieces: Sequence[Piece], questions: Sequence[Question]) -> int:
        longest = max(
            (len(branch) for question in questions for branch in self.branches(question)), default=0
        )
        return len(self.model.vocabulary.tokens(pieces)) + longest

    def start(self) -> BranchReading:
        return BranchReading(self, self.engine.sequence())

    def ask(
        self, asked: Sequence[tuple[Reading, Sequence[Question]]]
    ) -> list[list[Distribution] | ContextLengthError]:
        answers: list[list[Distribution] | ContextLengthError] = [[] for _ in asked]
        requests: dict[int, Request] = {}
        for number, (reading, questions) in enumerate(asked):
            assert isinstance(reading, BranchReading), "a reading of another decoder"
            # Where nothing is asked nothing is read: it may never be needed.
            if questions:
                requests[number] = reading.request(questions)
        for number, logits in zip(requests, self.engine.read(list(requests.values())), strict=True):
            reading, questions = asked[number]
            assert isinstance(reading, BranchReading)
            if isinstance(logits, ContextLengthError):
                answers[number] = logits
            else:
                reading.waiting.clear()
                answers[number] = self._distributions(questions, logits)
        return answers

    def branches(self, question: Question) -> list[list[int]]:
        """What is read behind a conversation to answer a question: a branch for each place of its grammar."""
        grammar = self.grammars(question.category, question.previous)
        asked = [*self.model.vocabulary.tokens(question_pieces(question)), *grammar.forced_tokens]
        return [[*asked, *place.path] for place in grammar.places]

    def close(self) -> None:
        self.engine.close()
        self.model.close()

    def _distributions(self, questions: Sequence[Question], logits: Logits) -> list[Distribution]:
        """What the rows behind the branches of ``BranchReading.request`` say."""
        answers: list[Distribution] = []
        for question in questions:
            grammar = self.grammars(question.category, question.previous)
            count = len(grammar.places)
            answers.append(grammar.probabilities(logits[:count]))
            logits = logits[count:]
        return answers


class BranchReading:
    """A conversation in the engine's cache, and what is not there yet.

    Attributes
    ----------
    waiting
        The pieces that are not in the cache yet.
    """

    def __init__(self, decoder: BranchDecoder, sequence: Tokens) -> None:
        self._decoder = decoder
        self._sequence = sequence
        self.waiting: list[Piece] = []

    def read(self, pieces: Sequence[Piece]) -> None:
        self.waiting += pieces

    def request(self, questions: Sequence[Question]) -> Request:
        """What the engine has to read: what is waiting, and the branches of all questions."""
        branches = [branch for question in questions for branch in self._decoder.branches(question)]
        return Request(self._sequence, self._decoder.model.vocabulary.tokens(self.waiting), branches)

    def ask(self, questions: Sequence[Question]) -> list[Distribution]:
        (answers,) = self._decoder.ask([(self, questions)])
        if isinstance(answers, ContextLengthError):
            raise answers
        return answers

    def copy(self) -> BranchReading:
        # Evaluated now, or both would have to.
        self._sequence.extend(self._decoder.model.vocabulary.tokens(self.waiting))
        self.waiting = []
        return BranchReading(self._decoder, self._sequence.fork())

    def close(self) -> None:
        self._sequence.close()

"""The plain decoder: obviously right, and slow.

Knows prompts, grammars and how llama.cpp reads one text from its first token to its last. Each question is
a prompt of its own, read into an empty cache; the answer is generated through the grammar, token by token,
and checked against its schema. ``tracker.branches`` is fast and must say the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import llama_cpp
import numpy as np

from tracker.decoding import Distribution, Reading
from tracker.errors import ContextLengthError, ModelError
from tracker.goal import Status
from tracker.grammar import Grammars, Logits, StatusGrammar
from tracker.llama import ContextShape, Model
from tracker.prompt import Piece, Question, question_pieces

_FIRST_CELLS = 2048
_MOST_CELLS = 8192
_ANSWER = 64
"""Cells for what is generated behind a prompt, more than any answer has tokens."""


class PlainDecoder:
    """Decodes one question at a time.

    Parameters
    ----------
    model
        Is closed with the decoder.
    context
        The most tokens that a conversation and a question may have; 8,192, or what the model was trained
        on where that is less, by default.
    threads
        CPU threads.
    exact
        As for ``Engine``.
    """

    name = "plain"

    def __init__(
        self, model: Model, *, context: int | None = None, threads: int, exact: bool = False
    ) -> None:
        self.context_length = context or min(_MOST_CELLS, model.trained_context)
        self.model = model
        self._threads, self._exact = threads, exact
        self.grammars = Grammars(model.vocabulary)
        self._context = model.context(self._shape(min(_FIRST_CELLS, self.context_length)))

    @property
    def room(self) -> int:
        return self.context_length

    def needed(self, pieces: Sequence[Piece], questions: Sequence[Question]) -> int:
        return 0  # nothing is held between questions

    def start(self) -> PlainReading:
        return PlainReading(self, [])

    def ask(
        self, asked: Sequence[tuple[Reading, Sequence[Question]]]
    ) -> list[list[Distribution] | ContextLengthError]:
        answers: list[list[Distribution] | ContextLengthError] = []
        for reading, questions in asked:
            try:
                answers.append(reading.ask(questions))
            except ContextLengthError as error:
                answers.append(error)
        return answers

    def close(self) -> None:
        self._context.close()
        self.model.close()

    def answer(self, prompt: Sequence[Piece], question: Question) -> Distribution:
        """The distribution of the answer behind a prompt that ends with the question."""
        grammar = self.grammars(question.category, question.previous)
        tokens = self.model.vocabulary.tokens(prompt) + list(grammar.forced_tokens)
        # The first place comes last, so that the answer can be generated from there.
        rows = [self._read([*tokens, *place.path]) for place in reversed(grammar.places)]
        probabilities = grammar.probabilities(rows[::-1])
        likeliest = max(probabilities, key=probabilities.__getitem__)
        if self._generate(grammar, rows[-1], likeliest) is not likeliest:
            raise ModelError("the grammar did not hold: the answer does not say its likeliest status")
        return probabilities

    def _generate(self, grammar: StatusGrammar, logits: Logits, status: Status) -> Status:
        """Write out the answer, greedily under the grammar once it can only be ``status``; what it says."""
        guide = grammar.guide()
        for token in grammar.forced_tokens:
            guide.advance(token)
        written, wanted = grammar.forced.encode(), grammar.answers[status].encode()
        while not guide.is_finished():
            allowed = guide.get_tokens()
            if sum(answer.encode().startswith(written) for answer in grammar.answers.values()) > 1:
                allowed = [token for token in allowed if wanted.startswith(written + grammar.piece(token))]
            token = max(allowed, key=lambda token: float(logits[token]))
            guide.advance(token)
            written += grammar.piece(token)
            logits = self._read_on([token])
        return grammar.status_of(written.decode())

    def _read(self, tokens: Sequence[int]) -> Logits:
        """Read a text from its beginning; the logits behind it, shape ``(vocabulary,)``."""
        if len(tokens) > self.context_length:
            raise ContextLengthError(
                f"is {len(tokens):,} tokens long with its longest question; "
                f"the context holds {self.context_length:,}"
            )
        if len(tokens) + _ANSWER > self._context.shape.cells:
            self._context.close()
            self._context = self.model.context(self._shape(self.context_length))
        llama_cpp.llama_memory_clear(self._context.memory, True)
        for count in self._context.shape.calls(len(tokens)):
            logits = self._read_on(tokens[:count])
            tokens = tokens[count:]
        return logits

    def _read_on(self, tokens: Sequence[int]) -> Logits:
        ids = (llama_cpp.llama_token * len(tokens))(*tokens)
        code = llama_cpp.llama_decode(self._context.handle, llama_cpp.llama_batch_get_one(ids, len(tokens)))
        if code:
            raise ModelError(f"llama.cpp could not read {len(tokens):,} tokens (code {code})")
        logits = llama_cpp.llama_get_logits_ith(self._context.handle, -1)
        return np.ctypeslib.as_array(logits, (len(self.model.vocabulary),)).copy()

    def _shape(self, tokens: int) -> ContextShape:
        return ContextShape(tokens + _ANSWER, sequences=1, threads=self._threads, exact=self._exact)


class PlainReading:
    """A conversation as the pieces of its prompt."""

    def __init__(self, decoder: PlainDecoder, pieces: Sequence[Piece]) -> None:
        self._decoder = decoder
        self._pieces = list(pieces)

    def read(self, pieces: Sequence[Piece]) -> None:
        self._pieces += pieces

    def ask(self, questions: Sequence[Question]) -> list[Distribution]:
        return [
            self._decoder.answer([*self._pieces, *question_pieces(question)], question)
            for question in questions
        ]

    def copy(self) -> PlainReading:
        return PlainReading(self._decoder, self._pieces)

    def close(self) -> None:
        """Nothing is held between questions."""

"""Many sequences of tokens over one model, sharing what they have in common.

Knows token ids, sequences and llama.cpp's KV cache. Knows nothing about words, questions or grammars: it
reads tokens and hands out the logits behind them.

A sequence grows at its end, and every token of it is evaluated once. Branches are read behind it and leave no
trace. One call of llama.cpp reads a sequence's new tokens and its branches together: the new tokens belong to
the sequence and to all the branches at once, and each branch sees its own tokens and those of the sequence,
because the attention mask goes by who owns a cell of the cache. A fork costs nothing until it grows.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
import weakref
from collections import deque
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass, field

import llama_cpp
import numpy as np
import numpy.typing as npt

from tracker.errors import ContextLengthError, ModelError
from tracker.llama import ContextShape, Model

Logits = npt.NDArray[np.float32]
Tokens = Sequence_[int]

_FIRST_CELLS = 1024
"""The cache begins with this many cells, enough for most conversations, and doubles when they are full."""
_MOST_CELLS = 8192
"""The cache grows no further than this unless it is told to."""
_SEQUENCES = 64
"""Open sequences and branches of a batch together; llama.cpp keeps a row of logits (0.2 MB) for each."""


@dataclass(frozen=True, eq=False)
class _Span:
    """Cells that were filled together; compared by identity, because forks share them."""

    length: int


@dataclass
class _Row:
    """A sequence as the engine keeps it."""

    number: int
    """llama.cpp's id of the sequence."""
    spans: list[_Span] = field(default_factory=list)

    @property
    def length(self) -> int:
        return sum(span.length for span in self.spans)


class Engine:
    """Evaluates tokens of many sequences over one model; safe to use from several threads, one at a time.

    Parameters
    ----------
    model
        Must stay open while the engine is used.
    context
        The most tokens that all open sequences and the branches being read may hold together; 8,192, or
        what the model was trained on where that is less, by default.
    threads
        CPU threads.
    """

    def __init__(self, model: Model, *, context: int | None = None, threads: int) -> None:
        self.context_length = context or min(_MOST_CELLS, model.trained_context)
        self.tokens_evaluated = 0
        """Tokens read so far, over all sequences and branches."""
        self._model = model
        self._columns = len(model.vocabulary)
        self._threads = threads
        self._context = model.context(self._shape(min(_FIRST_CELLS, self.context_length)))
        self._unused = list(range(_SEQUENCES))
        self._rows: dict[int, _Row] = {}
        self._released: deque[int] = deque()
        self._lock = threading.Lock()

    def sequence(self) -> Sequence:
        """A new, empty sequence. Raises ``ModelError`` when too many are open."""
        with self._lock:
            self._sweep()
            return Sequence(self, self._row([]))

    def close(self) -> None:
        """Free the cache; every later use of the engine or its sequences raises ``ModelError``."""
        with self._lock:
            self._context.close()

    def fork(self, row: _Row) -> Sequence:
        with self._lock:
            self._sweep()
            twin = self._row(row.spans)
            llama_cpp.llama_memory_seq_cp(self._context.memory, row.number, twin.number, -1, -1)
            return Sequence(self, twin)

    def release(self, number: int) -> None:
        # The garbage collector may call this at any time, so the work is done when the engine is next used.
        self._released.append(number)

    def extend(self, row: _Row, tokens: Tokens, branches: Sequence_[Tokens]) -> Logits:
        with self._lock:
            self._sweep()
            self._check_room(row, len(tokens) + max(map(len, branches), default=0))
            logits = np.empty((len(branches), self._columns), dtype=np.float32)
            done = 0
            while tokens or done < len(branches):
                # The first batch holds the new tokens, and all hold as many branches as there is room for.
                room = self.context_length - self._cells() - len(tokens)
                ends = itertools.accumulate(map(len, branches[done:]))
                count = sum(1 for end in ends if end <= room)
                part = branches[done : done + min(count, len(self._unused))]
                logits[done : done + len(part)] = self._decode(row, tokens, part)
                done += len(part)
                tokens = ()
            return logits

    def _decode(self, row: _Row, tokens: Tokens, branches: Sequence_[Tokens]) -> Logits:
        """Evaluate one batch, new tokens with branches behind them; the logits after each branch."""
        total = len(tokens) + sum(map(len, branches))
        self._make_room(self._cells() + total)
        memory, start = self._context.memory, row.length
        numbers = self._unused[: len(branches)]
        parts = [_Part(tokens, start, (row.number, *numbers), wanted=False)] if tokens else []
        for number, branch in zip(numbers, branches, strict=True):
            parts.append(_Part(branch, start + len(tokens), (number,), wanted=True))
        batch = _batch(parts)
        for number in numbers:
            llama_cpp.llama_memory_seq_cp(memory, row.number, number, -1, -1)
        code = llama_cpp.llama_decode(self._context.handle, batch)
        for number in numbers:
            llama_cpp.llama_memory_seq_rm(memory, number, -1, -1)
        if code:
            # Of a batch that failed, some tokens may be in the cache.
            llama_cpp.llama_memory_seq_rm(memory, row.number, start, -1)
            raise ModelError(f"llama.cpp could not evaluate {total:,} tokens (code {code})")
        self.tokens_evaluated += total
        if tokens:
            row.spans.append(_Span(len(tokens)))
        ends = itertools.accumulate(len(part.tokens) for part in parts)
        return self._logits([end - 1 for part, end in zip(parts, ends, strict=True) if part.wanted])

    def _logits(self, positions: Sequence_[int]) -> Logits:
        rows = np.empty((len(positions), self._columns), dtype=np.float32)
        for row, position in zip(rows, positions, strict=True):
            pointer = llama_cpp.llama_get_logits_ith(self._context.handle, position)
            row[:] = np.ctypeslib.as_array(pointer, (self._columns,))
        return rows

    def _sweep(self) -> None:
        """Take back what closed sequences held."""
        while self._released:
            number = self._released.popleft()
            llama_cpp.llama_memory_seq_rm(self._context.memory, number, -1, -1)
            del self._rows[number]
            self._unused.append(number)

    def _row(self, spans: Sequence_[_Span]) -> _Row:
        # The last id is kept for a branch.
        if len(self._unused) < 2:
            raise ModelError(f"{len(self._rows)} conversations are open at once; close some")
        row = _Row(self._unused.pop(), list(spans))
        self._rows[row.number] = row
        return row

    def _cells(self) -> int:
        """Cells of the cache that are taken: spans that forks share are there once."""
        return sum(span.length for span in {span for row in self._rows.values() for span in row.spans})

    def _check_room(self, row: _Row, new: int) -> None:
        length, cells = row.length + new, self._cells() + new
        if length > self.context_length:
            raise ContextLengthError(
                f"is {length:,} tokens long with its longest question; "
                f"the context holds {self.context_length:,}"
            )
        if cells > self.context_length:
            raise ContextLengthError(
                f"needs {new:,} more tokens; of the context's {self.context_length:,}, {self._cells():,} are "
                "taken by the conversations that are open"
            )

    def _make_room(self, cells: int) -> None:
        """Move to a larger cache, with all that is in it, where ``cells`` do not fit this one."""
        size = self._context.shape.cells
        if cells <= size:
            return
        while size < cells:
            size = min(2 * size, self.context_length)
        room = llama_cpp.llama_state_get_size(self._context.handle)
        state = (ctypes.c_uint8 * room)()
        used = llama_cpp.llama_state_get_data(self._context.handle, state, room)
        self._context.close()
        self._context = self._model.context(self._shape(size))
        if llama_cpp.llama_state_set_data(self._context.handle, state, used) != used:
            raise ModelError("llama.cpp could not move its cache to a larger one")

    def _shape(self, cells: int) -> ContextShape:
        return ContextShape(cells, _SEQUENCES, self._threads)


class Sequence:
    """One sequence of an engine; ``close`` it, or let go of it, to give its cells back."""

    def __init__(self, engine: Engine, row: _Row) -> None:
        self._engine = engine
        self._row = row
        self._release = weakref.finalize(self, engine.release, row.number)

    def __len__(self) -> int:
        return self._row.length

    def extend(self, tokens: Tokens, branches: Sequence_[Tokens] = ()) -> Logits:
        """Append tokens, and read each branch as if it stood alone behind them.

        Returns the logits after the last token of each branch, shape ``(branches, vocabulary)``. Raises
        ``ContextLengthError``, and appends nothing, when the sequence with its longest branch does not fit.
        """
        self._check_open()
        return self._engine.extend(self._row, tokens, branches)

    def fork(self) -> Sequence:
        """A sequence with the same tokens that grows on its own.

        Raises ``ModelError`` when too many are open.
        """
        self._check_open()
        return self._engine.fork(self._row)

    def close(self) -> None:
        self._release()

    def _check_open(self) -> None:
        if not self._release.alive:
            raise ModelError("the session is closed")


@dataclass(frozen=True)
class _Part:
    """Consecutive tokens of a batch with the same owners, at least one."""

    tokens: Tokens
    start: int
    """Position of the first token in its sequences."""
    owners: tuple[int, ...]
    """llama.cpp's ids of the sequences that the tokens belong to."""
    wanted: bool
    """Whether the logits after the last token are."""


def _batch(parts: Sequence_[_Part]) -> llama_cpp.llama_batch:
    ids = ctypes.POINTER(llama_cpp.llama_seq_id)
    tokens: list[int] = []
    positions: list[int] = []
    owners: list[ctypes._Pointer[ctypes.c_int32]] = []
    counts: list[int] = []
    wanted: list[int] = []
    for part in parts:
        length = len(part.tokens)
        tokens += part.tokens
        positions += range(part.start, part.start + length)
        owners += [ctypes.cast((llama_cpp.llama_seq_id * len(part.owners))(*part.owners), ids)] * length
        counts += [len(part.owners)] * length
        wanted += [0] * length
        wanted[-1] = int(part.wanted)
    total = len(tokens)
    # The structure keeps the arrays that it points to alive.
    return llama_cpp.llama_batch(
        n_tokens=total,
        token=(llama_cpp.llama_token * total)(*tokens),
        pos=(llama_cpp.llama_pos * total)(*positions),
        n_seq_id=(ctypes.c_int32 * total)(*counts),
        seq_id=(ids * total)(*owners),
        logits=(ctypes.c_int8 * total)(*wanted),
    )

"""Many sequences of tokens over one model, sharing what they have in common.

Knows token ids, sequences and llama.cpp's KV cache. Knows nothing about words, questions or grammars: it
reads tokens and hands out the logits behind them.

A sequence grows at its end, and every token of it is evaluated once. Branches are read behind it and leave no
trace. One call of llama.cpp reads the new tokens and the branches of one sequence or of several together: the
new tokens belong to their sequence and to all its branches at once, and each branch sees its own tokens and
those of its sequence, because the attention mask goes by who owns a cell of the cache. A fork costs nothing
until it grows.
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


@dataclass(frozen=True, eq=False)
class Request:
    """Tokens to append to a sequence, and branches to read behind them."""

    sequence: Sequence
    tokens: Tokens
    branches: Sequence_[Tokens] = ()
    """Each as if it stood alone; at least one token long."""


@dataclass(eq=False)
class _Job:
    """A request on its way through one batch or several."""

    row: _Row
    tokens: Tokens
    """New tokens that are still to be read; they go into the first batch."""
    branches: Sequence_[Tokens]
    """Branches that are still to be read."""
    logits: Logits
    """Shape ``(all branches, vocabulary)``; the last ones are still to be filled."""
    error: ContextLengthError | None = None

    @property
    def least(self) -> int:
        """Cells without which it cannot be begun."""
        return len(self.tokens) + max(map(len, self.branches), default=0)

    def share(self, room: int, numbers: int) -> _Share | None:
        """The new tokens and as many branches as ``room`` cells and ``numbers`` ids of sequences allow."""
        ends = itertools.accumulate(map(len, self.branches), initial=len(self.tokens))
        count = min(sum(1 for end in ends if end <= room) - 1, numbers)
        if count < min(len(self.branches), 1):
            return None
        return _Share(self, self.tokens, self.branches[:count])


@dataclass(frozen=True, eq=False)
class _Share:
    """The part of a job that goes into one batch."""

    job: _Job
    tokens: Tokens
    branches: Sequence_[Tokens]

    @property
    def length(self) -> int:
        return len(self.tokens) + sum(map(len, self.branches))


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
    exact
        Whether logits must not depend on what is read in one batch; see ``ContextShape``.
    """

    def __init__(
        self, model: Model, *, context: int | None = None, threads: int, exact: bool = False
    ) -> None:
        self.context_length = context or min(_MOST_CELLS, model.trained_context)
        self.tokens_evaluated = 0
        """Tokens read so far, over all sequences and branches."""
        self._model = model
        self._columns = len(model.vocabulary)
        self._threads, self._exact = threads, exact
        self._context = model.context(self._shape(min(_FIRST_CELLS, self.context_length)))
        self._unused = list(range(_SEQUENCES))
        self._rows: dict[int, _Row] = {}
        self._released: deque[int] = deque()
        self._lock = threading.Lock()

    @property
    def room(self) -> int:
        """Cells that no open sequence holds."""
        with self._lock:
            self._sweep()
            return self.context_length - self._cells()

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

    def read(self, requests: Sequence_[Request]) -> list[Logits | ContextLengthError]:
        """Read several requests, each of another sequence, in as few batches as hold them.

        Returns for each the logits after the last token of each of its branches, shape ``(branches,
        vocabulary)``. In the place of a request that does not fit stands a ``ContextLengthError``; nothing
        was appended for it, and the others are read all the same.
        """
        with self._lock:
            self._sweep()
            jobs = []
            for request in requests:
                logits = np.empty((len(request.branches), self._columns), dtype=np.float32)
                jobs.append(_Job(request.sequence.row, request.tokens, request.branches, logits))
            if len({job.row.number for job in jobs}) < len(jobs):
                raise ValueError("a sequence can be read once in a call")
            waiting = deque(jobs)
            while waiting:
                self._decode(self._load(waiting))
            return [job.error or job.logits for job in jobs]

    def _load(self, waiting: deque[_Job]) -> list[_Share]:
        """Take from the front of ``waiting`` what goes into one batch; what does not fit gets its error.

        A job is begun only in a batch that ends the one before it, so that what is appended for it cannot
        take the room that the other still needs.
        """
        shares: list[_Share] = []
        cells, numbers = self._cells(), len(self._unused)
        while waiting:
            job = waiting[0]
            if job.tokens or len(job.branches) == len(job.logits):
                error = self._no_room(job, cells)
                if error is not None and shares and job.row.length + job.least <= self.context_length:
                    break  # the next batch has more room, without the branches of this one
                if error is not None:
                    job.error = error
                    waiting.popleft()
                    continue
            share = job.share(self.context_length - cells, numbers)
            if share is None:
                break
            shares.append(share)
            cells, numbers = cells + share.length, numbers - len(share.branches)
            if len(share.branches) < len(job.branches):
                break
            waiting.popleft()
        return shares

    def _decode(self, shares: Sequence_[_Share]) -> None:
        """Evaluate one batch; its logits go to the jobs."""
        total = sum(share.length for share in shares)
        if not total:
            return
        self._make_room(self._cells() + total)
        memory, shape = self._context.memory, self._context.shape
        unused = iter(self._unused)
        parts: list[_Part] = []
        copies: list[tuple[int, int]] = []
        for share in shares:
            row, start = share.job.row, share.job.row.length
            numbers = list(itertools.islice(unused, len(share.branches)))
            copies += [(row.number, number) for number in numbers]
            if share.tokens:
                parts.append(_Part(share.tokens, start, (row.number, *numbers), wanted=False))
            for number, branch in zip(numbers, share.branches, strict=True):
                parts.append(_Part(branch, start + len(share.tokens), (number,), wanted=True))
        for source, copy in copies:
            llama_cpp.llama_memory_seq_cp(memory, source, copy, -1, -1)
        try:
            logits = np.concatenate([self._compute(some) for some in _cut(parts, shape.calls(total))])
        except BaseException:
            # Of a batch that failed, or was interrupted, some tokens may be in the cache.
            for share in shares:
                llama_cpp.llama_memory_seq_rm(memory, share.job.row.number, share.job.row.length, -1)
            raise
        finally:
            for _, copy in copies:
                llama_cpp.llama_memory_seq_rm(memory, copy, -1, -1)
        self.tokens_evaluated += total
        for share in shares:
            job, count = share.job, len(share.branches)
            if share.tokens:
                job.row.spans.append(_Span(len(share.tokens)))
            done = len(job.logits) - len(job.branches)
            job.logits[done : done + count], logits = logits[:count], logits[count:]
            job.tokens, job.branches = (), job.branches[count:]

    def _compute(self, parts: Sequence_[_Part]) -> Logits:
        """The logits behind the parts that want them, shape ``(such parts, vocabulary)``."""
        code = llama_cpp.llama_decode(self._context.handle, _batch(parts))
        ends = list(itertools.accumulate(len(part.tokens) for part in parts))
        if code:
            raise ModelError(f"llama.cpp could not evaluate {ends[-1]:,} tokens (code {code})")
        positions = [end - 1 for part, end in zip(parts, ends, strict=True) if part.wanted]
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

    def _no_room(self, job: _Job, cells: int) -> ContextLengthError | None:
        """Why a job cannot be begun where ``cells`` are taken, if it cannot."""
        length = job.row.length + job.least
        if length > self.context_length:
            return ContextLengthError(
                f"is {length:,} tokens long with its longest question; "
                f"the context holds {self.context_length:,}"
            )
        if cells + job.least > self.context_length:
            return ContextLengthError(
                f"needs {job.least:,} more tokens; of the context's {self.context_length:,}, {cells:,} are "
                "taken by the conversations that are open"
            )
        return None

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
        return ContextShape(cells, _SEQUENCES, self._threads, self._exact)


class Sequence:
    """One sequence of an engine; ``close`` it, or let go of it, to give its cells back."""

    def __init__(self, engine: Engine, row: _Row) -> None:
        self._engine = engine
        self._row = row
        self._release = weakref.finalize(self, engine.release, row.number)

    def __len__(self) -> int:
        return self._row.length

    @property
    def row(self) -> _Row:
        """What the engine knows it by. Raises ``ModelError`` once it is closed."""
        if not self._release.alive:
            raise ModelError("the session is closed")
        return self._row

    def extend(self, tokens: Tokens, branches: Sequence_[Tokens] = ()) -> Logits:
        """What ``Engine.read`` does, for this sequence alone; raises the ``ContextLengthError``."""
        (answer,) = self._engine.read([Request(self, tokens, branches)])
        if isinstance(answer, ContextLengthError):
            raise answer
        return answer

    def fork(self) -> Sequence:
        """A sequence with the same tokens that grows on its own.

        Raises ``ModelError`` when too many are open.
        """
        return self._engine.fork(self.row)

    def close(self) -> None:
        self._release()


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


def _cut(parts: Sequence_[_Part], counts: Sequence_[int]) -> list[Sequence_[_Part]]:
    """The parts of a batch, for each call of llama.cpp: all, or with the last few tokens in another."""
    last = parts[-1]
    if len(counts) == 1 or len(last.tokens) == 1:
        return [parts]
    at = len(last.tokens) - counts[-1]
    end = _Part(last.tokens[at:], last.start + at, last.owners, last.wanted)
    before = _Part(last.tokens[:at], last.start, last.owners, wanted=False)
    return [[*parts[:-1], before] if at else parts[:-1], [end]]


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

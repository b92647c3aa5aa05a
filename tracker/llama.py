"""Loading a model with llama.cpp, and contexts to read tokens in.

Knows llama.cpp's parameters and how long its objects live. Knows nothing about sequences, prompts or
grammars.
"""

from __future__ import annotations

import logging
import os
import weakref
from dataclasses import dataclass
from pathlib import Path

import llama_cpp

from tracker.errors import ModelError
from tracker.hardware import LoadOptions
from tracker.vocabulary import Vocabulary

_UBATCH = 256
"""Tokens computed at a time: as fast as llama.cpp's 512 (within 2%), with half the memory for attention."""
_EXACT_UBATCH = 60
"""The same where results are to be exact: below 64, and a multiple of the tiles of llama.cpp's kernels."""


@dataclass(frozen=True)
class ContextShape:
    """How large a context is, and how it computes.

    ``exact`` makes what comes out for a token depend on the tokens that it sees and on nothing else, to the
    last bit: not on where they lie in the cache, or what is computed beside it. Otherwise 8-bit kernels make
    a hundredth out of a last bit: a sum in another order moves an activation across an edge of its 8 bits,
    in every layer. Of llama.cpp's ways to compute attention on a CPU one adds up cell by cell and passes over
    masked cells (``flash_attn_ext_f16_one_chunk`` in ggml); flash attention takes it for 2 to 63 tokens at a
    time. For more it adds up tiles of 64 cells, for 1 a part for each thread, and without flash attention
    sums run over the cache in blocks of 8. The longer the conversation, the more it costs: 85% more for
    an update behind 750 tokens.
    """

    cells: int
    """Tokens that its KV cache holds."""
    sequences: int
    """Sequences that can share the cache."""
    threads: int
    exact: bool = False

    def calls(self, total: int) -> tuple[int, ...]:
        """How many of ``total`` tokens go into each call of llama.cpp, so that none is computed alone."""
        alone = self.exact and total > _EXACT_UBATCH and total % _EXACT_UBATCH == 1
        return (total - 2, 2) if alone else (total,)


class Model:
    """A model in memory.

    Raises ``ModelError`` when llama.cpp cannot load the file.
    """

    def __init__(self, path: Path, options: LoadOptions) -> None:
        _quiet()
        handle = llama_cpp.llama_model_load_from_file(os.fsencode(path), options.model_params())
        if handle is None:
            raise ModelError(f"{path}: llama.cpp cannot load this model")
        self._handle = handle
        self._free = weakref.finalize(self, llama_cpp.llama_model_free, handle)
        self._contexts: weakref.WeakSet[Context] = weakref.WeakSet()
        self._vocabulary = Vocabulary(handle)
        self.path = path
        self.trained_context: int = llama_cpp.llama_model_n_ctx_train(handle)
        """Tokens that the model was trained to look back on."""

    @property
    def vocabulary(self) -> Vocabulary:
        self._check_open()
        return self._vocabulary

    def context(self, shape: ContextShape) -> Context:
        """A new, empty context. Raises ``ModelError`` when there is no memory for it."""
        self._check_open()
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = shape.cells
        parameters.n_seq_max = shape.sequences
        # One buffer for all sequences, so that sequences can share the cells of a common prefix.
        parameters.kv_unified = True
        parameters.n_ubatch = min(_EXACT_UBATCH if shape.exact else _UBATCH, shape.cells)
        # On CPUs llama.cpp's flash attention is as fast behind 440 tokens and 17% slower behind 2,000.
        parameters.flash_attn_type = (
            llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
            if shape.exact
            else llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        parameters.n_threads = parameters.n_threads_batch = shape.threads
        parameters.no_perf = True
        handle = llama_cpp.llama_init_from_model(self._handle, parameters)
        if handle is None:
            raise ModelError(f"{self.path}: llama.cpp cannot make a context of {shape.cells:,} tokens")
        context = Context(handle, shape, self)
        self._contexts.add(context)
        return context

    def close(self) -> None:
        """Free the model and all contexts made from it; every later use of them raises ``ModelError``."""
        for context in list(self._contexts):
            context.close()
        self._free()

    def _check_open(self) -> None:
        if not self._free.alive:
            raise ModelError("the tracker is closed")


class Context:
    """A KV cache and the state of a computation over it, freed with this object or by ``close``."""

    def __init__(self, handle: llama_cpp.llama_context_p, shape: ContextShape, model: Model) -> None:
        self._handle = handle
        self._free = weakref.finalize(self, _free_context, handle, model)
        self.shape = shape

    @property
    def handle(self) -> llama_cpp.llama_context_p:
        if not self._free.alive:
            raise ModelError("the tracker is closed")
        return self._handle

    @property
    def memory(self) -> llama_cpp.llama_memory_t:
        memory: llama_cpp.llama_memory_t = llama_cpp.llama_get_memory(self.handle)
        return memory

    def close(self) -> None:
        self._free()


def _free_context(handle: llama_cpp.llama_context_p, _model: Model) -> None:
    """Free a context; that its model is an argument keeps the model in memory until then."""
    llama_cpp.llama_free(handle)


def _quiet() -> None:
    """Keep llama.cpp's chatter from the terminal, unless the program around us asked for it."""
    logger = logging.getLogger("llama-cpp-python")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)

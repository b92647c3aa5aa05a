"""Quantising a GGUF file with llama.cpp. Knows nothing about what the file is for or where it is kept."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import llama_cpp

from tracker.errors import ModelError
from tracker.model.adapter import Quantisation

_FILE_TYPES = MappingProxyType(
    {
        Quantisation.Q8_0: llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
        Quantisation.Q4_0: llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
        Quantisation.Q4_K_M: llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M,
        Quantisation.F16: llama_cpp.LLAMA_FTYPE_MOSTLY_F16,
    }
)

_ERROR = 4  # GGML_LOG_LEVEL_ERROR
_SPEAKER = "llama_model_quantize: failed to quantize: "


def quantise(source: Path, output: Path, quantisation: Quantisation, *, threads: int) -> None:
    """Write ``source`` with its matrices in ``quantisation``; those that are in it already are copied.

    Raises ``ModelError`` with llama.cpp's own words when it fails, a full disk included.
    """
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = _FILE_TYPES[quantisation]
    parameters.nthread = threads
    parameters.allow_requantize = True  # the base comes quantised
    with _log() as lines:
        failed = llama_cpp.llama_model_quantize(
            os.fsencode(source), os.fsencode(output), ctypes.byref(parameters)
        )
    if failed:
        reason = lines[-1].removeprefix(_SPEAKER) if lines else "no reason given"
        raise ModelError(f"{source}: llama.cpp could not quantise the model: {reason}")


@contextmanager
def _log() -> Iterator[list[str]]:
    """Collect llama.cpp's lines of errors and keep all others from the terminal, until the block ends."""
    lines: list[str] = []

    def collect(level: int, text: bytes, _: ctypes.c_void_p) -> None:
        if level == _ERROR and text.strip():
            lines.append(text.decode(errors="replace").strip())

    collector = llama_cpp.llama_log_callback(collect)
    usual, data = llama_cpp.llama_log_callback(), ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(usual), ctypes.byref(data))
    llama_cpp.llama_log_set(collector, ctypes.c_void_p())
    try:
        yield lines
    finally:
        llama_cpp.llama_log_set(usual, data)

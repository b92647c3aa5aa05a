"""A model of a few thousand weights in llama.cpp's form, and adapters for it, made from random numbers."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest
from tiny_llama import MATRICES, write_tiny

from tracker.hardware import load_options
from tracker.model.base import Base
from tracker.model.digest import sha256
from tracker.vocabulary import Vocabulary

SCALE = 0.1
"""Of the weights: small enough for Q4_1 to keep what they say."""


def write(path: Path, kind: gguf.GGMLQuantizationType, *, alignment: int | None = None) -> Path:
    return write_tiny(path, kind, scale=SCALE, context=512, alignment=alignment)


@pytest.fixture(scope="session")
def write_model() -> Callable[..., Path]:
    return write


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in Q4_1, like the real base."""
    return write(tmp_path_factory.mktemp("tiny") / "tiny.gguf", gguf.GGMLQuantizationType.Q4_1)


@pytest.fixture(scope="session")
def tiny_base(tiny_file: Path) -> Base:
    return Base(tiny_file, "Tiny", sha256(tiny_file))


@pytest.fixture
def make_adapter(tmp_path: Path) -> Callable[..., Path]:
    """Writes an adapter of random factors for the tiny model: ``make_adapter(scale=0.0)`` changes nothing."""

    def make(
        *,
        scale: float = 0.3,
        rank: int = 4,
        alpha: float = 8.0,
        architecture: str = "llama",
        kind: str = "lora",
        names: dict[str, tuple[int, int]] = MATRICES,
        halves: str = "ab",
        path: Path = tmp_path / "adapter.gguf",
    ) -> Path:
        random = np.random.default_rng(11)
        writer = gguf.GGUFWriter(path, architecture)
        writer.add_type("adapter")
        writer.add_string("adapter.type", kind)
        writer.add_float32("adapter.lora.alpha", alpha)
        for name, (rows, columns) in names.items():
            factors = {"a": (rank, columns), "b": (rows, rank)}
            for half in halves:
                values = random.normal(0, scale, factors[half]).astype(np.float32)
                writer.add_tensor(f"{name}.lora_{half}", values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    return make


@pytest.fixture(scope="session")
def read_with() -> Callable[..., tuple[list[int], npt.NDArray[np.float32]]]:
    """What a model file says: ``read_with(path, text, adapter)`` gives the text's tokens and, for each, the
    logits of the next one, shape ``(tokens, vocabulary)``. The adapter is applied by llama.cpp itself."""

    def read(path: Path, text: str, adapter: Path | None = None) -> tuple[list[int], npt.NDArray[np.float32]]:
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), load_options().model_params())
        assert model is not None
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx, parameters.n_threads, parameters.n_threads_batch = 256, 1, 1
        context = llama_cpp.llama_init_from_model(model, parameters)
        assert context is not None
        if adapter is not None:
            lora = llama_cpp.llama_adapter_lora_init(model, str(adapter).encode())
            assert lora is not None
            loras, scales = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(lora), (ctypes.c_float * 1)(1.0)
            assert llama_cpp.llama_set_adapters_lora(context, loras, 1, scales) == 0
        tokens = Vocabulary(model).tokens([text])
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        batch.n_tokens = len(tokens)
        for place, token in enumerate(tokens):
            batch.token[place], batch.pos[place], batch.logits[place] = token, place, True
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
        assert llama_cpp.llama_decode(context, batch) == 0
        width = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        rows = [llama_cpp.llama_get_logits_ith(context, place) for place in range(len(tokens))]
        logits = np.array([np.ctypeslib.as_array(row, (width,)) for row in rows], dtype=np.float32)
        llama_cpp.llama_batch_free(batch)
        llama_cpp.llama_free(context)
        llama_cpp.llama_model_free(model)
        return tokens, logits

    return read


@pytest.fixture(autouse=True)
def quiet_llama() -> Iterator[None]:
    logger = logging.getLogger("llama-cpp-python")
    level = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(level)

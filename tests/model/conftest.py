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
from byte_letters import byte_letters

from tracker.hardware import load_options
from tracker.model.base import Base
from tracker.model.digest import sha256
from tracker.vocabulary import Vocabulary

WIDTH, INNER, HEADS, KV_HEADS, LAYERS = 64, 128, 4, 2, 2
ADAPTED = {
    f"blk.{layer}.{name}.weight": shape
    for layer in range(LAYERS)
    for name, shape in {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (WIDTH // 2, WIDTH),
        "attn_v": (WIDTH // 2, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (INNER, WIDTH),
        "ffn_up": (INNER, WIDTH),
        "ffn_down": (WIDTH, INNER),
    }.items()
}
"""The matrices of the tiny model that an adapter may change, rows first."""


def write_tiny(path: Path, kind: gguf.GGMLQuantizationType, *, alignment: int | None = None) -> Path:
    """A llama of two layers over a vocabulary of bytes, with a tied embedding; its matrices in ``kind``."""
    random = np.random.default_rng(7)
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *byte_letters(), "th", "Ġth"]
    writer = gguf.GGUFWriter(path, "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_type("model")
    writer.add_name("Tiny für Tests")
    writer.add_languages(["en"])
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * (len(tokens) - 3))
    writer.add_token_merges(["t h", "Ġ th"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)

    shapes = {"token_embd.weight": (len(tokens), WIDTH), **ADAPTED}
    for name, shape in shapes.items():
        values = random.normal(0, 0.1, shape).astype(np.float32)
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    norms = [f"blk.{layer}.{name}.weight" for layer in range(LAYERS) for name in ("attn_norm", "ffn_norm")]
    for name in [*norms, "output_norm.weight"]:
        writer.add_tensor(name, random.normal(1, 0.1, WIDTH).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="session")
def write_model() -> Callable[..., Path]:
    return write_tiny


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model in Q4_1, like the real base."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf", gguf.GGMLQuantizationType.Q4_1)


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
        names: dict[str, tuple[int, int]] = ADAPTED,
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

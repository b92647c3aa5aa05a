"""A tracker over a model of a few thousand random weights: as exact as 32 bits are, and read in no time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest
from byte_letters import byte_letters

from tracker.tracking import GoalTracker, UntrainedModelWarning

WIDTH, INNER, HEADS, KV_HEADS, LAYERS, CONTEXT = 64, 128, 4, 2, 2, 4096


def write_tiny(path: Path, controls: tuple[str, ...]) -> Path:
    """A llama of two layers over bytes and ``controls``, of which the first ends a text."""
    random = np.random.default_rng(5)
    tokens = [*controls, *byte_letters(), "th"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
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
    kinds = [gguf.TokenType.CONTROL] * len(controls)
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (len(tokens) - len(controls)))
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    kv_width = WIDTH // HEADS * KV_HEADS
    maps = {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (kv_width, WIDTH),
        "attn_v": (kv_width, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (INNER, WIDTH),
        "ffn_up": (INNER, WIDTH),
        "ffn_down": (WIDTH, INNER),
    }
    shapes = {f"blk.{layer}.{name}": shape for layer in range(LAYERS) for name, shape in maps.items()}
    # Wide enough that attention is far from uniform: a wrong mask or position shows in the answers.
    for name, shape in {"token_embd": (len(tokens), WIDTH), **shapes}.items():
        writer.add_tensor(f"{name}.weight", random.normal(0, 0.3, shape).astype(np.float32))
    norms = [f"blk.{layer}.{name}" for layer in range(LAYERS) for name in ("attn_norm", "ffn_norm")]
    for name in (*norms, "output_norm"):
        writer.add_tensor(f"{name}.weight", random.normal(1, 0.1, WIDTH).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    return write_tiny(folder / "tiny.gguf", ("<|endoftext|>", "<|im_start|>", "<|im_end|>"))


@pytest.fixture(scope="session")
def foreign_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose vocabulary lacks the control tokens of the base model."""
    return write_tiny(tmp_path_factory.mktemp("foreign") / "foreign.gguf", ("</s>",))


@pytest.fixture(scope="session")
def load() -> Callable[..., GoalTracker]:
    """Loads a tracker on one thread, without the warning that it is not trained."""

    def make(path: Path, **options: object) -> GoalTracker:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UntrainedModelWarning)
            return GoalTracker.load(path, threads=1, **options)

    return make


@pytest.fixture(scope="session")
def tiny(tiny_model: Path, load: Callable[..., GoalTracker]) -> Iterator[GoalTracker]:
    """The fast decoder over the tiny model."""
    with load(tiny_model) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def plain(tiny_model: Path, load: Callable[..., GoalTracker]) -> Iterator[GoalTracker]:
    """The plain decoder over the tiny model."""
    with load(tiny_model, decoder="plain") as loaded:
        yield loaded

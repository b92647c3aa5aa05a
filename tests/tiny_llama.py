"""A llama of two layers and a few thousand random weights, over a vocabulary of bytes, for tests."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH, INNER, HEADS, KV_HEADS, LAYERS = 64, 128, 4, 2, 2
CHATML = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

_KV_WIDTH = WIDTH // HEADS * KV_HEADS
MATRICES = {
    f"blk.{layer}.{name}.weight": shape
    for layer in range(LAYERS)
    for name, shape in {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (_KV_WIDTH, WIDTH),
        "attn_v": (_KV_WIDTH, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (INNER, WIDTH),
        "ffn_up": (INNER, WIDTH),
        "ffn_down": (WIDTH, INNER),
    }.items()
}
"""The matrices of its layers, which an adapter may change, rows first."""


def write_tiny(
    path: Path,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
    *,
    seed: int = 7,
    scale: float = 0.3,
    context: int = 2048,
    controls: tuple[str, ...] = CHATML,
    begins: int = 1,
    ends: int = 2,
    alignment: int | None = None,
) -> Path:
    """Write the model with the layout of the real base: a tied embedding, and its matrices in ``kind``.

    With the usual ``scale`` of its weights attention is far from uniform: a wrong mask or position shows.
    ``begins`` and ``ends`` are the ids of the tokens that begin and end a text, among ``controls``.
    """
    random = np.random.default_rng(seed)
    tokens = [*controls, *byte_letters(), "th", "Ġth"]
    writer = gguf.GGUFWriter(path, "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_type("model")
    writer.add_name("Tiny für Tests")
    writer.add_languages(["en"])
    writer.add_context_length(context)
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
    writer.add_token_merges(["t h", "Ġ th"])
    writer.add_bos_token_id(begins)
    writer.add_eos_token_id(ends)
    writer.add_add_bos_token(False)
    for name, shape in {"token_embd.weight": (len(tokens), WIDTH), **MATRICES}.items():
        values = random.normal(0, scale, shape).astype(np.float32)
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    norms = [f"blk.{layer}.{name}.weight" for layer in range(LAYERS) for name in ("attn_norm", "ffn_norm")]
    for name in (*norms, "output_norm.weight"):
        writer.add_tensor(name, random.normal(1, 0.1, WIDTH).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def byte_letters() -> list[str]:
    """The 256 letters by which a GPT-2 vocabulary writes bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {b: chr(256 + n) for n, b in enumerate(others)}
    return [letters[byte] for byte in range(256)]

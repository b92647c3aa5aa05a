"""A merged model says what llama.cpp says when it applies the adapter, and reads text as the base does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest

from tracker.errors import ModelError
from tracker.model.adapter import Quantisation
from tracker.model.base import Base, find_base
from tracker.model.merge import merge
from tracker.model.quantise import quantise
from tracker.vocabulary import Vocabulary

Maker = Callable[..., Path]
Reader = Callable[..., tuple[list[int], npt.NDArray[np.float32]]]

TEXT = "The bath is booked, that is all."


def metadata(reader: gguf.GGUFReader) -> dict[str, tuple[list[gguf.GGUFValueType], object]]:
    return {name: (field.types, field.contents()) for name, field in reader.fields.items()}


@pytest.mark.parametrize("alpha", [8.0, 2.0, 0.0])
def test_says_what_llama_cpp_says_with_the_adapter(
    tmp_path: Path, write_model: Maker, make_adapter: Maker, read_with: Reader, alpha: float
) -> None:
    base = write_model(tmp_path / "base.gguf", gguf.GGMLQuantizationType.F32)
    adapter, merged = make_adapter(alpha=alpha), tmp_path / "merged.gguf"
    merge(base, adapter, merged, precision="F32")
    _, without = read_with(base, TEXT)
    _, expected = read_with(base, TEXT, adapter)
    _, found = read_with(merged, TEXT)
    assert np.abs(expected - without).max() > 1.0, "the adapter must do something"
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_quantised_base_is_dequantised_before_the_adapter_is_added(
    tmp_path: Path, tiny_file: Path, make_adapter: Maker, read_with: Reader
) -> None:
    wide, merged = tmp_path / "wide.gguf", tmp_path / "merged.gguf"
    adapter = make_adapter()
    nothing = make_adapter(scale=0.0, path=tmp_path / "nothing.gguf")
    merge(tiny_file, nothing, wide, precision="F32")  # the base's own weights, dequantised
    merge(tiny_file, adapter, merged)
    _, expected = read_with(wide, TEXT, adapter)
    _, found = read_with(merged, TEXT)
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_all_that_the_adapter_does_not_change_is_copied(
    tmp_path: Path, write_model: Maker, make_adapter: Maker
) -> None:
    base = write_model(tmp_path / "base.gguf", gguf.GGMLQuantizationType.Q4_1, alignment=64)
    changed = "blk.1.ffn_up.weight"
    merged = tmp_path / "merged.gguf"
    merge(base, make_adapter(names={changed: (128, 64)}), merged)
    before, after = gguf.GGUFReader(base), gguf.GGUFReader(merged)
    assert metadata(after) == metadata(before)
    assert [tensor.name for tensor in after.tensors] == [tensor.name for tensor in before.tensors]
    for old, new in zip(before.tensors, after.tensors, strict=True):
        if old.name == changed:
            assert new.tensor_type is gguf.GGMLQuantizationType.F16
        else:
            assert new.tensor_type is old.tensor_type
            assert new.data.tobytes() == old.data.tobytes()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"kind": "control_vector"}, "not a LoRA adapter"),
        ({"architecture": "gemma3"}, "an adapter for gemma3, but the base is llama"),
        ({"names": {"blk.9.attn_q.weight": (64, 64)}}, "changes blk.9.attn_q.weight"),
        ({"names": {"token_embd.weight": (261, 64)}}, "changes token_embd.weight"),
        ({"names": {"blk.0.attn_q.weight": (64, 32)}}, "do not fit"),
        ({"names": {"blk.0.attn_norm.weight": (64, 64)}}, "do not fit"),
        ({"halves": "a"}, "not a LoRA pair"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(
    tmp_path: Path, tiny_file: Path, make_adapter: Maker, options: dict[str, object], complaint: str
) -> None:
    output = tmp_path / "merged.gguf"
    with pytest.raises(ModelError, match=complaint):
        merge(tiny_file, make_adapter(**options), output)
    assert not output.exists()


@pytest.mark.parametrize("size", [0, 3, 100, 3000])
def test_a_damaged_adapter_is_refused(
    tmp_path: Path, tiny_file: Path, make_adapter: Maker, size: int
) -> None:
    adapter = make_adapter()
    adapter.write_bytes(adapter.read_bytes()[:size])
    with pytest.raises(ModelError, match=r"adapter\.gguf: not a GGUF file, or a damaged one"):
        merge(tiny_file, adapter, tmp_path / "merged.gguf")


@pytest.mark.parametrize("quantisation", list(Quantisation))
def test_a_quantised_model_still_says_nearly_the_same(
    tmp_path: Path, tiny_base: Base, read_with: Reader, quantisation: Quantisation
) -> None:
    output = tmp_path / "quantised.gguf"
    quantise(tiny_base.path, output, quantisation, threads=1)
    tokens, expected = read_with(tiny_base.path, TEXT)
    same_tokens, found = read_with(output, TEXT)
    assert same_tokens == tokens
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95


def test_what_llama_cpp_cannot_quantise_is_an_error_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "text.gguf"
    source.write_text("not a model")
    with pytest.raises(ModelError, match=r"text\.gguf: llama\.cpp could not quantise the model: .") as caught:
        quantise(source, tmp_path / "out.gguf", Quantisation.Q8_0, threads=1)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_the_real_base_with_an_adapter_of_zeros_stays_itself(
    tmp_path: Path, make_adapter: Maker, read_with: Reader
) -> None:
    base = find_base().path
    width = 576
    names = {f"blk.{layer}.attn_q.weight": (width, width) for layer in range(4)}
    merged, small = tmp_path / "merged.gguf", tmp_path / "small.gguf"
    merge(base, make_adapter(scale=0.0, names=names), merged)
    quantise(merged, small, Quantisation.Q8_0, threads=1)
    merged.unlink()

    text = "Der Zug fährt um 10:15: I'd like 2 tickets, please! <|im_end|> 🚆"
    tokens, expected = read_with(base, text)
    same_tokens, found = read_with(small, text)
    assert same_tokens == tokens
    alike = [np.corrcoef(*rows)[0, 1] for rows in zip(found, expected, strict=True)]
    assert min(alike) > 0.99

    with Vocabulary.open(base) as before, Vocabulary.open(small) as after:
        assert after.pieces == before.pieces
    names = {tensor.name for tensor in gguf.GGUFReader(small).tensors}
    assert len(names) == 272
    assert "output.weight" not in names, "the embedding is tied"

"""Merging a LoRA adapter into a base model, GGUF in and GGUF out.

Knows llama.cpp's form of a LoRA adapter: for a weight ``W`` of shape ``(out, in)`` the tensors
``<name>.lora_a`` of shape ``(rank, in)`` and ``<name>.lora_b`` of shape ``(out, rank)``, and one
``adapter.lora.alpha`` for all. Knows nothing about where models are kept, nor about quantising the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gguf
import numpy as np
import numpy.typing as npt

from tracker.errors import ModelError

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Factors:
    """What an adapter adds to one weight: ``scale * b @ a``."""

    a: Array
    b: Array
    scale: float

    def added_to(self, weight: Array) -> Array:
        return weight + np.float32(self.scale) * (self.b @ self.a)


def merge(base: Path, adapter: Path, output: Path, *, precision: Literal["F16", "F32"] = "F16") -> None:
    """Write ``base`` with ``adapter`` added to its weights: ``W + (alpha / rank) * B @ A``.

    The weights that the adapter changes are dequantised and written in ``precision``. All other tensors, the
    metadata and the vocabulary are written as they are, so ``output`` can be quantised once, from there. One
    tensor at a time is in memory.

    Raises ``ModelError`` when one of the files is damaged or the adapter does not fit the base, and
    ``OSError`` when ``output`` cannot be written.
    """
    source, change = open_gguf(base), open_gguf(adapter)
    factors = _factors(change, source, adapter)
    kind = gguf.GGMLQuantizationType[precision]
    dtype = np.dtype(np.float16 if precision == "F16" else np.float32)

    writer = gguf.GGUFWriter(output, arch=_text(source, gguf.Keys.General.ARCHITECTURE))
    try:
        writer.data_alignment = int(source.alignment)
        _copy_metadata(source, writer)
        for tensor in source.tensors:
            if tensor.name in factors:
                shape = _shape(tensor)
                size = int(np.prod(shape)) * dtype.itemsize
                writer.add_tensor_info(tensor.name, shape, dtype, size, kind)
            else:
                data = tensor.data
                writer.add_tensor_info(tensor.name, data.shape, data.dtype, data.nbytes, tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in source.tensors:
            if tensor.name in factors:
                merged = factors[tensor.name].added_to(_weights(tensor, base))
                writer.write_tensor_data(merged.astype(dtype))
            else:
                writer.write_tensor_data(tensor.data)
    finally:
        writer.close()


def open_gguf(path: Path) -> gguf.GGUFReader:
    """A reader of a GGUF file. Raises ``ModelError`` where it is missing or damaged."""
    try:
        return gguf.GGUFReader(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror or error}") from None
    except (ValueError, IndexError, KeyError) as error:
        # The reader has no error of its own: a file cut short ends in a numpy error.
        raise ModelError(f"{path}: not a GGUF file, or a damaged one: {error}") from None


def _factors(change: gguf.GGUFReader, source: gguf.GGUFReader, path: Path) -> dict[str, _Factors]:
    """The adapter's factors by the name of the weight that they change, checked against the base."""
    if (_text(change, "general.type"), _text(change, "adapter.type")) != ("adapter", "lora"):
        raise ModelError(f"{path}: not a LoRA adapter")
    mine, theirs = (_text(reader, gguf.Keys.General.ARCHITECTURE) for reader in (change, source))
    if mine != theirs:
        raise ModelError(
            f"{path}: an adapter for {mine or 'an unknown architecture'}, but the base is {theirs}"
        )
    alpha = float(_value(change, "adapter.lora.alpha") or 0.0)
    weights = {tensor.name: tensor for tensor in source.tensors}
    halves = {tensor.name: tensor for tensor in change.tensors}
    factors: dict[str, _Factors] = {}
    for name in _adapted(halves, path):
        # Added to a tied embedding the factors would change the output as well, which llama.cpp does not do.
        if name not in weights or name.startswith("token_embd"):
            raise ModelError(
                f"{path}: changes {name}, which the base does not have or an adapter cannot change"
            )
        a, b = (_weights(halves[f"{name}.lora_{half}"], path) for half in "ab")
        shape = _shape(weights[name])
        if a.ndim != 2 or b.ndim != 2 or (b.shape[0], a.shape[1]) != shape or a.shape[0] != b.shape[1]:
            raise ModelError(
                f"{path}: {name} has the shape {shape}, its factors {b.shape} and {a.shape} do not fit"
            )
        rank = a.shape[0]
        # As in llama.cpp, an alpha of zero means no scaling.
        factors[name] = _Factors(a, b, alpha / rank if alpha else 1.0)
    return factors


def _adapted(halves: Iterable[str], path: Path) -> list[str]:
    """The names of the weights that an adapter's tensors belong to; each must have both of its halves."""
    found: dict[str, set[str]] = {}
    for tensor in halves:
        name, _, half = tensor.rpartition(".lora_")
        found.setdefault(name, set()).add(half)
    for name, parts in found.items():
        if parts != {"a", "b"}:
            raise ModelError(f"{path}: the tensors of {name or 'some weight'} are not a LoRA pair")
    return list(found)


def _weights(tensor: gguf.ReaderTensor, path: Path) -> Array:
    """A tensor's numbers, dequantised, rows first."""
    try:
        return np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
    except NotImplementedError:
        raise ModelError(f"{path}: cannot read weights of the type {tensor.tensor_type.name}") from None


def _shape(tensor: gguf.ReaderTensor) -> tuple[int, ...]:
    """A tensor's shape, rows first: GGUF writes the fastest dimension first."""
    return tuple(reversed(tensor.shape.tolist()))


def _copy_metadata(source: gguf.GGUFReader, writer: gguf.GGUFWriter) -> None:
    for field in source.fields.values():
        # The counts are the reader's own; the architecture is written by the writer.
        if field.name.startswith("GGUF.") or field.name == gguf.Keys.General.ARCHITECTURE:
            continue
        kind = field.types[0]
        item = field.types[-1] if kind is gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=item)


def _value(reader: gguf.GGUFReader, key: str) -> str | float | None:
    field = reader.get_field(key)
    value = None if field is None else field.contents()
    return value if isinstance(value, str | int | float) else None


def _text(reader: gguf.GGUFReader, key: str) -> str:
    value = _value(reader, key)
    return value if isinstance(value, str) else ""

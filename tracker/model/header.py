"""The header of a GGUF file, read only as far as is needed to say whether the file is whole.

Knows the layout of GGUF versions 2 and 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Reads
no weights, and walks over a vocabulary of 50,000 tokens in a tenth of a second where ``gguf.GGUFReader``
takes seconds: this runs before every load of a model that the user names.
"""

from __future__ import annotations

import mmap
import struct
from math import prod
from pathlib import Path
from types import MappingProxyType

from gguf.constants import GGML_QUANT_SIZES, GGUF_DEFAULT_ALIGNMENT, GGMLQuantizationType, GGUFValueType

from tracker.errors import ModelError

_WIDTHS = MappingProxyType(
    {
        GGUFValueType.UINT8: 1,
        GGUFValueType.INT8: 1,
        GGUFValueType.BOOL: 1,
        GGUFValueType.UINT16: 2,
        GGUFValueType.INT16: 2,
        GGUFValueType.UINT32: 4,
        GGUFValueType.INT32: 4,
        GGUFValueType.FLOAT32: 4,
        GGUFValueType.UINT64: 8,
        GGUFValueType.INT64: 8,
        GGUFValueType.FLOAT64: 8,
    }
)


def check_whole(path: Path) -> None:
    """Raise ``ModelError`` unless ``path`` is a GGUF model file that holds every tensor it announces."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ModelError(f"{path}: not a GGUF model file")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                size = len(data)
                needed = _Walk(data).needed_size()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror or error}") from None
    except (struct.error, ValueError):
        # Ran out of bytes, or into bytes that mean nothing.
        raise ModelError(f"{path}: the model file is damaged or truncated in its header") from None
    if size < needed:
        raise ModelError(f"{path}: the model file is truncated: {size:,} of {needed:,} bytes are there")


class _Walk:
    """A walk over a header from its first byte; a number out of the file's bounds ends it with an error."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 4

    def needed_size(self) -> int:
        """The bytes that the file must have so that its last tensor is whole.

        Raises ``struct.error`` or ``ValueError`` where the header makes no sense.
        """
        (version,) = self._take("<I")
        if version not in (2, 3):
            raise ValueError(f"GGUF version {version}")
        tensors, fields = self._take("<QQ")
        if not tensors:
            raise ValueError("no tensors")
        alignment = GGUF_DEFAULT_ALIGNMENT
        for _ in range(fields):
            key = self._string()
            (kind,) = self._take("<I")
            if key == b"general.alignment" and kind == GGUFValueType.UINT32:
                (alignment,) = self._take("<I")
                if not alignment:
                    raise ValueError("an alignment of nothing")
            else:
                self._skip_value(GGUFValueType(kind))
        end = max(self._tensor_end() for _ in range(tensors))
        return self._at + -self._at % alignment + end

    def _tensor_end(self) -> int:
        """The place of a tensor's last byte behind the start of the weights."""
        self._string()
        (dimensions,) = self._take("<I")
        shape = self._take(f"<{dimensions}Q")
        kind, offset = self._take("<IQ")
        elements = prod(shape)
        try:
            block, width = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        except ValueError:  # a type that llama.cpp may know and the gguf library does not yet
            return int(offset)
        return int(offset) + elements // block * width

    def _skip_value(self, kind: GGUFValueType) -> None:
        if kind is GGUFValueType.STRING:
            self._string()
        elif kind is GGUFValueType.ARRAY:
            item_number, count = self._take("<IQ")
            item = GGUFValueType(item_number)
            if item in _WIDTHS:
                self._move(_WIDTHS[item] * count)
                return
            if item is GGUFValueType.ARRAY:
                raise ValueError("an array of arrays")
            for _ in range(count):
                self._string()
        else:
            self._move(_WIDTHS[kind])

    def _string(self) -> bytes:
        (length,) = self._take("<Q")
        start = self._at
        self._move(length)
        return self._data[start : self._at]

    def _take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def _move(self, count: int) -> None:
        self._at += count
        if self._at > len(self._data):
            raise ValueError("past the end of the file")

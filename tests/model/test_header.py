"""A model file that is cut short or is no model is refused before llama.cpp sees it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import gguf
import pytest

from tracker.errors import ModelError
from tracker.model.base import find_base
from tracker.model.header import check_whole


@pytest.mark.parametrize("alignment", [None, 64])
def test_a_whole_model_passes_and_one_without_its_last_bytes_does_not(
    tmp_path: Path, write_model: Callable[..., Path], alignment: int | None
) -> None:
    path = write_model(tmp_path / "model.gguf", gguf.GGMLQuantizationType.Q4_1, alignment=alignment)
    check_whole(path)
    last = gguf.GGUFReader(path).tensors[-1]
    end = last.data_offset + last.n_bytes
    whole = path.read_bytes()
    path.write_bytes(whole[:end])
    check_whole(path)  # padding behind the last tensor is nobody's
    path.write_bytes(whole[: end - 1])
    with pytest.raises(ModelError, match=rf"truncated: {end - 1:,} of {end:,} bytes"):
        check_whole(path)


def test_the_real_base_passes() -> None:
    check_whole(find_base().path)


def test_a_header_cut_anywhere_is_refused(tmp_path: Path, tiny_file: Path) -> None:
    whole = tiny_file.read_bytes()
    start = gguf.GGUFReader(tiny_file).data_offset
    path = tmp_path / "cut.gguf"
    for size in [4, 5, 8, 23, 24, 25, *range(60, start, 97)]:
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError, match=r"cut\.gguf: the model file is damaged or truncated"):
            check_whole(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not a GGUF model file"),
        (b"version https://git-lfs.github.com/spec/v1", "not a GGUF model file"),
        (b"GGUF" + struct.pack("<IQQ", 1, 1, 0), "damaged"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 0), "damaged"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "damaged"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**63) + b"\xff" * 64, "damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 2**62) + b"\xff" * 64, "damaged"),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 17) + b"general.alignment" + struct.pack("<II", 4, 0),
            "damaged",
        ),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"other\.gguf: .*{complaint}"):
        check_whole(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.gguf: cannot read the model: No such file"):
        check_whole(tmp_path / "absent.gguf")
    with pytest.raises(ModelError, match="cannot read the model: Is a directory"):
        check_whole(tmp_path)

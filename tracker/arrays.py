"""Reads and writes a trained model's numbers: one compressed ``.npz`` file of named arrays.

Knows the file, never loads a pickle and leaves no half-written file. Knows nothing about what arrays mean.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tracker.atomic import write_bytes
from tracker.errors import ModelError

Array = npt.NDArray[Any]


def read_arrays(path: Path, what: str) -> dict[str, Array]:
    """The arrays by name. Raises ``ModelError``, which names ``what``, where the file is no such thing."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: {what} cannot be read: {error}") from None


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write the arrays; a file that was there is replaced whole or not at all.

    Raises ``InputError`` where the place cannot be written to.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())

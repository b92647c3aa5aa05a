"""The hash by which model files are known. Knows nothing about what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tracker.errors import ModelError


def sha256(path: Path) -> str:
    """The SHA-256 of a model file, 64 hexadecimal digits. Raises ``ModelError`` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror or error}") from None

"""The trained adapter that goalstate ships: a LoRA in GGUF, its manifest, and what belongs to it.

Knows the files in ``models/`` and the few keys of the manifest that preparing a model needs. Knows nothing
about what an adapter does to a base.

The folder holds ``adapter.gguf``, ``manifest.json`` and, where the adapter was calibrated,
``calibration.json``, with the models of the opinions that are to count beside it (``tracker.opinions``), such
as ``lexical.npz``. Of the manifest this is read, and all of it may be left out::

    {"base": {"sha256": "..."}, "adapter": {"sha256": "..."}, "quantisation": "Q8_0"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tracker.errors import ModelError
from tracker.model.digest import sha256
from tracker.opinions import Opinion


class Quantisation(StrEnum):
    """How a prepared model's weights are stored, by llama.cpp's names."""

    Q8_0 = "Q8_0"
    Q4_0 = "Q4_0"
    Q4_K_M = "Q4_K_M"
    F16 = "F16"


class FileReference(BaseModel):
    """A file that a manifest speaks of, by its hash."""

    model_config = ConfigDict(frozen=True)

    sha256: str | None = None


class Manifest(BaseModel):
    """What preparing a model needs of ``manifest.json``; figures and data are there for people."""

    model_config = ConfigDict(frozen=True)

    base: FileReference = FileReference()
    adapter: FileReference = FileReference()
    quantisation: Quantisation = Quantisation.Q8_0


@dataclass(frozen=True)
class Adapter:
    """A trained adapter and what belongs to it."""

    path: Path
    sha256: str
    manifest: Manifest
    calibration: Path | None
    opinions: Mapping[Opinion, Path]
    """The models of opinions that are there."""


def read_adapter(folder: Path | None) -> Adapter | None:
    """The adapter in ``folder``; ``None`` when neither it nor its manifest is there.

    Raises ``ModelError`` when one is there without the other, when the manifest is not one, and when the
    adapter is not the file that the manifest was written for.
    """
    if folder is None:
        return None
    path, manifest_path, calibration = (
        folder / name for name in ("adapter.gguf", "manifest.json", "calibration.json")
    )
    if not path.exists() and not manifest_path.exists():
        return None
    if not path.exists() or not manifest_path.exists():
        missing = path if not path.exists() else manifest_path
        raise ModelError(f"{missing} is missing: the trained adapter is not completely installed")
    manifest = _read_manifest(manifest_path)
    found = sha256(path)
    if manifest.adapter.sha256 not in (None, found):
        raise ModelError(
            f"{path}: not the adapter that {manifest_path.name} describes (sha256 {found[:12]}…, expected "
            f"{manifest.adapter.sha256[:12]}…)"
        )
    opinions = {opinion: file for opinion in Opinion if (file := folder / f"{opinion}.npz").exists()}
    return Adapter(path, found, manifest, calibration if calibration.exists() else None, opinions)


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot read the manifest: {error.strerror or error}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise ModelError(": ".join(part for part in (str(path), field, problem["msg"]) if part)) from None

"""The user's cache of prepared models: made once, under a lock, and found again by the hashes of their parts.

Knows the cache folder and how a prepared model gets into it whole or not at all. Knows nothing about which
model is wanted (``tracker.model``).

A prepared model is ``<base>-<adapter>-<quantisation>.gguf``, with the first 12 digits of the parts' hashes,
or ``base`` in place of an adapter. A file of the same name ending in ``.json`` says what it was made of. It
is put there last, and a model without it, or of another size than it says, counts as not there.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from tracker.errors import CacheError, ModelError
from tracker.model.adapter import Adapter, Quantisation
from tracker.model.base import Base
from tracker.model.digest import sha256

_PREPARED = re.compile(rf"[0-9a-f]{{12}}-([0-9a-f]{{12}}|base)-({'|'.join(Quantisation)})\.(gguf|json)")
_UNFINISHED = "unfinished-"
_METHOD = 1
"""Counted up when models are prepared in another way, so that old ones are made anew."""
_PATIENCE_S = 900.0
"""How long to wait for another process that is preparing."""


@dataclass(frozen=True)
class Recipe:
    """What a prepared model is made of."""

    base: Base
    adapter: Adapter | None
    quantisation: Quantisation

    @property
    def key(self) -> str:
        """The file name of the result, without its ending."""
        adapter = self.adapter.sha256[:12] if self.adapter else "base"
        return f"{self.base.sha256[:12]}-{adapter}-{self.quantisation}"

    @property
    def name(self) -> str:
        """The result's name for people and records, which tells trained models apart."""
        adapter = f"+{self.adapter.sha256[:12]}" if self.adapter else ""
        return f"{self.base.name}{adapter}.{self.quantisation}"


class Provenance(BaseModel):
    """What a prepared model was made of, by what, and what came out."""

    model_config = ConfigDict(frozen=True)

    name: str
    base_sha256: str
    adapter_sha256: str | None
    quantisation: Quantisation
    size: int
    """Bytes."""
    sha256: str
    goalstate: str
    """The version of goalstate that prepared it."""
    llama_cpp: str
    """The version of llama-cpp-python that quantised it."""
    method: int


@dataclass(frozen=True)
class Entry:
    """A prepared model in the cache."""

    path: Path
    provenance: Provenance

    def check(self) -> None:
        """Raise ``ModelError`` unless the file's hash is the one that it was prepared with."""
        if sha256(self.path) != self.provenance.sha256:
            raise ModelError(
                f"{self.path}: the prepared model has changed on disk; run: goalstate model clear"
            )


Builder = Callable[[Recipe, Path, Path], None]
"""Makes a recipe's model at the first path; the second is an empty folder for what it needs in between."""


def cache_folder() -> Path:
    """Where prepared models are kept: in ``$GOALSTATE_CACHE``, or where this system keeps caches."""
    root = os.environ.get("GOALSTATE_CACHE") or platformdirs.user_cache_dir("goalstate", appauthor=False)
    return Path(root).expanduser().absolute() / "models"


class Cache:
    """Prepared models in a folder, safe to use from many processes at once.

    Its methods raise ``CacheError`` where the folder cannot be read or written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = cache_folder() if folder is None else folder

    def path(self, recipe: Recipe) -> Path:
        """Where a recipe's model is, or would be."""
        return self.folder / f"{recipe.key}.gguf"

    def find(self, recipe: Recipe) -> Entry | None:
        """A recipe's model if it has been prepared. Looks at its size, not at its hash."""
        entry = self._entry(self.path(recipe))
        return entry if entry is not None and entry.provenance.method == _METHOD else None

    def entries(self) -> list[Entry]:
        """All models in the cache, by name."""
        with self._usable():
            paths = sorted(self.folder.glob("*.gguf")) if self.folder.exists() else []
            found = [self._entry(path) for path in paths if _PREPARED.fullmatch(path.name)]
        return [entry for entry in found if entry is not None]

    def ensure(self, recipe: Recipe, build: Builder) -> tuple[Entry, bool]:
        """A recipe's model, built first unless it is there, and whether this call built it.

        Of several processes one builds and the others wait for it. An interrupted or failed build leaves
        nothing behind that counts, and the next one removes its remains.
        """
        entry = self.find(recipe)
        if entry is not None:
            return entry, False
        with self._locked():
            entry = self.find(recipe)  # another process may have been faster
            if entry is not None:
                return entry, False
            return self._build(recipe, build), True

    def clear(self) -> list[tuple[Path, int]]:
        """Remove all prepared models and the remains of interrupted builds.

        Returns what was removed with its size in bytes, without the files that say what a model is made of.
        Files that goalstate did not put there stay.
        """
        if not self.folder.exists():
            return []
        with self._locked():
            removed = self._remove_unfinished()
            for path in sorted(self.folder.iterdir()):
                if not _PREPARED.fullmatch(path.name):
                    continue
                if path.suffix == ".gguf":
                    removed.append((path, path.stat().st_size))
                path.unlink()
        return removed

    def check_writable(self) -> None:
        """Raise ``CacheError`` unless files can be written there."""
        with self._usable():
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                file.write(b"goalstate")

    def free_space(self) -> int:
        """Bytes that are free where the cache is."""
        with self._usable():
            existing = next(folder for folder in (self.folder, *self.folder.parents) if folder.exists())
            return shutil.disk_usage(existing).free

    def _build(self, recipe: Recipe, build: Builder) -> Entry:
        self._remove_unfinished()
        path = self.path(recipe)
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=self.folder) as name:
            work = Path(name)
            model, sidecar, between = work / "model.gguf", work / "model.json", work / "between"
            between.mkdir()
            build(recipe, model, between)
            provenance = Provenance(
                name=recipe.name,
                base_sha256=recipe.base.sha256,
                adapter_sha256=recipe.adapter.sha256 if recipe.adapter else None,
                quantisation=recipe.quantisation,
                size=model.stat().st_size,
                sha256=sha256(model),
                goalstate=_version("goalstate"),
                llama_cpp=_version("llama-cpp-python"),
                method=_METHOD,
            )
            sidecar.write_text(provenance.model_dump_json(indent=2) + "\n", encoding="utf-8")
            _flush(model, sidecar)
            # What the old sidecar says must not be believed of the new model.
            path.with_suffix(".json").unlink(missing_ok=True)
            model.replace(path)
            sidecar.replace(path.with_suffix(".json"))
        return Entry(path, provenance)

    def _entry(self, path: Path) -> Entry | None:
        try:
            provenance = Provenance.model_validate_json(path.with_suffix(".json").read_bytes())
            whole = path.stat().st_size == provenance.size
        except (OSError, ValidationError):
            return None
        return Entry(path, provenance) if whole else None

    def _remove_unfinished(self) -> list[tuple[Path, int]]:
        """Remove what killed processes left; only under the lock, where no other process is building."""
        removed = []
        for folder in sorted(self.folder.glob(f"{_UNFINISHED}*")):
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            shutil.rmtree(folder)
            removed.append((folder, size))
        return removed

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._usable():
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                with FileLock(self.folder / ".lock", timeout=_PATIENCE_S):
                    yield
            except Timeout:
                raise CacheError(
                    f"{self.folder}: another process has been preparing the model for too long"
                ) from None
            except NotImplementedError:
                raise CacheError(f"{self.folder}: files cannot be locked there; {_ELSEWHERE}") from None

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CacheError(
                f"{self.folder}: cannot use the cache: {error.strerror or error}; {_ELSEWHERE}"
            ) from error


_ELSEWHERE = "set GOALSTATE_CACHE to a folder that you can write to"


def _flush(*paths: Path) -> None:
    """Make files survive a power cut, so that a rename never outlives what it names."""
    for path in paths:
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # a checkout that is not installed
        return "unknown"

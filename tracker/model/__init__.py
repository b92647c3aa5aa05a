"""The model that goalstate tracks with: found or prepared, and ready for llama.cpp.

Knows which model is wanted and how it is made: the base that a dependency carries, the trained adapter that
goalstate ships merged into it, quantised once and kept in the user's cache. Knows nothing about loading it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tracker.errors import CacheError, ModelError
from tracker.model.adapter import Adapter, Quantisation, read_adapter
from tracker.model.base import Base, find_base
from tracker.model.cache import Cache, Recipe
from tracker.opinions import Opinion
from tracker.resources import models_dir

__all__ = ["PreparedModel", "build", "prepare", "prepare_user", "shipped_recipe"]

_ROOM = 6
"""Preparing needs at most so many times the base's size on the disk: its weights in 16 bits, twice."""


@dataclass(frozen=True)
class PreparedModel:
    """A model file that llama.cpp can load."""

    path: Path
    name: str
    """For people and for records."""
    trained: bool
    """Whether it was trained for tracking: the shipped adapter is in it."""
    calibration: Path | None
    """The calibration that belongs to it."""
    opinions: Mapping[Opinion, Path]
    """The models that give opinions beside it."""


def prepare(model: str | Path | None = None) -> PreparedModel:
    """The model to track with.

    Without ``model`` it is the shipped one, prepared on first use: some ten seconds, once. A ``model`` given
    by path, any GGUF that llama.cpp loads, is used as it is.

    Raises ``ModelError`` where a model file is missing, damaged or not the expected one, and ``CacheError``
    where the cache cannot be used.
    """
    if model is not None:
        return _given(Path(model))
    recipe = shipped_recipe()
    entry, _ = Cache().ensure(recipe, build)
    return _prepared(recipe, entry.path)


def prepare_user(model: str | Path | None = None) -> PreparedModel:
    """The model that plays the user in a simulation; without ``model`` goalstate's own.

    ``trained`` says whether it was trained to play users, which a model given by path is taken to be good at
    anyway. Raises as ``prepare`` does.
    """
    if model is not None:
        return replace(_given(Path(model)), trained=True)
    folder = models_dir()
    recipe = _recipe(None if folder is None else folder / "user")
    entry, _ = Cache().ensure(recipe, build)
    return _prepared(recipe, entry.path)


def shipped_recipe() -> Recipe:
    """What the shipped model is made of here.

    Raises ``ModelError`` where the base is not installed, or the adapter is incomplete or for another base.
    """
    return _recipe(models_dir())


def _recipe(folder: Path | None) -> Recipe:
    """What the model whose adapter lies in a folder is made of."""
    base, adapter = find_base(), read_adapter(folder)
    if adapter is not None:
        _check_fits(adapter, base)
    return Recipe(base, adapter, adapter.manifest.quantisation if adapter else Quantisation.Q8_0)


def build(recipe: Recipe, output: Path, between: Path) -> None:
    """Write a recipe's model to ``output``, with what is needed on the way in the folder ``between``.

    Raises ``ModelError`` where a part is damaged or does not fit the others, ``CacheError`` where the disk
    has no room.
    """
    # Loaded here because a model that is prepared already, the usual case, needs none of it.
    from tracker.hardware import load_options
    from tracker.model.merge import merge
    from tracker.model.quantise import quantise

    recipe.base.check()
    needed, free = _ROOM * recipe.base.path.stat().st_size, shutil.disk_usage(between).free
    if free < needed:
        raise CacheError(
            f"preparing the model needs {needed / 1e6:.0f} MB in the cache and {free / 1e6:.0f} MB are free; "
            "make room, or set GOALSTATE_CACHE to a folder on another disk"
        )
    source = recipe.base.path
    if recipe.adapter is not None:
        source = between / "merged.gguf"
        merge(recipe.base.path, recipe.adapter.path, source)
    quantise(source, output, recipe.quantisation, threads=load_options().threads)


def _prepared(recipe: Recipe, path: Path) -> PreparedModel:
    adapter = recipe.adapter
    if adapter is None:
        return PreparedModel(path, recipe.name, trained=False, calibration=None, opinions={})
    return PreparedModel(path, recipe.name, True, adapter.calibration, adapter.opinions)


def _given(path: Path) -> PreparedModel:
    from tracker.model.header import check_whole

    check_whole(path)
    cache = Cache()
    if path.resolve().parent == cache.folder.resolve():
        recipe = shipped_recipe()
        if path.resolve() == cache.path(recipe).resolve():
            return _prepared(recipe, path)
    return PreparedModel(path, path.stem, trained=False, calibration=None, opinions={})


def _check_fits(adapter: Adapter, base: Base) -> None:
    expected = adapter.manifest.base.sha256
    if expected not in (None, base.sha256):
        raise ModelError(
            f"{adapter.path}: trained for another base model than {base.name} (sha256 {expected[:12]}…, here "
            f"{base.sha256[:12]}…)"
        )

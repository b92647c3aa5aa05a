"""``goalstate model``: where the prepared model is, how large and made of what; prepares and clears it.

Knows what is shown. Knows nothing about how models are prepared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tracker.model.cache import Entry


@click.group(invoke_without_command=True)
@click.pass_context
def model(context: click.Context) -> None:
    """Show, prepare or clear the model that goalstate tracks with; shows it without a command."""
    if context.invoked_subcommand is None:
        context.invoke(info)


@model.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def info(as_json: bool = False) -> None:
    """Show where the model is, how large, and what it is made of."""
    from tracker.model import shipped_recipe
    from tracker.model.cache import Cache

    recipe, cache = shipped_recipe(), Cache()
    entries = cache.entries()
    current = cache.path(recipe)
    if as_json:
        parts = {
            "model": recipe.name,
            "base": {"path": str(recipe.base.path), "sha256": recipe.base.sha256},
            "adapter": recipe.adapter and {"path": str(recipe.adapter.path), "sha256": recipe.adapter.sha256},
            "quantisation": recipe.quantisation,
            "cache": str(cache.folder),
            "path": str(current) if cache.find(recipe) else None,
            "prepared": [
                {"path": str(entry.path), **entry.provenance.model_dump(mode="json")} for entry in entries
            ],
        }
        click.echo(json.dumps(parts, indent=2))
        return

    _row("model", recipe.name)
    _row("base", f"{_size(recipe.base.path)}, sha256 {recipe.base.sha256[:12]}", recipe.base.path)
    if recipe.adapter is None:
        _row("adapter", click.style("none installed: statuses will be poor", fg="yellow"))
    else:
        adapter = recipe.adapter
        _row("adapter", f"{_size(adapter.path)}, sha256 {adapter.sha256[:12]}", adapter.path)
    found = cache.find(recipe)
    if found is None:
        _row("prepared", "not yet: happens at first use, or with: goalstate model prepare")
    else:
        _row("prepared", *_about(found))
    for entry in entries:
        if entry.path != current:
            _row("not used", *_about(entry))
    total = sum(entry.provenance.size for entry in entries)
    _row("cache", f"{len(entries)} model{'' if len(entries) == 1 else 's'}, {_bytes(total)}", cache.folder)


@model.command()
def prepare() -> None:
    """Prepare the model now, so that the first use need not; does nothing where it is prepared."""
    from tracker.model import build, shipped_recipe
    from tracker.model.cache import Cache

    entry, built = Cache().ensure(shipped_recipe(), build)
    _row("prepared" if built else "ready", *_about(entry))


@model.command()
def clear() -> None:
    """Remove all prepared models from the cache; the next use prepares anew."""
    from tracker.model.cache import Cache

    cache = Cache()
    removed = cache.clear()
    for path, size in removed:
        _row("removed", _bytes(size), path)
    if not removed:
        _row("cache", "empty", cache.folder)


def _about(entry: Entry) -> Iterator[str | Path]:
    made = entry.provenance
    yield f"{_bytes(made.size)}, {made.quantisation}, sha256 {made.sha256[:12]}"
    yield entry.path


def _row(subject: str, what: str | Path, path: str | Path | None = None) -> None:
    """A line, and a path on a line of its own, so that it can be copied whole."""
    click.echo(f"{click.style(f'{subject:<9}', bold=True)} {what}")
    if path is not None:
        click.echo(f"{'':<9} {path}")


def _size(path: Path) -> str:
    return _bytes(path.stat().st_size) if path.exists() else click.style("missing", fg="red")


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"

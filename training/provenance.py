"""How manifests name the files that something was trained on.

Knows paths and hashes. Knows nothing about what is in a file.
"""

from __future__ import annotations

from pathlib import Path

from tracker.model.digest import sha256


def file_name(path: Path) -> str:
    """A file by its folder's name and its own, which says nothing about the machine that it was on."""
    return f"{path.parent.name}/{path.name}"


def file_entry(path: Path, **about: str | int) -> dict[str, str | int]:
    """A manifest's entry for a file: its name, what is said about it, and its hash."""
    return {"file": file_name(path), **about, "sha256": sha256(path)}

"""What something was trained from: the files, as manifests name them, and the commit.

Knows paths, hashes and the repository. Knows nothing about what is in a file.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tracker.atomic import write_text
from tracker.model.digest import sha256


def file_name(path: Path) -> str:
    """A file by its folder's name and its own, which says nothing about the machine that it was on."""
    return f"{path.parent.name}/{path.name}"


def file_entry(path: Path, **about: str | int) -> dict[str, str | int]:
    """A manifest's entry for a file: its name, what is said about it, and its hash."""
    return {"file": file_name(path), **about, "sha256": sha256(path)}


def commit() -> str | None:
    """What the working folder has checked out, where it is a repository."""
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def origin(uses: Mapping[str, Sequence[Path]]) -> dict[str, Any]:
    """The commit and the files by their use; to be taken when a run begins, since files change after that."""
    entries = [file_entry(path, use=use) for use, paths in uses.items() for path in paths]
    return {"commit": commit(), "data": entries}


def write_manifest(manifest: Mapping[str, Any], path: Path) -> None:
    """Write what is told of a model beside it, as JSON for machines and people."""
    write_text(path, json.dumps(manifest, indent=2) + "\n")

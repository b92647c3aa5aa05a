"""Where the files that travel with goalstate are: the grammars and the trained model.

Knows the two places they can be in: inside the installed package, where the wheel puts them, and at the top
of a checkout. Knows nothing about what is in them.
"""

from __future__ import annotations

from pathlib import Path

from tracker.errors import GoalstateError


def grammars_dir() -> Path:
    """The folder of the JSON schemas that every answer obeys.

    Raises ``GoalstateError`` when it is missing: no answer can be checked without it.
    """
    folder = _find("grammars")
    if folder is None:
        raise GoalstateError("the folder with the grammars is missing: goalstate is not completely installed")
    return folder


def models_dir() -> Path | None:
    """The folder of the trained adapter; ``None`` where goalstate was installed without one."""
    return _find("models")


def _find(name: str) -> Path | None:
    package = Path(__file__).resolve().parent
    installed = package / "_resources" / name
    if installed.is_dir():
        return installed
    # Beside an installed package stand other people's packages, so a folder there counts only in a checkout.
    root = package.parent
    if any((root / mark).exists() for mark in ("pyproject.toml", ".git")) and (root / name).is_dir():
        return root / name
    return None

"""Cells of a CSV that no spreadsheet program runs as a formula, and what they were before.

Knows how formulas begin. Knows nothing about columns or files.
"""

from __future__ import annotations

_BEGIN_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by spreadsheet programs."""


def harmless(cell: str) -> str:
    """The cell behind an apostrophe, where it would be run as a formula or stands behind one already."""
    return f"'{cell}" if cell.lstrip("'").startswith(_BEGIN_FORMULAS) else cell


def as_written(cell: str) -> str:
    """What :func:`harmless` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_BEGIN_FORMULAS) else cell

"""The report's colours, in daylight and in the dark, and the style sheets that need them.

Knows names, values and how a style sheet refers to them. Hues are of the palette of Okabe and Ito (2008),
which people with the common kinds of colour blindness can tell apart; no meaning hangs on colour alone.
"""

from __future__ import annotations

import re
from types import MappingProxyType

COLOURS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "ground": ("#ffffff", "#14171b"),
        "raised": ("#f5f6f8", "#1d2126"),
        "text": ("#1b1f24", "#e8ebee"),
        "soft": ("#59636e", "#9aa5b1"),
        "rule": ("#d9dee3", "#343b43"),
        "accent": ("#0b5cad", "#6cb6ff"),
        "mark": ("#fdf2c8", "#3d3516"),
        # What a status means, and the letters on it.
        "met": ("#0072b2", "#3f9bd6"),
        "on-met": ("#ffffff", "#04121d"),
        "kept": ("#b9d8ea", "#24465a"),
        "on-kept": ("#12364b", "#cfe6f5"),
        "attempted": ("#e69f00", "#f0b429"),
        "on-attempted": ("#2b1d00", "#241800"),
        "broken": ("#c8401a", "#f0714a"),
        "on-broken": ("#ffffff", "#260a00"),
        "waiting": ("#e4e7eb", "#2a3037"),
        "on-waiting": ("#4b545e", "#aab4bf"),
        # The lines of the categories.
        "profile": ("#5b9fc4", "#8ecae6"),
        "policy": ("#c8401a", "#f0714a"),
        "objective": ("#0072b2", "#4ba3dd"),
        "requirement": ("#00805f", "#35b894"),
        "preference": ("#a8478c", "#d98cc0"),
    }
)
"""Name → its value on a light and on a dark ground."""

_VARIABLE = re.compile(r"var\(--([a-z-]+)\)")


def variables() -> str:
    """The rules that give a page the colours as CSS variables, which follow its ``color-scheme``."""
    values = "".join(f"--{name}:light-dark({light},{dark});" for name, (light, dark) in COLOURS.items())
    return f":root{{color-scheme:light dark;{values}}}\n"


def literal(style: str) -> str:
    """A style sheet with values in the place of the variables, for viewers of SVG files that know none."""
    light = _VARIABLE.sub(lambda found: COLOURS[found[1]][0], style)
    dark = _VARIABLE.sub(lambda found: COLOURS[found[1]][1], style)
    return f"{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"

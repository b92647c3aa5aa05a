"""The plots of a report as SVG text, laid out here and written by the templates ``*.svg.j2``.

Knows lengths in user units and which figure goes where. Colours are CSS classes: in the page they follow its
theme, in a file of their own the same rules travel with them. Knows nothing about pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from jinja2 import Environment
from markupsafe import Markup

from tracker.goal import KEPT, STATUSES, Category, Status
from tracker.report.figures import Figures

_WIDTH = 490.0
_LEFT = 88.0
_RIGHT = 130.0
"""Room for the names at the ends of lines and for the figures behind bars."""
_LINE = 15.0
"""Between the names of two lines, so that they do not touch."""

DASHES: MappingProxyType[Category, str] = MappingProxyType(
    {
        Category.PROFILE: "",
        Category.POLICY: "8 4",
        Category.OBJECTIVE: "",
        Category.REQUIREMENT: "8 4",
        Category.PREFERENCE: "2 4",
    }
)
"""Lines differ by dashes as well as by colour."""


def tone(category: Category, status: Status) -> str:
    """What a status means for its category, as the name of a colour: the same word is good here, bad
    there."""
    if category in KEPT:
        return "kept" if status is Status.ALIGNED else "broken"
    if status is Status.ATTEMPTED:
        return "attempted"
    return "waiting" if status is STATUSES[category][0] else "met"


@dataclass(frozen=True)
class _Segment:
    x: float
    width: float
    tone: str
    status: str
    count: int
    share: float


@dataclass(frozen=True)
class _Bar:
    name: str
    y: float
    segments: tuple[_Segment, ...]
    note: str


@dataclass(frozen=True)
class _Curve:
    name: str
    points: str
    dash: str
    end_y: float
    name_y: float
    value: float


@dataclass(frozen=True)
class _Column:
    x: float
    y: float
    width: float
    height: float
    turn: int
    count: int


@dataclass(frozen=True)
class _Tick:
    at: float
    text: str


NAMES = ("ends", "success", "drift")
"""The plots that there may be."""


def plots(found: Figures, environment: Environment, *, style: str = "") -> dict[str, str]:
    """The plots by name, as SVG; those that would be empty are left out.

    Parameters
    ----------
    style
        The style sheet of a plot that is a file of its own; in a page, the page has it.
    """
    contexts: dict[str, Mapping[str, object]] = {}
    if found.categories:
        contexts["ends"] = _ends(found)
    if found.categories and found.longest:
        contexts["success"] = _success(found)
    if found.drifted:
        contexts["drift"] = _drift(found)
    return {
        name: environment.get_template(f"{name}.svg.j2").render(
            **context, left=_LEFT, width=_WIDTH, right=_WIDTH - _RIGHT, style=Markup(style)
        )
        for name, context in contexts.items()
    }


def _ends(found: Figures) -> Mapping[str, object]:
    """A bar per category: the statuses at the end, the share of success behind it."""
    row, height, room = 34.0, 20.0, _WIDTH - _LEFT - _RIGHT
    bars: list[_Bar] = []
    for number, (category, figures) in enumerate(found.categories.items()):
        x = _LEFT
        segments: list[_Segment] = []
        # What counts as success stands on the left, so that its share is the bar's length.
        for status in sorted(
            STATUSES[category],
            key=lambda each: ("met", "kept", "attempted", "broken", "waiting").index(tone(category, each)),
        ):
            count = figures.ends.get(status, 0)
            share = count / figures.components
            if count:
                segments.append(_Segment(x, share * room, tone(category, status), str(status), count, share))
                x += share * room
        note = f"{figures.succeeded:.0%} of {figures.components:,}"
        bars.append(_Bar(str(category), 8 + number * row, tuple(segments), note))
    return {"bars": bars, "bar_height": height, "height": 8 + len(bars) * row}


def _success(found: Figures) -> Mapping[str, object]:
    """A line per category: the share of its components in success after every turn."""
    top, bottom = 12.0, 228.0
    room = _WIDTH - _LEFT / 2 - _RIGHT

    def x(turn: int) -> float:
        return _LEFT / 2 + room * turn / found.longest

    def y(share: float) -> float:
        return bottom - (bottom - top) * share

    ends = sorted(found.categories, key=lambda category: -found.categories[category].succeeded)
    names = _apart([y(found.categories[category].succeeded) for category in ends], top, bottom)
    curves = [
        _Curve(
            name=str(category),
            points=" ".join(
                f"{x(turn):.1f},{y(float(share)):.1f}"
                for turn, share in enumerate(found.categories[category].success)
            ),
            dash=DASHES[category],
            end_y=y(found.categories[category].succeeded),
            name_y=name_y,
            value=found.categories[category].succeeded,
        )
        for category, name_y in zip(ends, names, strict=True)
    ]
    return {
        "curves": curves,
        "start": _LEFT / 2,
        "end": x(found.longest),
        "bottom": bottom,
        "height": bottom + 40,
        "turns": [_Tick(x(turn), str(turn)) for turn in _ticks(found.longest)],
        "shares": [_Tick(y(share), f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)],
    }


def _drift(found: Figures) -> Mapping[str, object]:
    """A column per turn: the conversations whose first drift is there."""
    top, bottom = 22.0, 138.0
    start, end = _LEFT / 2, _WIDTH - 12.0
    step = (end - start) / found.longest
    most = int(found.drift_turns.max())
    columns = [
        _Column(
            x=start + step * turn + min(step * 0.1, 4),
            y=bottom - (bottom - top) * int(count) / most,
            width=min(max(step - 2 * min(step * 0.1, 4), 1), 56),
            height=(bottom - top) * int(count) / most,
            turn=turn + 1,
            count=int(count),
        )
        for turn, count in enumerate(found.drift_turns)
    ]
    shown = set(_ticks(found.longest)) - {0}
    return {
        "columns": columns,
        "start": start,
        "end": end,
        "bottom": bottom,
        "height": bottom + 40,
        "turns": [
            _Tick(column.x + column.width / 2, str(column.turn)) for column in columns if column.turn in shown
        ],
        "counted": step >= 18,
    }


def _ticks(longest: int) -> list[int]:
    """At most a dozen turns from 0, evenly apart."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, longest) if longest / step <= 12)
    return list(range(0, longest + 1, step))


def _apart(wanted: list[float], top: float, bottom: float) -> list[float]:
    """Move heights, given from the top down, so that they are a line apart and none is below ``bottom``."""
    placed: list[float] = []
    for height in wanted:
        placed.append(max(height, placed[-1] + _LINE if placed else top))
    limit = bottom
    for position in range(len(placed) - 1, -1, -1):
        placed[position] = min(placed[position], limit)
        limit = placed[position] - _LINE
    return placed

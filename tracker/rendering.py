"""Draws tracks, summaries of many tracks and agreement with a judge as tables for a terminal.

Knows rich and how wide the terminal is. Knows nothing about where values come from or where the text goes;
rich leaves colours out wherever that is not a terminal.

A component's row is a timeline: dots while it stands as it started, a letter at the turn at which its status
changes, and a line for as long as it stays so. It reads the same without colours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from tracker.goal import STATUSES, SUCCESS, Category, Component, Status, start_status
from tracker.state import Track

if TYPE_CHECKING:  # scikit-learn takes seconds to import
    from tracker.agreement import Agreement, Figures, Scores
    from tracker.bootstrap import Estimate
    from tracker.matching import SplitScores

_LETTERS = MappingProxyType(
    {
        Status.ALIGNED: "A",
        Status.MISALIGNED: "M",
        Status.INCOMPLETE: "I",
        Status.ATTEMPTED: "T",
        Status.COMPLETE: "C",
    }
)
_COLOURS = MappingProxyType(
    {
        Status.ALIGNED: "green",
        Status.MISALIGNED: "red",
        Status.INCOMPLETE: "default",
        Status.ATTEMPTED: "yellow",
        Status.COMPLETE: "green",
    }
)
_SHORT = MappingProxyType(
    {
        Category.PROFILE: "prof",
        Category.POLICY: "pol",
        Category.OBJECTIVE: "obj",
        Category.REQUIREMENT: "req",
        Category.PREFERENCE: "pref",
    }
)

_NARROWEST = 60
"""Columns below which lines are left to the terminal to wrap."""
_ID_WIDTH = 20
_TEXT_WIDTH = 24
"""The least of a component's text that is shown, where there is room for it."""
_ID_HEADING = "component"
_END_HEADING = "end"
_TURN_WIDTH = 2
_GAP = 2


def one_line(text: str) -> str:
    """Text from a user's file on one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))


@dataclass(frozen=True)
class TrackTable:
    """One conversation: a row per component, a column per turn, and how it stands at the end.

    As wide as there is room for; turns that do not fit go on in further blocks below.
    """

    track: Track

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        track = self.track
        signs = _Signs.for_output(options)
        yield Text.assemble(
            (one_line(track.id), "bold"),
            f"  {counted(len(track.goal), 'component')}, {counted(len(track.states), 'turn')}",
        )
        if not len(track.goal):
            yield Text("This goal has no components, so there is nothing to track.", style="dim")
            return
        if not track.states:
            yield Text("The user never spoke: everything stands as it started.", style="dim")
        for block in _blocks(track, max(options.max_width, _NARROWEST)):
            yield Text()
            yield _block_table(track, block, signs)
        yield Text()
        yield _legend({component.category for component in track.goal}, signs)


@dataclass(frozen=True)
class SummaryTable:
    """Many conversations: how the components of each category stand after the last turn."""

    outcomes: Mapping[tuple[Category, Status], int]
    """Components by category and last status."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = _table(gap=1)
        table.add_column("at the end")
        table.add_column("components", justify="right")
        for status in Status:
            table.add_column(str(status), justify="right", style=_COLOURS[status])
        table.add_column("success", justify="right")
        for category, statuses in STATUSES.items():
            counts = {status: self.outcomes.get((category, status), 0) for status in statuses}
            total = sum(counts.values())
            if not total:
                continue
            succeeded = sum(counts[status] for status in SUCCESS[category])
            table.add_row(
                str(category),
                str(total),
                *(str(counts[status]) if status in counts else "" for status in Status),
                f"{succeeded / total:.0%}",
            )
        yield table


@dataclass(frozen=True)
class AgreementTable:
    """Agreement with a judge: per category and as the average, every figure above its 95% interval."""

    agreement: Agreement

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        agreement = self.agreement
        dash = "-" if options.ascii_only else "–"
        parts = [(str(category), part.figures) for category, part in agreement.categories.items()]
        parts.append(("average", agreement.average))
        counts = {str(category): part.labels for category, part in agreement.categories.items()}
        ends = {
            str(category): int(part.last_turn_confusion.sum())
            for category, part in agreement.categories.items()
        }
        yield self._table("every turn", parts, counts | {"average": sum(counts.values())}, dash)
        yield Text()
        yield self._table("last turn", parts, ends | {"average": sum(ends.values())}, dash)
        interval = (
            f"Below each figure: 95% bootstrap interval over {agreement.conversations} conversations."
            if agreement.conversations > 1
            else "One conversation: no intervals."
        )
        yield Text(
            f"\n{interval} The average is over the categories; floor: the accuracy of always answering the "
            f"start status; ECE: expected calibration error{self._by_chance()}. {dash}: not defined, left "
            "out of the average.",
            style="dim",
        )

    def _by_chance(self) -> str:
        by_chance = self.agreement.average.calibration_error_by_chance
        if math.isnan(by_chance):
            return ""
        return f", on average {by_chance:.3f} on as few labels were every probability right"

    @staticmethod
    def _table(
        name: str, parts: Sequence[tuple[str, Figures]], counts: Mapping[str, int], dash: str
    ) -> Table:
        every_turn = name == "every turn"
        table = _table(gap=1)
        table.add_column(name)
        for heading in ("labels", "floor", "accuracy", "macro-F1", "kappa"):
            table.add_column(heading, justify="right")
        if every_turn:
            table.add_column("ATTEMPTED\nrecall", justify="right")
            table.add_column("ECE", justify="right")
        for category, figures in parts:
            scores: Scores = figures.every_turn if every_turn else figures.last_turn
            estimates = [scores.accuracy, scores.macro_f1, scores.kappa]
            if every_turn:
                estimates += [figures.attempted_recall, figures.calibration_error]
            if category == "average":
                table.add_section()
            table.add_row(
                category,
                str(counts[category]),
                number_cell(scores.start_accuracy.value, dash),
                *(estimate_cell(estimate, dash) for estimate in estimates),
                style="bold" if category == "average" else "",
            )
        return table


@dataclass(frozen=True)
class SplitTable:
    """Ways to split goals against the truth: a row for each, every figure above its 95% interval."""

    scores: Mapping[str, SplitScores]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        dash = "-" if options.ascii_only else "–"
        table = _table(gap=2)
        table.add_column("split")
        for heading in ("components", "precision", "recall", "F1", "category", "links"):
            table.add_column(heading, justify="right")
        for name, scores in self.scores.items():
            figures = (scores.precision, scores.recall, scores.f1, scores.category, scores.links)
            table.add_row(name, str(scores.predicted), *(estimate_cell(figure, dash) for figure in figures))
        yield table
        yield Text(
            "\nBelow each figure: 95% bootstrap interval over the goals. category: the share of matched "
            "components with the true category; links: the share with the true objective.",
            style="dim",
        )


def progress_bar(console: Console) -> Progress:
    """A bar over turns with the conversations done, the rate and the time left; nothing off a terminal.

    Its task has the total of turns, and the fields ``done`` and ``conversations``.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[done]}/{task.fields[conversations]} conversations"),
        _RateColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        expand=True,
        transient=True,
        disable=not console.is_terminal,
        # A slow decoder advances once a minute; the usual 30 seconds would forget the last advance.
        speed_estimate_period=600,
    )


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} turns/s" if task.speed else "", style="progress.data.speed")


@dataclass(frozen=True)
class _Signs:
    """What a timeline is drawn with."""

    dot: str
    line: str

    @classmethod
    def for_output(cls, options: ConsoleOptions) -> _Signs:
        return cls(".", "-") if options.ascii_only else cls("·", "─")


class _End(Enum):
    """How a block shows the statuses and probabilities at the end."""

    NOT = 0
    LETTERS = 1
    WORDS = 2


@dataclass(frozen=True)
class _Block:
    """Some turns of a conversation, and the columns that stand beside them."""

    turns: range
    """Counted from 1."""
    id_width: int
    category_width: int
    """0 where neither category nor text is shown."""
    text_width: int
    end: _End


def _blocks(track: Track, width: int) -> Iterator[_Block]:
    """Lay the turns out over blocks of ``width`` columns.

    The first shows the components' categories and texts, the last their statuses and probabilities at the
    end. Where everything fits, with shorter words if need be, that is the same one.
    """
    components = track.goal.components
    turns = len(track.states)
    ids = max(cell_len(one_line(component.id)) for component in components)
    ids = min(max(ids, len(_ID_HEADING)), _ID_WIDTH)
    texts = max(cell_len(one_line(component.text)) for component in components)
    full = max(len(component.category) for component in components)
    short = max(len(_SHORT[component.category]) for component in components)
    words = len(_end(components[0], track, _End.WORDS))
    letters = len(_end(components[0], track, _End.LETTERS))

    for category, text, end, end_width in (
        (full, _TEXT_WIDTH, _End.WORDS, words),
        (short, _TEXT_WIDTH, _End.WORDS, words),
        (short, _TEXT_WIDTH * 2 // 3, _End.LETTERS, max(letters, len(_END_HEADING))),
    ):
        room = width - (ids + category + turns * _TURN_WIDTH + end_width + 4 * _GAP)
        if room >= min(text, texts):
            yield _Block(range(1, turns + 1), ids, category, min(room, texts), end)
            return

    text = min(_TEXT_WIDTH, texts)
    in_first = (width - (ids + short + text + 3 * _GAP)) // _TURN_WIDTH
    in_later = (width - (ids + words + 2 * _GAP)) // _TURN_WIDTH
    later = max(math.ceil((turns - in_first) / in_later), 1)
    # As even as can be: no more than fits the first, and no fewer than leave the others what fits them.
    first = max(min(in_first, math.ceil(turns / (1 + later))), turns - later * in_later)
    yield _Block(range(1, first + 1), ids, short, text, _End.NOT)
    each = math.ceil((turns - first) / later)
    for start in range(first + 1, turns + 1, each):
        stop = min(start + each, turns + 1)
        yield _Block(range(start, stop), ids, 0, 0, _End.WORDS if stop == turns + 1 else _End.NOT)


def _block_table(track: Track, block: _Block, signs: _Signs) -> Table:
    table = _table(gap=_GAP)
    table.add_column(_ID_HEADING, width=block.id_width, no_wrap=True, overflow="ellipsis")
    if block.category_width:
        table.add_column("", width=block.category_width, no_wrap=True)
        table.add_column("", width=block.text_width, no_wrap=True, overflow="ellipsis", style="dim")
    table.add_column(_turn_numbers(block.turns), no_wrap=True)
    if block.end is not _End.NOT:
        table.add_column(_END_HEADING, no_wrap=True)
    for component in track.goal:
        cells = [Text(one_line(component.id))]
        if block.category_width:
            fits = block.category_width >= len(component.category)
            cells.append(Text(str(component.category) if fits else _SHORT[component.category]))
            cells.append(Text(one_line(component.text)))
        cells.append(_timeline(component, track, block.turns, signs))
        if block.end is not _End.NOT:
            cells.append(_end(component, track, block.end))
        table.add_row(*cells)
    return table


def _table(*, gap: int) -> Table:
    """A table with a rule below its heading and ``gap`` columns of white space between its own."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False)


def _turn_numbers(turns: range) -> str:
    """Turn numbers over one column each, written downward."""
    digits = len(str(turns.stop - 1))
    written = [str(turn).rjust(digits) for turn in turns]
    return "\n".join(" ".join(number[row] for number in written) for row in range(digits))


def _timeline(component: Component, track: Track, turns: range, signs: _Signs) -> Text:
    line = Text()
    statuses = (component.start, *track.statuses(component.id))
    for turn in turns:
        status, colour = statuses[turn], _COLOURS[statuses[turn]]
        if status is not statuses[turn - 1]:
            line.append(_LETTERS[status], style=f"bold reverse {colour}")
        elif status is component.start:
            line.append(signs.dot, style="dim")
        else:
            line.append(signs.line, style=colour)
        if turn != turns.stop - 1:
            line.append(" " if status is component.start else signs.line, style=colour)
    return line


def _end(component: Component, track: Track, form: _End) -> Text:
    """The last status, all of a track's equally wide, and its probability."""
    if track.states:
        status, probability = (
            track.states[-1][component.id].status,
            track.states[-1][component.id].probability,
        )
    else:
        status, probability = component.start, 1.0
    if form is _End.LETTERS:
        word = _LETTERS[status]
    else:
        word = str(status).ljust(max(len(last) for last in _last_statuses(track)))
    style = "dim" if status is component.start else _COLOURS[status]
    return Text.assemble((word, style), f" {probability:.2f}")


def _last_statuses(track: Track) -> list[Status]:
    if not track.states:
        return [component.start for component in track.goal]
    return [track.states[-1][component.id].status for component in track.goal]


def _legend(categories: set[Category], signs: _Signs) -> Text:
    statuses = {status for category in categories for status in STATUSES[category]}
    starts: dict[Status, list[str]] = {}
    for category in Category:
        if category in categories:
            starts.setdefault(start_status(category), []).append(str(category))
    letters = "  ".join(
        f"{_LETTERS[status]} {str(status).lower()}" for status in Status if status in statuses
    )
    beginnings = ", ".join(f"{str(status).lower()} ({', '.join(names)})" for status, names in starts.items())
    return Text(f"{letters}\n{signs.dot} as it started: {beginnings}", style="dim")


def estimate_cell(estimate: Estimate, dash: str, *, sign: str = "") -> Text:
    """A figure with its interval below it; ``sign`` is ``"+"`` for one that is a difference."""
    cell = Text(number_cell(estimate.value, dash, sign=sign))
    if not math.isnan(estimate.low):
        between = " to " if sign else dash
        cell.append(f"\n{estimate.low:{sign}.2f}{between}{estimate.high:{sign}.2f}", style="dim not bold")
    return cell


def number_cell(value: float, dash: str, *, sign: str = "") -> str:
    """A figure to three places, or a dash where it is not defined."""
    return dash if math.isnan(value) else f"{value:{sign}.3f}"


def counted(number: int, noun: str) -> str:
    """``"1 run"``, ``"1,234 runs"``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

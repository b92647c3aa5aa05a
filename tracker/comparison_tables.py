"""Draws how far raters agree as tables for a terminal.

Knows rich and what ``tracker.comparison`` found; knows nothing about where it comes from or goes to.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tracker.comparison import (
    Alpha,
    CategoryComparison,
    Comparison,
    Difference,
    Disagreement,
    PairedTest,
    PairScores,
)
from tracker.goal import STATUSES, Category
from tracker.rendering import estimate_cell, number_cell, one_line

_WORDS_WIDTH = 160
"""Letters of each side's words that are shown of a disagreement."""


@dataclass(frozen=True)
class ComparisonTables:
    """Two raters: the scores, then status by status, then what they disagree on."""

    comparison: Comparison
    disagreements: int
    """How many are shown."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        comparison = self.comparison
        dash = "-" if options.ascii_only else "–"
        first, second = one_line(comparison.first), one_line(comparison.second)
        yield Text.assemble((first, "bold"), " and ", (second, "bold"))
        yield Text(
            f"{comparison.conversations} conversations, {comparison.components} components, "
            f"{comparison.labels} labels{_left_out(comparison)}"
        )
        yield Text()
        yield self._scores("every turn", dash)
        yield Text()
        yield self._scores("last turn", dash)
        yield Text()
        yield self._statuses(dash)
        for category, part in comparison.categories.items():
            yield Text()
            yield _confusion(category, part, first, second)
        if self.disagreements and comparison.disagreements:
            yield from self._disagreements()

    def _scores(self, name: str, dash: str) -> Table:
        every_turn = name == "every turn"
        table = _table(name, "labels", "accuracy", "macro-F1", "kappa")
        for category, part in self.comparison.categories.items():
            labels = part.confusion if every_turn else part.last_turn_confusion
            scores = part.every_turn if every_turn else part.last_turn
            table.add_row(str(category), str(labels.sum()), *_cells(scores, dash))
        table.add_section()
        average = self.comparison.every_turn if every_turn else self.comparison.last_turn
        table.add_row("average", "", *_cells(average, dash), style="bold")
        return table

    def _statuses(self, dash: str) -> Table:
        """Labels by status, and the turns at which it is reached."""
        table = _table(
            "status", "only\nfirst", "both", "only\nsecond", "F1", "same\nturn", "earlier", "later", "mean"
        )
        table.columns[0].no_wrap = True
        for category, part in self.comparison.categories.items():
            for status, figures in part.statuses.items():
                timing = figures.timing
                times = ["", "", "", ""]
                if timing is not None:
                    delay = dash if math.isnan(timing.mean_delay) else f"{timing.mean_delay:+.2f}"
                    times = [str(timing.same_turn), str(timing.earlier), str(timing.later), delay]
                table.add_row(
                    f"{category} {status}",
                    str(figures.first - figures.both),
                    str(figures.both),
                    str(figures.second - figures.both),
                    number_cell(figures.f1.value, dash),
                    *times,
                )
        return table

    def _disagreements(self) -> Iterator[RenderableType]:
        shown = self.comparison.disagreements[: self.disagreements]
        of = f"{len(shown)} of {len(self.comparison.disagreements)}"
        yield Text.assemble("\n", ("Disagreements", "bold"), f", worst first ({of})")
        for number, each in enumerate(shown, start=1):
            yield Text()
            yield from self._disagreement(number, each)

    def _disagreement(self, number: int, each: Disagreement) -> Iterator[RenderableType]:
        turns = (
            f"turn {each.turn}" if each.turns == 1 else f"turns {each.turn} to {each.turn + each.turns - 1}"
        )
        yield Text(f"{number}. {one_line(each.conversation)}, {turns}, {one_line(each.component)}")
        lines = [
            f"{each.category}: {one_line(each.text)}",
            f"{one_line(self.comparison.first)} {each.first}{_sure(each.first_probability)}, "
            f"{one_line(self.comparison.second)} {each.second}{_sure(each.second_probability)}",
        ]
        if each.words is not None:
            lines += [f"user: {_short(each.words[0])}"] if each.words[0] else []
            lines += [f"agent: {_short(each.words[1])}"] if each.words[1] else []
        for line in lines:
            yield Padding(Text(line), (0, 0, 0, 3), expand=False)


@dataclass(frozen=True)
class AlphaTable:
    """Krippendorff's alpha of three raters or more."""

    alpha: Alpha
    raters: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        dash = "-" if options.ascii_only else "–"
        yield Text(f"Krippendorff's alpha of all {self.raters} raters", style="bold")
        table = _table("", "every turn", "last turn")
        for category, every_turn in self.alpha.every_turn.items():
            last_turn = self.alpha.last_turn[category]
            table.add_row(str(category), estimate_cell(every_turn, dash), estimate_cell(last_turn, dash))
        table.add_section()
        average = (estimate_cell(estimate, dash) for estimate in self.alpha.average)
        table.add_row("average", *average, style="bold")
        yield table


@dataclass(frozen=True)
class PairedTable:
    """Which of two trackers agrees better with a judge."""

    test: PairedTest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        test = self.test
        dash = "-" if options.ascii_only else "–"
        first, second, reference = (one_line(name) for name in (test.first, test.second, test.reference))
        yield Text.assemble(
            (f"{second} less {first}, both against {reference}", "bold"),
            f"\n{test.conversations} conversations, {test.labels} labels that all three rated",
        )
        for name, moment in (("every turn", test.every_turn), ("last turn", test.last_turn)):
            yield Text()
            yield self._table(name, moment, dash)

    @staticmethod
    def _table(name: str, moment: Mapping[str, Mapping[str, Difference]], dash: str) -> Table:
        table = _table(name, "accuracy", "p", "macro-F1", "p", "kappa", "p")
        for category, differences in moment.items():
            if category == "average":
                table.add_section()
            cells = [
                cell
                for each in differences.values()
                for cell in (
                    estimate_cell(each.estimate, dash, sign="+"),
                    Text(number_cell(each.p_value, dash)),
                )
            ]
            table.add_row(category, *cells, style="bold" if category == "average" else "")
        return table


def legend(conversations: int, *, ascii_only: bool) -> Text:
    """What the tables' figures are."""
    dash = "-" if ascii_only else "–"
    intervals = (
        "Below each figure: 95% bootstrap interval over conversations."
        if conversations > 1
        else "One conversation: no intervals."
    )
    return Text(
        f"{intervals} The average is over the categories. First and second: the raters in the order of each "
        "heading. Only first, both, only second: labels that they give the status. Same turn, earlier, "
        "later: components that both see coming to it, by when the second does; mean: how many turns later. "
        f"{dash}: not defined.",
        style="dim",
    )


def _left_out(comparison: Comparison) -> str:
    parts = [
        f"{count} conversations only in {one_line(name)}"
        for count, name in (
            (comparison.only_first, comparison.first),
            (comparison.only_second, comparison.second),
        )
        if count
    ]
    if comparison.components_left_out:
        parts.append(f"{comparison.components_left_out} components that only one rated")
    return f"; left out: {', '.join(parts)}" if parts else ""


def _confusion(category: Category, part: CategoryComparison, first: str, second: str) -> Table:
    table = _table(f"{category}: {first} by row,\n{second} by column", *STATUSES[category])
    for status, row in zip(STATUSES[category], part.confusion.tolist(), strict=True):
        table.add_row(str(status), *map(str, row))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column(Text(headings[0]))
    for heading in headings[1:]:
        table.add_column(Text(heading), justify="right")
    return table


def _cells(scores: PairScores, dash: str) -> list[Text]:
    return [estimate_cell(estimate, dash) for estimate in (scores.accuracy, scores.macro_f1, scores.kappa)]


def _sure(probability: float | None) -> str:
    return "" if probability is None else f" ({probability:.2f})"


def _short(words: str) -> str:
    line = one_line(words)
    return line if len(line) <= _WORDS_WIDTH else f"{line[: _WORDS_WIDTH - 3]}..."

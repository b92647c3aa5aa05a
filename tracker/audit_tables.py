"""An audit as it is shown: tables for a terminal, and Markdown to paste into an issue.

Knows the words and the layout. Knows nothing about how verdicts come about.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from tracker.audit import Audit, Break, Comparison, Outcome, Rate, Run
from tracker.rendering import counted, one_line

_MEANING: MappingProxyType[Outcome, tuple[str, str]] = MappingProxyType(
    {
        Outcome.NEITHER: ("neither", "passed, and the user kept its goal"),
        Outcome.AGENT_FAILED: ("the agent failed", "failed, and the user kept its goal"),
        Outcome.USER_DRIFTED: ("the user drifted", "passed, although the user left its goal"),
        Outcome.BOTH: ("both", "failed, and the user left its goal"),
    }
)

_WORDS = 160
"""Characters of the user's words that Markdown shows."""


@dataclass(frozen=True)
class AuditTable:
    """The counts, the rates and what broke in every run whose user drifted."""

    audit: Audit

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        audit = self.audit
        dash = "-" if options.ascii_only else "–"
        outcomes = _table("", "runs", "")
        for outcome, count in audit.outcomes.items():
            name, meaning = _MEANING[outcome]
            outcomes.add_row(name, str(count), Text(meaning, style="dim"))
        if without := sum(run.reward is None for run in audit.runs):
            outcomes.add_row("without a reward", str(without), Text("not sorted", style="dim"))
        yield outcomes
        yield Text()
        yield _rates(_audit_rates(audit), dash)
        if failed := _of(audit, Outcome.AGENT_FAILED):
            yield Text.assemble(
                ("\nThe agent failed: ", "bold"), ", ".join(one_line(run.id) for run in failed)
            )
        if not (drifted := _drifted(audit)):
            yield Text("\nNo user drifted.")
            return
        yield Text("\nThe user drifted:\n", style="bold")
        yield _breaks(drifted, dash)


@dataclass(frozen=True)
class ComparisonTable:
    """How the verdicts compare with a judge's."""

    comparison: Comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        dash = "-" if options.ascii_only else "–"
        runs = counted(self.comparison.runs, "run")
        yield Text(f"against the judge's labels, {runs}\n", style="bold")
        yield _rates(_comparison_rates(self.comparison), dash)
        kappa = self.comparison.kappa
        yield Text(f"Cohen's kappa of the verdicts: {dash if math.isnan(kappa) else f'{kappa:.2f}'}")


def markdown(audit: Audit, comparison: Comparison | None = None, *, tracker: str = "") -> str:
    """The same in GitHub's Markdown.

    What comes from files stands in code spans: no mention, link or markup in it comes to life.
    """
    return "\n".join(_markdown(audit, comparison, tracker)) + "\n"


def _markdown(audit: Audit, comparison: Comparison | None, tracker: str) -> Iterator[str]:
    yield f"{counted(len(audit.runs), 'run')}:"
    yield ""
    yield "| | user kept its goal | user drifted |"
    yield "| --- | ---: | ---: |"
    counts = audit.outcomes
    yield f"| passed | {counts[Outcome.NEITHER]} | {counts[Outcome.USER_DRIFTED]} |"
    yield f"| failed | {counts[Outcome.AGENT_FAILED]} | {counts[Outcome.BOTH]} |"
    if unsorted := [run.drifted for run in audit.runs if run.reward is None]:
        yield f"| without a reward | {unsorted.count(False)} | {unsorted.count(True)} |"
    yield ""
    yield from _markdown_rates(_audit_rates(audit))
    if comparison is not None:
        yield ""
        yield f"Against the judge's labels, {counted(comparison.runs, 'run')}:"
        yield ""
        yield from _markdown_rates(_comparison_rates(comparison))
    if failed := _of(audit, Outcome.AGENT_FAILED):
        yield ""
        yield f"The agent failed in {len(failed)}: {', '.join(_code(run.id) for run in failed)}."
    if drifted := _drifted(audit):
        yield ""
        yield f"The user drifted in {len(drifted)}:"
        yield ""
        yield "| run | reward | turn | what broke | status | sure | the user's words |"
        yield "| --- | ---: | ---: | --- | --- | ---: | --- |"
        for run in drifted:
            for number, each in enumerate(run.breaks):
                first = (_code(run.id), _reward(run)) if not number else ("", "")
                yield (
                    "| "
                    + " | ".join(
                        (
                            *first,
                            f"{each.turn} of {run.turns}",
                            f"{each.component.category}: {_code(each.component.text)}",
                            str(each.status),
                            f"{each.probability:.0%}",
                            _code(each.words, _WORDS),
                        )
                    )
                    + " |"
                )
    if tracker:
        yield ""
        yield f"Made by goalstate with {_code(tracker)}."


def _of(audit: Audit, outcome: Outcome) -> list[Run]:
    return [run for run in audit.runs if run.outcome is outcome]


def _drifted(audit: Audit) -> list[Run]:
    """The runs whose user drifted, failed ones first."""
    return sorted((run for run in audit.runs if run.drifted), key=lambda run: run.passed is not False)


def _audit_rates(audit: Audit) -> list[tuple[str, Rate]]:
    return [
        ("pass rate", audit.pass_rate),
        ("pass rate where the user kept its goal", audit.corrected_pass_rate),
        ("failures whose user had drifted", audit.failures_with_drift),
        ("runs whose user drifted", audit.drifted),
    ]


def _comparison_rates(comparison: Comparison) -> list[tuple[str, Rate]]:
    return [
        ('precision of "the user drifted"', comparison.precision),
        ('recall of "the user drifted"', comparison.recall),
        ("same verdict", comparison.agreement),
        ("broken components found", comparison.breaks_found),
        ("components called broken rightly", comparison.breaks_right),
        ("found at the judge's turn", comparison.breaks_at_the_turn),
    ]


def _rates(rates: list[tuple[str, Rate]], dash: str) -> Table:
    table = _table("", "", "95% interval", "")
    for name, rate in rates:
        low, high = rate.interval
        known = rate.total > 0
        table.add_row(
            name,
            f"{rate.value:.1%}" if known else dash,
            f"{low:.0%}{dash}{high:.0%}" if known else "",
            Text(f"{rate.hits} of {rate.total}", style="dim"),
        )
    return table


def _markdown_rates(rates: list[tuple[str, Rate]]) -> Iterator[str]:
    yield "| | | 95% interval | |"
    yield "| --- | ---: | ---: | ---: |"
    for name, rate in rates:
        low, high = rate.interval
        figures = f"{rate.value:.1%} | {low:.0%} to {high:.0%}" if rate.total else "– | "
        yield f"| {name} | {figures} | {rate.hits} of {rate.total} |"


def _breaks(runs: list[Run], dash: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("run", no_wrap=True, overflow="ellipsis", max_width=24)
    table.add_column("reward", justify="right")
    table.add_column("turn", justify="right", no_wrap=True)
    table.add_column("what broke", ratio=1, min_width=16)
    table.add_column("sure", justify="right", no_wrap=True)
    table.add_column("the user's words", ratio=1, min_width=16)
    for run in runs:
        for number, each in enumerate(run.breaks):
            table.add_row(
                Text(one_line(run.id)) if not number else "",
                _reward(run, dash) if not number else "",
                f"{each.turn}/{run.turns}",
                _what(each),
                f"{each.probability:.0%}",
                Text(_clipped(each.words, 120), style="dim"),
            )
    return table


def _what(each: Break) -> RenderableType:
    return Text.assemble(
        (f"{each.component.category} {each.status}: ", "bold"), _clipped(each.component.text, 120)
    )


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for position, heading in enumerate(headings):
        notes = position == 3 or (position == 2 and not heading)
        table.add_column(heading, justify="left" if notes or not position else "right")
    return table


def _reward(run: Run, dash: str = "–") -> str:
    return dash if run.reward is None else f"{run.reward:g}"


def _clipped(text: str, room: int) -> str:
    line = one_line(text).strip()
    return line if len(line) <= room else line[: room - 1].rstrip() + "…"


def _code(text: str, room: int | None = None) -> str:
    """A code span that a table cell can hold, whatever is in the text."""
    line = one_line(text).strip() if room is None else _clipped(text, room)
    if not line:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line.replace('|', chr(92) + '|')}{padding}{fence}"

"""``goalstate audit``: which failures of a benchmark are the simulated user's fault.

Knows the command's options, and which runs go with which labels. Knows nothing about the rule or the tables.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.tracks import Run, tracking_options
from tracker.errors import InputError

if TYPE_CHECKING:
    from tracker.audit import Audit, Comparison
    from tracker.tracked import Tracked


@click.command()
@click.argument("files", metavar="[RUN...]", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--tracked",
    "tracked_file",
    metavar="TRACKED.jsonl",
    type=click.Path(path_type=Path),
    help='What "track --output" wrote for the same runs, so that they need not be tracked again.',
)
@click.option(
    "--judged",
    metavar="JUDGED.jsonl",
    type=click.Path(path_type=Path),
    help="Runs with a judge's labels: compare the verdicts. They are the runs where no other file is named.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="P",
    help="Hold nothing against a user that the tracker is less sure of than this.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object with everything, for machines.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Write Markdown, to paste into an issue.")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write to a file, as Markdown unless --json is given.",
)
@tracking_options
@click.pass_context
def audit(
    context: click.Context,
    files: tuple[Path, ...],
    tracked_file: Path | None,
    judged: Path | None,
    confidence: float,
    as_json: bool,
    as_markdown: bool,
    output: Path | None,
    run: Run,
) -> None:
    """Say for every run of a benchmark whether the simulated user kept its goal.

    RUN is a result file of τ-bench or τ²-bench, or any file that "track" reads. The runs are sorted by that
    and by their own reward into: the agent failed, the user drifted, both, neither.

    A user drifted when a profile or policy became MISALIGNED, or an objective, or a requirement of an
    objective that got done, was left INCOMPLETE.
    """
    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown exclude each other.")
    sources = list(files) or ([judged] if judged is not None else [])
    if not sources:
        raise click.UsageError("Name a file of runs, or --judged.")
    from tracker.atomic import check_writable, write_text

    if output is not None:
        inputs = (*sources, tracked_file, judged)
        if output.resolve() in {path.resolve() for path in inputs if path is not None}:
            raise InputError("the output would take the place of an input", source=output)
        check_writable(output)
    results = run.track(sources) if tracked_file is None else run.read(tracked_file, sources)

    from tracker.audit import audit as audited
    from tracker.audit_tables import markdown

    found = audited(results.tracks, confidence=confidence)
    comparison = None if judged is None else _compared(results.tracks, judged, confidence)
    by = _trackers(results.tracks)
    if as_json:
        parts = {
            "tracker": by,
            "passed_over": results.passed_over,
            "confidence": confidence,
            **found.as_json(),
        }
        if comparison is not None:
            parts["against_judge"] = comparison.as_json()
        text = json.dumps(parts, indent=2)
    elif as_markdown or output is not None:
        text = markdown(found, comparison, tracker="; ".join(by))
    else:
        _draw(found, comparison)
        text = ""
    if output is not None:
        write_text(output, text.rstrip("\n") + "\n")
        click.echo(str(output))
    elif text:
        click.echo(text.rstrip("\n"))
    if results.passed_over:
        context.exit(1)


def _compared(tracks: Sequence[Tracked], judged_file: Path, confidence: float) -> Comparison:
    """Pair the tracks with the judged runs of the same id, in order, and compare those."""
    from tracker.audit import compare
    from tracker.audit import judged as judgement_of
    from tracker.formats import native

    judgements: defaultdict[str, deque[Tracked]] = defaultdict(deque)
    for conversation in native.read(judged_file):
        if not isinstance(conversation, InputError) and conversation.labels is not None:
            judgements[conversation.id].append(judgement_of(conversation))
    pairs = [
        (tracked, judgements[tracked.track.id].popleft())
        for tracked in tracks
        if judgements.get(tracked.track.id)
    ]
    if not pairs:
        raise InputError("none of the runs has labels in this file", source=judged_file)
    return compare([ours for ours, _ in pairs], [theirs for _, theirs in pairs], confidence=confidence)


def _trackers(tracks: Sequence[Tracked]) -> list[str]:
    described = {", ".join(f"{name} {value}" for name, value in each.tracker.items()) for each in tracks}
    return sorted(described - {""})


def _draw(audit: Audit, comparison: Comparison | None) -> None:
    from rich.console import Console
    from rich.text import Text

    from tracker.audit_tables import AuditTable, ComparisonTable

    console = Console(highlight=False)
    console.print(Text(f"{len(audit.runs)} {'run' if len(audit.runs) == 1 else 'runs'}\n"))
    console.print(AuditTable(audit))
    if comparison is not None:
        console.print()
        console.print(ComparisonTable(comparison))

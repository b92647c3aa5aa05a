"""``goalstate audit``: which failures of a benchmark are the simulated user's fault.

Knows the command's options, and which runs go with which labels. Knows nothing about the rule or the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.numbers import FiniteRange
from tracker.cli.outputs import refuse_inputs, same_file
from tracker.cli.run import Item
from tracker.cli.tracks import Run, tracking_options
from tracker.errors import InputError

if TYPE_CHECKING:
    from tracker.audit import Audit, Comparison
    from tracker.conversation import Conversation
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
    type=FiniteRange(0, 1),
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

    A user drifted when a profile or policy became MISALIGNED, or an objective, or a requirement of
    none or of an objective that got done, was left INCOMPLETE.
    """
    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown exclude each other.")
    sources = list(files) or ([judged] if judged is not None else [])
    if not sources:
        raise click.UsageError("Name a file of runs, or --judged.")
    from tracker.atomic import check_writable, write_text

    if output is not None:
        refuse_inputs(output, (*sources, tracked_file, judged, *run.inputs))
        check_writable(output)
    passed_over = 0
    judgements: list[Conversation] = []
    if judged is not None:
        read_too = any(same_file(file, judged) for file in sources)
        judgements, passed_over = _judgements(judged, run, read_too=read_too)
    # A judgement is found by its place among those of its id, which a limit would hide.
    items = run.items(sources, whole=tracked_file is not None or judged is not None)
    if tracked_file is None:
        if judged is not None:
            _refuse_strangers(items[: run.limit], judgements, judged)
        results = run.track(items)
    else:
        results = run.read(tracked_file, items)
    passed_over += results.passed_over

    from tracker.audit import audit as audited
    from tracker.audit_tables import markdown

    found = audited(results.tracks, confidence=confidence)
    comparison = None
    if judged is not None:
        judged_runs = _judged_runs(items, judgements, judged)
        comparison, unusable = _compared(results.tracks, judged_runs, judged, run, confidence)
        passed_over += unusable
    by = _trackers(results.tracks)
    if as_json:
        parts = {
            "tracker": by,
            "passed_over": passed_over,
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
    if passed_over:
        context.exit(1)


def _judgements(file: Path, run: Run, *, read_too: bool) -> tuple[list[Conversation], int]:
    """The conversations of a judged file, and how many lines of it were passed over.

    Where the file is ``read_too`` as one of runs, its bad lines are reported there. Raises ``InputError``
    where it holds no labels, before any of it is reported where it holds no conversation either, or under
    ``--strict`` at the first bad line.
    """
    from tracker.formats import native
    from tracker.tracked import holds_tracks

    if holds_tracks(file):
        raise InputError("these are tracks; expected conversations with a judge's labels", source=file)
    found = list(native.read(file))
    errors = [each for each in found if isinstance(each, InputError)]
    if len(errors) == len(found) == 1:
        raise errors[0]
    if errors and len(errors) == len(found):
        raise InputError(
            f"expected conversations with a judge's labels; this is the first of {len(errors)} errors: "
            f"{errors[0]}",
            source=file,
        )
    if read_too:
        found = [each for each in found if not isinstance(each, InputError)]
    conversations, passed_over = run.usable(found)
    if not _labelled(conversations):
        raise InputError("none of the runs has labels in this file", source=file)
    return conversations, passed_over


def _refuse_strangers(items: Sequence[Item], judgements: Sequence[Conversation], file: Path) -> None:
    """Raise ``InputError`` where none of the runs was judged: before they are tracked for nothing."""
    runs = {item.content.id for item in items if not isinstance(item.content, InputError)}
    if not runs & _labelled(judgements):
        raise InputError("none of the runs has labels in this file", source=file)


def _judged_runs(
    items: Sequence[Item], judgements: Sequence[Conversation], file: Path
) -> dict[int, Conversation | InputError]:
    """The judgement of every run with the id of one, or why it is not known; by the ``id()`` of the run.

    Where the judged file is one of those with runs, only its own runs are judged.
    """
    from tracker.tracked import counterparts

    files = {item.file for item in items}
    own = {each for each in files if same_file(each, file)}
    labelled = _labelled(judgements)
    runs = [
        item.content
        for item in items
        if item.file in (own or files)
        and not isinstance(item.content, InputError)
        and item.content.id in labelled
    ]
    found = counterparts([(each.id, len(each.turns)) for each in runs], judgements, file, kind="run")
    return {id(each): judgement for each, judgement in zip(runs, found, strict=True)}


def _compared(
    tracks: Sequence[Tracked],
    judged_runs: Mapping[int, Conversation | InputError],
    file: Path,
    run: Run,
    confidence: float,
) -> tuple[Comparison, int]:
    """Compare the tracks with the judgements of their runs; how many of these were passed over.

    Raises ``InputError`` where there is nothing to compare, or under ``--strict`` at the first of these.
    """
    from tracker.audit import compare
    from tracker.audit import judged as judgement_of

    ours = [(each, judged_runs[key]) for each in tracks if (key := id(each.conversation)) in judged_runs]
    pairs, passed_over = run.usable(
        judgement if isinstance(judgement, InputError) else (tracked, judgement)
        for tracked, judgement in ours
    )
    pairs = [(tracked, judgement) for tracked, judgement in pairs if judgement.labels is not None]
    if not pairs:
        raise InputError("none of the runs has labels in this file that can be compared with", source=file)
    found = compare(
        [tracked for tracked, _ in pairs],
        [judgement_of(judgement) for _, judgement in pairs],
        confidence=confidence,
    )
    return found, passed_over


def _labelled(conversations: Iterable[Conversation]) -> set[str]:
    """The ids of those with labels."""
    return {conversation.id for conversation in conversations if conversation.labels is not None}


def _trackers(tracks: Sequence[Tracked]) -> list[str]:
    described = {", ".join(f"{name} {value}" for name, value in each.tracker.items()) for each in tracks}
    return sorted(described - {""})


def _draw(audit: Audit, comparison: Comparison | None) -> None:
    from rich.console import Console
    from rich.text import Text

    from tracker.audit_tables import AuditTable, ComparisonTable
    from tracker.rendering import counted

    console = Console(highlight=False)
    console.print(Text(f"{counted(len(audit.runs), 'run')}\n"))
    console.print(AuditTable(audit))
    if comparison is not None:
        console.print()
        console.print(ComparisonTable(comparison))

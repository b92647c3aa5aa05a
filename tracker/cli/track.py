"""``goalstate track``: how every component of the user's goal stands after every turn.

Knows the command's options and what is shown. Knows nothing about how files are read or models run.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.outputs import writing
from tracker.cli.run import opened, read_items, reading_options, refuse_unusable, run_options, track_all

if TYPE_CHECKING:
    from tracker.conversation import Conversation
    from tracker.goal import Category, Status
    from tracker.state import Track


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@reading_options
@click.option(
    "--output",
    metavar="OUT.jsonl",
    type=click.Path(path_type=Path),
    help="Write a line of JSON per conversation; OUT.jsonl.partial until all are done.",
)
@run_options
@click.pass_context
def track(
    context: click.Context,
    files: tuple[Path, ...],
    format_name: str | None,
    goal_file: Path | None,
    output: Path | None,
    model: str | None,
    decoder: str,
    threads: int | None,
    workers: int | None,
    together: int | None,
    limit: int | None,
    strict: bool,
) -> None:
    """Track conversations, turn by turn.

    One conversation is drawn as a table: a row per component of the goal, a column per turn. Of several, a
    summary per category is shown, and --output has them all.
    """
    items = read_items(files, format_name, goal_file, limit)
    inputs = (*files, goal_file, model)
    with nullcontext() if output is None else writing(output, inputs, done="tracked") as writer:
        refuse_unusable(items)
        with opened(model, decoder, threads) as tracker:
            shown = _Shown(alone=len(items) == 1)
            description = tracker.describe()

            def each(_conversation: Conversation, tracked: Track) -> None:
                if writer is not None:
                    writer.write(tracked, description)
                shown.add(tracked)

            passed_over = track_all(
                items, tracker, workers=workers, together=together, strict=strict, each=each
            )
    shown.draw(passed_over)
    if passed_over:
        context.exit(1)


class _Shown:
    """What is drawn at the end: the one track, or counts over the tracks."""

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self._track: Track | None = None
        self._outcomes: Counter[tuple[Category, Status]] = Counter()
        self._conversations = 0
        self._turns = 0

    def add(self, track: Track) -> None:
        if self._alone:
            self._track = track
        self._conversations += 1
        self._turns += len(track.states)
        for component in track.goal:
            statuses = track.statuses(component.id)
            self._outcomes[component.category, statuses[-1] if statuses else component.start] += 1

    def draw(self, passed_over: int) -> None:
        from rich.console import Console

        from tracker.rendering import SummaryTable, TrackTable, counted

        console = Console(highlight=False)
        if self._track is not None:
            console.print(TrackTable(self._track))
            return
        without = f", {passed_over} passed over" if passed_over else ""
        console.print(
            f"{counted(self._conversations, 'conversation')}, {counted(self._turns, 'turn')}{without}\n"
        )
        console.print(SummaryTable(self._outcomes))

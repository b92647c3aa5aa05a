"""``goalstate export``: tracks as a flat table for pandas, R or a spreadsheet.

Knows the command's options. Knows nothing about the table's columns or formats.
"""

from __future__ import annotations

from pathlib import Path

import click

from tracker.cli.outputs import refuse_inputs
from tracker.cli.tracks import Run, tracking_options


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--output",
    metavar="TABLE",
    type=click.Path(path_type=Path),
    required=True,
    help="The table to write: .csv, or .parquet with the extra goalstate[table].",
)
@click.option(
    "--conversations",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file that was tracked, where FILE holds tracks: adds words, rewards and labels.",
)
@tracking_options
@click.pass_context
def export(context: click.Context, file: Path, output: Path, conversations: Path | None, run: Run) -> None:
    """Write a table with a row per conversation, turn and component.

    FILE is what "track --output" wrote, or conversations in any format that "track" reads, which are tracked
    first. In a CSV, text that a spreadsheet program would run as a formula stands behind an apostrophe.
    """
    from tracker.atomic import check_writable
    from tracker.rendering import counted
    from tracker.table_export import check_format, write_table

    refuse_inputs(output, (file, conversations, *run.inputs))
    check_format(output)
    check_writable(output)
    results = run.results(file, conversations)
    count = write_table(results.tracks, output)
    click.echo(f"{output}  {counted(count, 'row')}")
    if results.passed_over:
        context.exit(1)

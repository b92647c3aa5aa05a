"""``goalstate export``: tracks as a flat table for pandas, R or a spreadsheet.

Knows the command's options. Knows nothing about the table's columns or formats.
"""

from __future__ import annotations

from pathlib import Path

import click

from tracker.cli.tracks import Run, tracking_options
from tracker.errors import InputError


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
    first.
    """
    from tracker.atomic import check_writable
    from tracker.table_export import check_format, write_table

    if output.resolve() in {path.resolve() for path in (file, conversations) if path is not None}:
        raise InputError("the output would take the place of an input", source=output)
    check_format(output)
    check_writable(output)
    results = run.results(file, conversations)
    count = write_table(results.tracks, output)
    click.echo(f"{output}  {count:,} rows")
    if results.passed_over:
        context.exit(1)

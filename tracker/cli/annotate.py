"""``goalstate annotate``: a sheet in which people label conversations.

Knows the command's options. Knows nothing about the sheet; that is ``tracker.annotation``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from tracker.cli.outputs import refuse_inputs
from tracker.cli.run import pass_over, read_items, reading_options, refuse_unusable, stderr
from tracker.errors import InputError


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    metavar="SHEET.csv",
    required=True,
    type=click.Path(path_type=Path),
    help="The sheet, for any spreadsheet program.",
)
@click.option("--force", is_flag=True, help="Replace SHEET.csv, with whatever has been filled in there.")
@reading_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N conversations.")
@click.pass_context
def annotate(
    context: click.Context,
    files: tuple[Path, ...],
    output: Path,
    force: bool,
    format_name: str | None,
    goal_file: Path | None,
    limit: int | None,
) -> None:
    """Make a sheet for people to label conversations in: a row per turn and component.

    Each row has the turn's text, the component, the statuses allowed, and an empty cell for the status after
    that turn. An empty cell says that nothing changed since the turn before, so the changes are enough; a
    component with no filled cell at all is left out, so write the start status of one that keeps it. Labels
    that a file has are not shown. `goalstate agree` reads the sheet.
    """
    from tracker.annotation import write_sheet
    from tracker.rendering import counted

    refuse_inputs(output, (*files, goal_file))
    if output.exists() and not force:
        raise InputError("exists already, perhaps filled in; --force replaces it", source=output)
    items = read_items(files, format_name, goal_file, limit)
    refuse_unusable(items)
    conversations = [item.content for item in items if not isinstance(item.content, InputError)]
    bad = [item.content for item in items if isinstance(item.content, InputError)]
    for error in bad:
        pass_over(error, stderr())
    for conversation_id, times in Counter(each.id for each in conversations).items():
        if times > 1:
            raise InputError(
                f"{times} conversations have the id {conversation_id!r}; a sheet tells them apart by their "
                "ids, so make a sheet for each"
            )
    rows = write_sheet(conversations, output)
    click.echo(f"{output}: {counted(rows, 'row')} to fill in, {counted(len(conversations), 'conversation')}")
    if bad:
        context.exit(1)

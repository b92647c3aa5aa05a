"""``goalstate report``: tracked conversations as one HTML page, and its plots as SVG files.

Knows the command's options and where files go. Knows nothing about what is on the page.
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
    metavar="REPORT.html",
    type=click.Path(path_type=Path),
    required=True,
    help="The page to write: one file that needs no other.",
)
@click.option(
    "--conversations",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file that was tracked, where FILE holds tracks: the words beside the states.",
)
@click.option(
    "--plots",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A folder to write the overview's plots to as well, as SVG files.",
)
@click.option("--title", metavar="TITLE", help="What the page is about; the file's name otherwise.")
@tracking_options
@click.pass_context
def report(
    context: click.Context,
    file: Path,
    output: Path,
    conversations: Path | None,
    plots: Path | None,
    title: str | None,
    run: Run,
) -> None:
    """Make one self-contained HTML page about tracked conversations.

    FILE is what "track --output" wrote, or conversations in any format that "track" reads, which are tracked
    first. Tracks hold the states but not the words: name the tracked file with --conversations to have both.
    """
    from tracker.atomic import check_writable, write_text

    refuse_inputs(output, (file, conversations, *run.inputs))
    check_writable(output)
    if plots is not None:
        plots.mkdir(parents=True, exist_ok=True)
    results = run.results(file, conversations)

    from tracker.report import PLOTS, render, render_plots

    write_text(output, render(results.tracks, title=title or (conversations or file).name))
    written = [output]
    if plots is not None:
        drawn = render_plots(results.tracks)
        for name, svg in drawn.items():
            written.append(plots / f"{name}.svg")
            write_text(written[-1], svg)
        for name in set(PLOTS) - drawn.keys():
            # An older report's, which would be taken for one of this report.
            (plots / f"{name}.svg").unlink(missing_ok=True)
    if all(tracked.conversation is None for tracked in results.tracks):
        click.echo("goalstate: the report has states but no words; --conversations adds them", err=True)
    for path in written:
        click.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB" if path == output else str(path))
    if results.passed_over:
        context.exit(1)

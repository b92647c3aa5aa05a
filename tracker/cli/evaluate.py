"""``goalstate evaluate``: how well the tracker agrees with the labels of a file.

Knows the command's options and what is shown. Knows nothing about metrics or models.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.run import Item, opened, refuse_unusable, run_options, take, track_all
from tracker.errors import InputError

if TYPE_CHECKING:
    from tracker.conversation import Conversation
    from tracker.state import Track


@click.command()
@click.argument("file", metavar="FILE.jsonl", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object with everything, for machines.")
@click.option("--probes", is_flag=True, help="Track and compare the file's probes too.")
@run_options
@click.pass_context
def evaluate(
    context: click.Context,
    file: Path,
    as_json: bool,
    probes: bool,
    model: str | None,
    decoder: str,
    threads: int | None,
    workers: int | None,
    together: int | None,
    limit: int | None,
    strict: bool,
) -> None:
    """Track the conversations of a labelled file and compare.

    Shown are per category, and as the average over the categories present: accuracy, macro-F1 and Cohen's
    kappa after every turn and after the last, with 95% intervals from a bootstrap over conversations.
    """
    from tracker.formats import native

    items = _labelled(take(file, native.read(file, probes=probes), limit))
    refuse_unusable(items)
    from tracker.agreement import evaluate as agreement_of

    conversations: list[Conversation] = []
    tracks: list[Track] = []

    def each(conversation: Conversation, track: Track) -> None:
        conversations.append(conversation)
        tracks.append(track)

    with opened(model, decoder, threads) as tracker:
        description = tracker.describe()
        passed_over = track_all(items, tracker, workers=workers, together=together, strict=strict, each=each)
    agreement = agreement_of(conversations, tracks)
    if as_json:
        result = {
            "file": str(file),
            "tracker": description,
            "passed_over": passed_over,
            **agreement.as_json(),
        }
        click.echo(json.dumps(result, indent=2))
    else:
        from rich.console import Console
        from rich.text import Text

        from tracker.rendering import AgreementTable, one_line

        console = Console(highlight=False)
        counts = f"{agreement.conversations} conversations, {agreement.components} components"
        by = ", ".join(f"{name} {value}" for name, value in description.items())
        console.print(Text(f"{one_line(file.name)}: {counts}, {agreement.labels} labels\n{by}\n"))
        console.print(AgreementTable(agreement))
    if passed_over:
        context.exit(1)


def _labelled(items: Sequence[Item]) -> list[Item]:
    """Take conversations without labels for bad ones. Raises ``InputError`` where none has any."""
    good = [item.content for item in items if not isinstance(item.content, InputError)]
    if good and all(conversation.labels is None for conversation in good):
        raise InputError("no conversation has labels to compare with", source=items[0].file)
    return [
        item
        if isinstance(item.content, InputError) or item.content.labels is not None
        else replace(
            item, content=InputError(f"conversation {item.content.id!r} has no labels", source=item.file)
        )
        for item in items
    ]

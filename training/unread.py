"""What some runs never read: ``python -m training.unread CONFIG... --of FILE... --out FILE``.

A run of fewer passes than its list is long reads part of it, which chance draws. This takes the runs' own
configurations, the native files to look in, and writes those of their conversations that none of the runs
read; the next run's list can begin with them. Prints of every file how many were read. Files are compared by
path, conversations by id, so a list that stands twice counts once; a file must not have been added to since.

Knows configurations and files. Knows nothing about the order in which a run reads (``training.order``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import click

from tracker.conversation import Conversation
from training.command import ClickCommand
from training.config import SftConfig, read_config
from training.data import read_labelled, write_labelled
from training.order import in_order


def read_in(
    config: SftConfig, conversations: Callable[[Path], Sequence[Conversation]]
) -> set[tuple[Path, str]]:
    """The judged conversations that a run reads, by file and id; ``conversations`` gives those of a file."""
    listed = [(path, conversation.id) for path in config.train for conversation in conversations(path)]
    return set(in_order(listed, passes=config.passes, random_state=config.random_state))


@click.command(cls=ClickCommand, help=(__doc__ or "").splitlines()[0])
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--of", "files", multiple=True, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path))
def main(configs: Sequence[Path], files: Sequence[Path], out: Path) -> None:
    conversations = cache(read_labelled)  # a file stands in the lists of several runs
    read = set(itertools.chain.from_iterable(read_in(read_config(path), conversations) for path in configs))
    unread = []
    for file in files:
        left = [c for c in conversations(file) if (file, c.id) not in read]
        total = len(conversations(file))
        click.echo(f"{file}: {total - len(left)} of {total} read")
        unread.extend(left)
    write_labelled(unread, out)
    click.echo(f"{out}: {len(unread)} conversations that no run has read")


if __name__ == "__main__":
    main()

"""Where a command's result goes: never over what the command reads, and under its name only when whole.

Knows the files that a command is given, and what is said of lines that a stopped run left. Knows nothing
about what is read or written.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.errors import InputError

if TYPE_CHECKING:
    from tracker.output import TrackWriter


def refuse_inputs(output: Path, inputs: Iterable[Path | str | None]) -> None:
    """Raise ``InputError`` where writing the output would destroy an input: before anything is written.

    Parameters
    ----------
    inputs
        Every file that the command reads; ``None`` stands for one that was not given.
    """
    from tracker.atomic import is_special, partial_of, target_of

    if is_special(output) or os.path.isdir(output):
        return  # nothing is replaced: a folder is refused where it is opened
    target = target_of(output)
    for given in inputs:
        if given is None:
            continue
        if same_file(target, Path(given)):
            raise InputError("the output would take the place of an input", source=output)
        if same_file(partial_of(target), Path(given)):
            raise InputError(
                f"the output goes to {partial_of(target)} first, which is an input", source=output
            )


@contextmanager
def writing(
    output: Path, inputs: Iterable[Path | str | None], *, done: str, goes_on: str = ""
) -> Iterator[TrackWriter]:
    """Open the output before any work is done, and say where its lines are when the work is stopped.

    Parameters
    ----------
    inputs
        What the command reads; see :func:`refuse_inputs`.
    done
        What the lines are, such as ``tracked``.
    goes_on
        How a stopped run is gone on with, where it can be.

    Raises ``InputError`` as :func:`refuse_inputs` and ``TrackWriter`` do.
    """
    from tracker.output import TrackWriter

    refuse_inputs(output, inputs)
    writer = TrackWriter(output)
    if writer.unfinished is not None:
        click.echo(
            f"goalstate: {writer.unfinished}, left by a run that was stopped, will be replaced", err=True
        )
    try:
        with writer:
            yield writer
    finally:
        if writer.unfinished is not None and writer.written:
            click.echo(f"goalstate: stopped; {writer.written} {done} so far: {writer.unfinished}", err=True)
            if goes_on:
                click.echo(f"goalstate: {goes_on}", err=True)


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, there already or not."""
    # The names say it of files that are not there yet, the file system of two names for one file.
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)

"""What the commands that read conversations share: options, and a run over them that survives the bad ones.

Knows how a run is reported on standard error: a bar on a terminal, a line for each conversation passed over.
Knows nothing about what is done with the tracks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from tracker.errors import GoalstateError, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from tracker.conversation import Conversation
    from tracker.state import Track
    from tracker.tracking import GoalTracker

_Command = TypeVar("_Command", bound=Callable[..., Any])

_PAYS_A_WORKER = 4
"""Conversations for which starting a worker process pays."""


@dataclass(frozen=True)
class Item:
    """What a file holds in the place of a conversation: one, or why it cannot be used."""

    file: Path
    content: Conversation | InputError


def reading_options(command: _Command) -> _Command:
    """Add the options that say how files are read."""
    for option in reversed(
        (
            click.option(
                "--format",
                "format_name",
                metavar="FORMAT",
                help="native, openai, tau-bench, tau2 or multiwoz; recognised by content otherwise.",
            ),
            click.option(
                "--goal",
                "goal_file",
                metavar="GOAL",
                type=click.Path(path_type=Path),
                help="A file with the user's goal, as JSON or plain text; "
                "it takes the place of goals in the files.",
            ),
        )
    ):
        command = option(command)
    return command


def run_options(command: _Command) -> _Command:
    """Add the options that choose the tracker and how far a run goes."""
    for option in reversed(
        (
            click.option("--model", metavar="MODEL", help="A GGUF file to use in place of goalstate's own."),
            click.option(
                "--decoder",
                type=click.Choice(["plain", "branches", "encoder", "words"]),
                default="branches",
                show_default=True,
                help="How statuses are found: plain and branches read them out of a language model and "
                "agree; encoder and words go without one, in less time.",
            ),
            click.option(
                "--threads",
                type=click.IntRange(min=1),
                metavar="N",
                help="CPU threads; chosen for the machine otherwise.",
            ),
            click.option(
                "--workers",
                type=click.IntRange(min=1),
                metavar="N",
                help="Processes that share the conversations; chosen for the machine otherwise.",
            ),
            click.option(
                "--together",
                type=click.IntRange(1, 32),
                metavar="N",
                help="Conversations that a process reads in one batch; 1 otherwise.",
            ),
            click.option(
                "--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N conversations."
            ),
            click.option(
                "--strict", is_flag=True, help="Stop at the first bad conversation; do not pass over it."
            ),
        )
    ):
        command = option(command)
    return command


def take(file: Path, contents: Iterable[Conversation | InputError], limit: int | None) -> list[Item]:
    """Read the first ``limit`` conversations of a file, bad ones included.

    All of them are in memory before the first is tracked: so the time left is known, and a file that cannot
    be used as a whole stops the run before it has begun. Raises ``InputError`` where there are none.
    """
    items = [Item(file, content) for content in islice(contents, limit)]
    if not items:
        raise InputError("there are no conversations in this file", source=file)
    return items


def read_items(
    files: Sequence[Path], format_name: str | None, goal_file: Path | None, limit: int | None
) -> list[Item]:
    """Read the first ``limit`` conversations of several files in any format; see :func:`take`."""
    from tracker.decomposition import read_goal
    from tracker.formats import read

    goal = None if goal_file is None else read_goal(goal_file)
    items: list[Item] = []
    for file in files:
        left = None if limit is None else limit - len(items)
        if left != 0:
            items += take(file, read(file, format=format_name, goal=goal), left)
    return items


@contextmanager
def opened(model: str | None, decoder: str, threads: int | None) -> Iterator[GoalTracker]:
    """Load the tracker, saying its warnings on standard error; close it at the end."""
    from tracker.tracking import GoalTracker

    with warnings.catch_warnings(record=True) as caught:
        tracker = GoalTracker.load(model, decoder=decoder, threads=threads)
    for warning in caught:
        click.echo(f"goalstate: warning: {warning.message}", err=True)
    try:
        yield tracker
    finally:
        tracker.close()


def refuse_unusable(items: Sequence[Item]) -> None:
    """Raise ``GoalstateError`` where no item is a conversation, before a model is loaded for nothing."""
    errors = [item.content for item in items if isinstance(item.content, InputError)]
    if len(errors) == len(items) == 1:
        raise errors[0]
    if len(errors) == len(items):
        console = stderr()
        for error in errors:
            pass_over(error, console)
        raise GoalstateError(f"none of the {len(items)} conversations can be used")


def track_all(
    items: Sequence[Item],
    tracker: GoalTracker,
    *,
    workers: int | None,
    together: int | None,
    strict: bool,
    each: Callable[[Conversation, Track], None],
) -> int:
    """Track the conversations and hand every track to ``each``, in their order, as soon as it is there.

    A bad conversation among several is reported and passed over; how many were is returned. A bad one that
    is alone, or any under ``strict``, is raised as the ``InputError`` that it is. Raises ``GoalstateError``
    at the end where no conversation could be tracked.
    """
    from tracker.rendering import progress_bar

    console = stderr()
    turns = [0 if isinstance(item.content, InputError) else len(item.content.turns) for item in items]
    passed_over = 0
    passed = 0
    with progress_bar(console) as bar:
        task = bar.add_task("tracking", total=sum(turns), done=0, conversations=len(items))
        outcomes = _outcomes(items, tracker, workers, together, turn_done=lambda: bar.advance(task))
        for done, (item, count, outcome) in enumerate(zip(items, turns, outcomes, strict=True), start=1):
            if isinstance(outcome, InputError):
                if strict or len(items) == 1:
                    raise outcome
                pass_over(outcome, console)
                passed_over += 1
            else:
                assert not isinstance(item.content, InputError)
                each(item.content, outcome)
            passed += count
            # Of those that are tracked beside it, turns may be done already.
            bar.update(task, completed=max(passed, bar.tasks[task].completed), done=done)
    if passed_over == len(items):
        raise GoalstateError(f"none of the {len(items)} conversations could be tracked")
    return passed_over


def key_given(context: click.Context, variable: str) -> str | None:
    """The key in the environment variable that ``--api-key-env`` names, or ``None``.

    Raises ``InputError`` where the option names one that is not set.
    """
    from tracker.judge.endpoint import key_in

    key = key_in(variable)
    if key is None and context.get_parameter_source("api_key_env") is ParameterSource.COMMANDLINE:
        raise InputError(f"the environment variable {variable} is not set", field="--api-key-env")
    return key


def stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _outcomes(
    items: Sequence[Item],
    tracker: GoalTracker,
    workers: int | None,
    together: int | None,
    turn_done: Callable[[], None],
) -> Iterator[Track | InputError]:
    """The track of each item, or why there is none."""
    good = [item.content for item in items if not isinstance(item.content, InputError)]
    if workers is None:
        # A worker takes a second to load the model, which a few conversations do not pay back.
        workers = min(len(good) // _PAYS_A_WORKER, tracker.threads)
    workers = max(1, min(workers, len(good)))
    tracks = tracker.track_many(good, workers=workers, together=together, turn_done=turn_done)
    for item in items:
        if isinstance(item.content, InputError):
            yield item.content
            continue
        track = next(tracks)
        if isinstance(track, InputError):
            track = InputError(f"conversation {item.content.id!r}: {track}", source=item.file)
        yield track


def pass_over(error: InputError, console: Console) -> None:
    """Say in a line that a conversation is passed over, and why."""
    from rich.text import Text

    from tracker.rendering import one_line

    console.print(Text(f"goalstate: passed over: {one_line(str(error))}"), soft_wrap=True)

"""What ``report``, ``audit`` and ``export`` share: tracks of the files they are given, made now or read back.

Knows how a file of tracks and the conversations that it is of come together, and how what cannot be used is
said on standard error. Knows nothing about what is done with the tracks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tracker.cli.run import (
    Item,
    opened,
    pass_over,
    read_items,
    reading_options,
    refuse_unusable,
    run_options,
    stderr,
    track_all,
)
from tracker.errors import InputError

if TYPE_CHECKING:
    from tracker.conversation import Conversation
    from tracker.state import Track
    from tracker.tracked import Tracked

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Results:
    """Tracks, and how many conversations were passed over on the way to them."""

    tracks: Sequence[Tracked]
    passed_over: int


@dataclass(frozen=True)
class Run:
    """How files are read, and how what is in them is tracked."""

    format_name: str | None
    goal_file: Path | None
    model: str | None
    decoder: str
    threads: int | None
    workers: int | None
    together: int | None
    limit: int | None
    strict: bool

    @property
    def inputs(self) -> tuple[Path | str | None, ...]:
        """What is read besides the command's own files, where it is given."""
        return self.goal_file, self.model

    def results(self, file: Path, conversations: Path | None) -> Results:
        """The tracks in ``file``, joined with ``conversations``; where it holds conversations, track those.

        Raises ``click.UsageError`` where ``conversations`` are given for a file that has its own.
        """
        from tracker.tracked import holds_tracks

        if holds_tracks(file):
            return self.read(file, [] if conversations is None else self.items([conversations], whole=True))
        if conversations is not None:
            raise click.UsageError(f"--conversations goes with a file of tracks; {file} holds conversations.")
        return self.track(self.items([file]))

    def items(self, files: Sequence[Path], *, whole: bool = False) -> Sequence[Item]:
        """Read conversations, as many as the limit allows or the files as a whole.

        Raises ``GoalstateError`` where none can be used.
        """
        items = read_items(files, self.format_name, self.goal_file, None if whole else self.limit)
        refuse_unusable(items)
        return items

    def track(self, items: Sequence[Item]) -> Results:
        """Track conversations, as many as the limit allows."""
        from tracker.tracked import Tracked

        tracks: list[Tracked] = []
        with opened(self.model, self.decoder, self.threads) as tracker:
            description = tracker.describe()

            def each(conversation: Conversation, track: Track) -> None:
                tracks.append(Tracked(track, description, conversation))

            passed_over = track_all(
                items[: self.limit],
                tracker,
                workers=self.workers,
                together=self.together,
                strict=self.strict,
                each=each,
            )
        return Results(tracks, passed_over)

    def read(self, tracks: Path, items: Sequence[Item]) -> Results:
        """Read tracks back, and give them their conversations where ``items`` has those, as wholes of files.

        Raises ``InputError`` where no track can be used, or under ``strict`` at the first track or
        conversation that cannot.
        """
        from tracker.tracked import join, read_tracks

        found: Iterable[Tracked | InputError] = read_tracks(tracks)
        passed_over = without = 0
        conversations: list[Conversation] = []
        if items:
            found = list(found)
            conversations, passed_over = self.usable(item.content for item in items)
            without = _without_track(conversations, found)
            files = {item.file for item in items}
            found = join(found, conversations, files.pop() if len(files) == 1 else None)
        usable, unusable = self.usable(islice(found, self.limit))
        passed_over += unusable
        if not usable:
            raise InputError("there are no tracks in this file that can be used", source=tracks)
        if self.limit is None and without > 0:
            click.echo(f"goalstate: {without} of {len(conversations)} conversations have no track", err=True)
        return Results(usable, passed_over)

    def usable(self, found: Iterable[_Found | InputError]) -> tuple[list[_Found], int]:
        """What can be used, and how many had to be passed over, each of which is reported.

        Raises the first ``InputError`` under ``strict``.
        """
        usable: list[_Found] = []
        passed_over = 0
        for each in found:
            if not isinstance(each, InputError):
                usable.append(each)
                continue
            if self.strict:
                raise each
            pass_over(each, stderr())
            passed_over += 1
        return usable, passed_over


def _without_track(conversations: Iterable[Conversation], tracks: Iterable[Tracked | InputError]) -> int:
    """How many of the conversations have no track; one that cannot be read is taken for one of theirs."""
    left = Counter(conversation.id for conversation in conversations)
    unreadable = 0
    for each in tracks:
        if isinstance(each, InputError):
            unreadable += 1
        else:
            left[each.track.id] -= 1
    return (+left).total() - unreadable


def tracking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how files are read and tracked; the command gets them as one ``run``."""

    @reading_options
    @run_options
    @wraps(command)
    def with_run(
        *arguments: Any,
        format_name: str | None,
        goal_file: Path | None,
        model: str | None,
        decoder: str,
        threads: int | None,
        workers: int | None,
        together: int | None,
        limit: int | None,
        strict: bool,
        **options: Any,
    ) -> Any:
        run = Run(format_name, goal_file, model, decoder, threads, workers, together, limit, strict)
        return command(*arguments, run=run, **options)

    return with_run

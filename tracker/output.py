"""Writes tracks as JSON lines, so that whatever stops a run leaves whole lines behind.

Knows the format of a line and how to put it safely on disk. Knows nothing about models or the command line.

Lines go to ``OUT.jsonl.partial`` beside the wanted file, each in one unbuffered write, and the file gets its
name when the run has reached its end: ``OUT.jsonl`` is always the result of a whole run, an older one until
then. After a stop the lines written so far stay in the partial file; only a kill in the middle of a write can
leave a torn last line there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tracker.atomic import is_special, partial_of, target_of
from tracker.errors import GoalstateError, InputError
from tracker.goal import Goal
from tracker.state import Track

if sys.platform != "win32":
    import fcntl


def goal_as_json(goal: Goal) -> dict[str, Any]:
    return goal.model_dump(mode="json", exclude_none=True)


def track_as_json(track: Track, tracker: Mapping[str, str]) -> dict[str, Any]:
    """What a line says: the goal, the state after every turn, and which tracker says so.

    ``tracker`` is what ``GoalTracker.describe`` gives: version, model and decoder.
    """
    return {
        "id": track.id,
        "goal": goal_as_json(track.goal),
        "turns": [state.as_json() for state in track.states],
        "tracker": dict(tracker),
    }


class TrackWriter:
    """A file of tracks that is being written, as a context manager.

    Leaving the context normally gives the file its name; leaving it through an exception keeps the partial
    file, if anything was written. A path that exists and is no regular file (a pipe, a terminal) is written
    to directly.

    Parameters
    ----------
    path
        The file to write; a symbolic link is followed.

    Raises
    ------
    InputError
        On construction, where the folder is missing or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.written = 0
        """Lines written so far."""
        self._path = path
        self._target: Path | None = None if is_special(path) else target_of(path)
        self._file = path if self._target is None else partial_of(self._target)
        self._descriptor = self._open()
        if self._target is not None:
            self._hold()

    @property
    def unfinished(self) -> Path | None:
        """The partial file, while it holds lines that have not got their name yet."""
        if self._target is None or not self._file.exists() or self._file.stat().st_size == 0:
            return None
        return self._file

    def write(self, track: Track, tracker: Mapping[str, str]) -> None:
        """Append a track as one line; see :meth:`write_line`."""
        self.write_line(track_as_json(track, tracker))

    def write_line(self, value: Mapping[str, Any]) -> None:
        """Append one line, whole or not at all.

        Raises ``GoalstateError`` where the disk does not take it; the lines before stay as they are.
        """
        # A lone surrogate, which a JSON escape can smuggle in, becomes that escape again.
        text = json.dumps(value, ensure_ascii=False) + "\n"
        line = memoryview(text.encode("utf-8", errors="backslashreplace"))
        if not self.written:
            self._cut(0)
        before = 0 if self._target is None else os.fstat(self._descriptor).st_size
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            self._cut(before)
            raise GoalstateError(f"{self._file}: cannot be written: {error.strerror}") from error
        self.written += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._target is None:
            os.close(self._descriptor)
            return
        if kind is None:
            if not self.written:
                self._cut(0)
            os.fsync(self._descriptor)
        # Held until it has its name, except where an open file cannot be renamed.
        if sys.platform == "win32":
            os.close(self._descriptor)
        if kind is None:
            os.replace(self._file, self._target)
        elif self.unfinished is None:
            self._file.unlink(missing_ok=True)
        if sys.platform != "win32":
            os.close(self._descriptor)

    def _open(self) -> int:
        if os.path.isdir(self._path):
            raise InputError("is a folder, not a file to write to", source=self._path)
        if self._target is not None and not self._target.parent.is_dir():
            raise InputError(f"the folder {self._target.parent} does not exist", source=self._path)
        if os.path.exists(self._path) and not os.access(self._path, os.W_OK):
            raise InputError("cannot be written: permission denied", source=self._path)
        create = 0 if self._target is None else os.O_CREAT
        # O_BINARY exists, and matters, on Windows only.
        flags = os.O_WRONLY | os.O_APPEND | create | getattr(os, "O_BINARY", 0)
        try:
            return os.open(self._file, flags, 0o666)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", source=self._path) from error

    def _hold(self) -> None:
        """Raise ``InputError`` where another run writes to the partial file, and hold it otherwise."""
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise InputError(
                f"another run is writing to it (its lines go to {self._file} first)", source=self._path
            ) from None
        except OSError:
            return  # a file system without locks
        if not self._file.exists() or not os.path.samestat(os.fstat(self._descriptor), self._file.stat()):
            # The other run has ended, and its lines have got their name, since this file was opened.
            os.close(self._descriptor)
            self._descriptor = self._open()
            self._hold()

    def _cut(self, size: int) -> None:
        if self._target is not None:
            os.ftruncate(self._descriptor, size)

"""Writes a whole file beside its place and then renames it, so that no reader meets half of it.

Knows files; knows nothing about what is in them.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tracker.errors import InputError


def target_of(path: Path) -> Path:
    """Where a path leads, symbolic links followed.

    Raises ``InputError`` where they lead round in a circle.
    """
    try:
        path.stat()
    except OSError as error:
        # Asked for here: what pathlib makes of such links differs between versions of Python.
        if error.errno == errno.ELOOP:
            raise InputError("its symbolic links lead round in a circle", source=path) from None
    return path.resolve()


def partial_of(target: Path) -> Path:
    """The file beside its place to which a result goes until it is whole."""
    return target.with_name(f"{target.name}.partial")


def is_special(path: Path) -> bool:
    """Whether a pipe, a terminal or a device is there, of which nothing can be replaced."""
    # os.path, unlike pathlib, answers for names too long for the file system as well.
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def check_writable(path: Path) -> None:
    """Raise ``InputError`` where :func:`write_text` would fail: before the work whose result it takes."""
    if path.is_dir():
        raise InputError("is a folder, not a file to write to", source=path)
    folder = target_of(path).parent
    if not folder.is_dir():
        raise InputError(f"the folder {folder} does not exist", source=path)
    # What is there is replaced by a file that is written beside it, so both have to be writable.
    needed = [path] if path.exists() else []
    if not is_special(path):
        needed.append(folder)
    if not all(os.access(place, os.W_OK) for place in needed):
        raise InputError("cannot be written: permission denied", source=path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; a symbolic link is followed, a pipe or terminal is written to directly.

    Raises ``InputError`` where that fails. An older file then stays as it was.
    """
    # A file's name that is not UTF-8, in a title, holds lone surrogates.
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file's content as :func:`write_text` does, and raise as it does."""
    target = target_of(path)
    try:
        # Asked of the path itself: where it leads may be no path, as with /dev/stdout and a pipe.
        if is_special(path):
            path.write_bytes(content)
            return
        partial = partial_of(target)
        try:
            partial.write_bytes(content)
            os.replace(partial, target)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", source=path) from error

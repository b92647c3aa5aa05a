"""A user's file as JSON values: one in all, or one a line, read as they are asked for.

Knows bytes, encodings, zip archives and JSON. Knows nothing about what the values mean; that is
``tracker.formats`` and ``tracker.decomposition``.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from pydantic import JsonValue

from tracker.errors import InputError

_ZIP_MAGIC = b"PK\x03\x04"
_BEGINS_JSON = re.compile(r"\s*(?:\{|\[\s*\{)")
_BOM = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


@dataclass(frozen=True)
class Record:
    """A JSON value and the 1-based line it stands on; no line where it spreads over many."""

    value: JsonValue
    line: int | None


@dataclass(frozen=True)
class Source:
    """An opened file. Iterating reads it from the start, one value at a time."""

    path: Path
    first: Record
    """The first value that can be read: enough to recognise the format by."""
    by_line: bool
    """Whether the file holds several values, one a line (JSONL)."""

    def __iter__(self) -> Iterator[Record | InputError]:
        """Yield the values in order; an ``InputError`` in the place of a line that cannot be read."""
        if not self.by_line:
            yield self.first
            return
        with _opened(self.path) as stream:
            for line, raw in _lines(stream):
                yield self.first if line == self.first.line else _record(raw, self.path, line)

    def only(self) -> Record:
        """The value of a file that holds one. Raises ``InputError`` when there are more."""
        if self.by_line:
            raise InputError("expected one JSON value, found several, one a line", source=self.path)
        return self.first


def open_source(path: Path) -> Source:
    """Open a JSON or JSONL file, zipped or not; the content decides which, not the name.

    Raises ``InputError`` when it cannot be read at all: it is missing, empty, not UTF-8, or not JSON.
    """
    with _opened(path) as stream:
        lines = _lines(stream)
        line, head = next(lines, (0, b""))
        if not head:
            raise InputError("the file is empty", source=path)
        first = _record(head, path, line)
        _, second = next(lines, (0, b""))
        if isinstance(first, Record):
            return Source(path, first, by_line=bool(second))
        try:
            return Source(path, Record(parse(_text(stream, path), path), None), by_line=False)
        except InputError:
            if not _looks_like_jsonl(head, second):
                raise
    with _opened(path) as stream:
        for line, raw in _lines(stream):
            record = _record(raw, path, line)
            if isinstance(record, Record):
                return Source(path, record, by_line=True)
    raise first


def read_text(path: Path) -> str:
    """The whole file as text, without a byte order mark.

    Raises ``InputError`` when it is missing, empty or not UTF-8.
    """
    with _opened(path) as stream:
        text = _text(stream, path)
    if not text.strip():
        raise InputError("the file is empty", source=path)
    return text


def is_json(text: str) -> bool:
    """Whether a text is meant for JSON, broken or not: an object, or a list of objects."""
    return _BEGINS_JSON.match(text) is not None


def parse(text: str, path: Path) -> JsonValue:
    """Parse a whole file's text as one JSON value. Raises ``InputError`` with the line of the fault."""
    try:
        return cast(JsonValue, json.loads(text))
    except json.JSONDecodeError as error:
        message = f"broken JSON at column {error.colno}: {error.msg}"
        raise InputError(message, source=path, line=error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise InputError(_unusual(error), source=path) from None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, or of the JSON file inside a zip archive, from the start."""
    try:
        with path.open("rb") as stream:
            zipped = stream.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
            stream.seek(0)
            if not zipped:
                yield stream
                return
            with zipfile.ZipFile(stream) as archive, archive.open(_member(archive, path)) as member:
                yield cast(BinaryIO, member)
    except FileNotFoundError:
        raise InputError("there is no such file", source=path) from None
    except IsADirectoryError:
        raise InputError("this is a folder; expected a file", source=path) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # zipfile raises the last two for compression methods it lacks and for encrypted members.
        raise InputError(f"broken or unsupported zip archive: {error}", source=path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", source=path) from None


def _member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The JSON file of an archive: the only one, or ``data.json``, as MultiWOZ's own archives have it."""
    members = [
        info
        for info in archive.infolist()
        if PurePosixPath(info.filename).suffix in (".json", ".jsonl") and "__MACOSX" not in info.filename
    ]
    named = [info for info in members if PurePosixPath(info.filename).stem == "data"]
    for choice in (members, named):
        if len(choice) == 1:
            return choice[0]
    found = ", ".join(info.filename for info in members[:5]) or "none"
    raise InputError(
        f"expected one JSON file in the archive (or one named data.json), found {found}", source=path
    )


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, without the white space around them, numbered from 1."""
    for number, raw in enumerate(stream, start=1):
        content = raw.removeprefix(_BOM) if number == 1 else raw
        if stripped := content.strip():
            yield number, stripped


def _record(raw: bytes, path: Path, line: int) -> Record | InputError:
    try:
        return Record(cast(JsonValue, json.loads(_decoded(raw, path))), line)
    except InputError as error:
        return error.at(line=line)
    except json.JSONDecodeError as error:
        return InputError(f"broken JSON at column {error.colno}: {error.msg}", source=path, line=line)
    except (ValueError, RecursionError) as error:
        return InputError(_unusual(error), source=path, line=line)


def _looks_like_jsonl(head: bytes, second: bytes) -> bool:
    """Whether a file that is no JSON is JSONL with a broken first line: on both lines objects begin, or lists
    of them."""
    return len(head) > 1 and any(
        begins.match(head) and begins.match(second)
        for begins in (re.compile(rb"\{"), re.compile(rb"\[\s*\{"))
    )


def _text(stream: BinaryIO, path: Path) -> str:
    stream.seek(0)
    return _decoded(stream.read().removeprefix(_BOM), path)


def _decoded(raw: bytes, path: Path) -> str:
    for mark, encoding in _OTHER_ENCODINGS:
        if raw.startswith(mark):
            raise InputError(f"expected UTF-8 text, found {encoding}", source=path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = (
            f"expected UTF-8 text, found the byte 0x{raw[error.start]:02x} at position {error.start + 1}"
        )
        raise InputError(message, source=path) from None
    if "\0" in text:
        raise InputError("expected UTF-8 text, found null characters (UTF-16, or not text)", source=path)
    return text


def _unusual(error: ValueError | RecursionError) -> str:
    """What to say where Python's JSON reader gives up on JSON that is well-formed."""
    nested = isinstance(error, RecursionError)
    return "JSON nested too deeply" if nested else "JSON with a number of too many digits"

"""Reads what people have: recorded conversations in the formats of benchmarks, chat logs and goalstate.

Knows which formats there are and tells them apart by content. Each format's layout is in its own module here;
bytes and JSON are ``tracker.source``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from pydantic import JsonValue

from tracker.conversation import Conversation
from tracker.decomposition import Decomposer, default_decomposer
from tracker.errors import InputError
from tracker.formats import multiwoz, native, openai, tau2, tau_bench
from tracker.goal import Goal
from tracker.source import Source, open_source


class _Format(Protocol):
    """What a format's module offers."""

    def recognises(self, value: JsonValue) -> bool: ...

    def conversations(
        self, source: Source, *, goal: Goal | None, decomposer: Decomposer
    ) -> Iterator[Conversation | InputError]: ...


_FORMATS: MappingProxyType[str, _Format] = MappingProxyType(
    {"native": native, "openai": openai, "tau-bench": tau_bench, "tau2": tau2, "multiwoz": multiwoz}
)

FORMATS: tuple[str, ...] = tuple(_FORMATS)
"""The names of the formats that :func:`read` takes."""


def read(
    path: Path,
    *,
    format: str | None = None,
    goal: Goal | None = None,
    decomposer: Decomposer | None = None,
) -> Iterator[Conversation | InputError]:
    """Read a file's conversations one by one.

    Parameters
    ----------
    format
        One of ``FORMATS``; without it the content decides, never the file's name.
    goal
        Takes the place of the goals in the file. Labels, which speak of the file's own components, are left
        out then. A format without goals (``openai``) needs it.
    decomposer
        Splits goals that are free text; see :func:`tracker.decomposition.default_decomposer`.

    Yields
    ------
    A conversation, or an ``InputError`` in the place of one that cannot be read, with file, field, and line
    where the file has one conversation a line.

    Raises
    ------
    InputError
        At the call, when the file as a whole is unusable: missing, empty, not UTF-8, not JSON, in no known
        format, or in need of a goal.
    """
    source = open_source(path)
    chosen = _FORMATS[_recognised(source, goal)] if format is None else _named(format)
    return chosen.conversations(source, goal=goal, decomposer=decomposer or default_decomposer())


def _recognised(source: Source, goal: Goal | None) -> str:
    value = source.first.value
    for name, candidate in _FORMATS.items():
        if not candidate.recognises(value):
            continue
        if candidate is native and goal is not None and native.is_chat(value):
            # Chats: this one is plain enough for a native line, but a later one may have calls of tools.
            return "openai"
        return name
    raise InputError(
        f"the format is not known; expected one of {', '.join(FORMATS)}",
        source=source.path,
        line=source.first.line,
    )


def _named(name: str) -> _Format:
    if name not in _FORMATS:
        raise InputError(f"there is no format {name!r}; expected one of {', '.join(FORMATS)}")
    return _FORMATS[name]

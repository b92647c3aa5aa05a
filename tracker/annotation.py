"""The sheet that people label conversations in: a CSV with a row per turn and component, and how it is read.

Knows the sheet's columns and what people and spreadsheet programs do to them. Knows nothing about agreement.

A row is filled in with the status that holds after its turn. An empty cell says that nothing changed since
the turn before; so a person may write down only the changes. A component for which nothing at all is
written counts as not judged, and is left out: for one that keeps its start status, write that once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tracker.atomic import write_text
from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.goal import STATUSES, Category, Status
from tracker.source import read_text
from tracker.spreadsheets import as_written, harmless
from tracker.validation import shown

COLUMNS = (
    "conversation",
    "turn",
    "user",
    "agent",
    "component",
    "category",
    "text",
    "allowed",
    "status",
)
_NEEDED = ("conversation", "turn", "component", "status")
MOST_TURNS = 10_000
"""No conversation has more; a larger number of a turn is a slip of the hand."""
_DELIMITERS = (",", ";", "\t")
"""What spreadsheet programs write into a CSV, depending on the country."""


@dataclass(frozen=True)
class Row:
    """What a person says of one component after one turn."""

    line: int | None
    """Of its file, where the row begins: cells may hold line breaks. ``None`` in a JSON list of rows."""
    conversation: str
    turn: int
    component: str
    status: Status | None
    """``None`` where the cell is empty."""
    category: Category | None = None
    text: str = ""
    user: str = ""
    agent: str = ""


def write_sheet(conversations: Iterable[Conversation], path: Path) -> int:
    """Write the sheet to fill in and return its number of rows, the heading not among them.

    Raises ``InputError`` where there is nothing to judge or the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    rows = 0
    for conversation in conversations:
        for row in _rows(conversation):
            writer.writerow([harmless(cell) for cell in row])
            rows += 1
    if not rows:
        raise InputError("nothing to judge: no conversation has a turn and a component")
    # With a byte order mark, without which Excel takes the file for one in the country's old encoding.
    write_text(path, f"\ufeff{text.getvalue()}")
    return rows


def read_sheet(path: Path) -> list[Row]:
    """Read a sheet that people have filled in, or any CSV with its columns.

    Needed are ``conversation``, ``turn``, ``component`` and ``status``; the others may be missing, and there
    may be more. Blank rows are passed over. Raises ``InputError`` with the line of what cannot be understood.
    """
    text = read_text(path)
    # A message may be longer than what Python takes for a cell unless it is told.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[Row] = []
    line = 1
    try:
        heading = [name.strip().lower() for name in next(reader)]
        missing = [name for name in _NEEDED if name not in heading]
        if missing:
            raise InputError(f"no column {', '.join(missing)}; needed are {', '.join(_NEEDED)}")
        line = reader.line_num + 1
        for filled in reader:
            if any(cell.strip() for cell in filled):
                cells = dict(zip(heading, filled, strict=False))
                rows.append(_row({name: cells.get(name, "") for name in COLUMNS}, line))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"broken CSV: {error}", source=path, line=line) from None
    except InputError as error:
        raise error.at(source=path, line=line) from None
    return rows


def parse_status(text: str) -> Status | None:
    """A status as people write it; ``None`` for nothing. Raises ``InputError`` for anything else."""
    word = text.strip().upper()
    if not word:
        return None
    try:
        return Status(word)
    except ValueError:
        raise InputError(f"expected a status ({', '.join(Status)}); found {shown(text)}") from None


def _rows(conversation: Conversation) -> Iterator[tuple[str, ...]]:
    for turn in conversation.turns:
        for component in conversation.goal:
            yield (
                conversation.id,
                str(turn.index),
                turn.user,
                turn.assistant or "",
                component.id,
                component.category,
                component.text,
                " / ".join(STATUSES[component.category]),
                "",
            )


def _row(cells: dict[str, str], line: int) -> Row:
    for name in ("conversation", "component"):
        if not cells[name].strip():
            raise InputError("empty", field=name)
    try:
        turn = int(cells["turn"])
    except ValueError:
        raise InputError(f"expected a whole number, found {shown(cells['turn'])}", field="turn") from None
    if not 1 <= turn <= MOST_TURNS:
        raise InputError(f"turns are counted from 1, to {MOST_TURNS:,} at most; found {turn}", field="turn")
    category: Category | None = None
    if cells["category"].strip():
        try:
            category = Category(cells["category"].strip().lower())
        except ValueError:
            expected = ", ".join(Category)
            raise InputError(
                f"expected {expected}; found {shown(cells['category'])}", field="category"
            ) from None
    return Row(
        line=line,
        conversation=as_written(cells["conversation"]),
        turn=turn,
        component=as_written(cells["component"]),
        status=parse_status(cells["status"]),
        category=category,
        text=as_written(cells["text"]),
        user=as_written(cells["user"]),
        agent=as_written(cells["agent"]),
    )


def _delimiter(text: str) -> str:
    heading = text.partition("\n")[0]
    return max(_DELIMITERS, key=heading.count)

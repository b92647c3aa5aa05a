"""Tracks as a flat table: a row per conversation, turn and component.

Knows the columns and the two formats, CSV and Parquet. Parquet, and a data frame to go on with, need pandas
and pyarrow, which come with the extra ``goalstate[table]``; CSV needs neither. Knows nothing about models.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.atomic import write_bytes, write_text
from tracker.conversation import Conversation
from tracker.errors import GoalstateError, InputError
from tracker.goal import SUCCESS, Goal, Status
from tracker.spreadsheets import harmless
from tracker.tracked import Tracked

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".csv", ".parquet")
"""The endings of the files that can be written."""


@dataclass(frozen=True)
class Row:
    """How one component stands after one turn. The fields are the table's columns."""

    conversation: str
    turn: int
    """Counted from 1."""
    component: str
    category: str
    text: str
    objective: str | None
    status: str
    probability: float
    changed: bool
    """Whether the status is another than before the turn."""
    success: bool
    """Whether the status counts as success of the simulated user."""
    label: str | None
    """The judge's status, where the conversation has labels."""
    reward: float | None
    user: str | None
    """What the user said at the turn; ``None`` where the conversation is not at hand."""
    assistant: str | None
    model: str


def rows(tracks: Iterable[Tracked]) -> Iterator[Row]:
    """The table's rows, by conversation, turn and component, in the order of the tracks."""
    for tracked in tracks:
        track, conversation = tracked.track, tracked.conversation
        turns = () if conversation is None else conversation.turns
        labels = {} if conversation is None else _labels(conversation, track.goal)
        before = {component.id: component.start for component in track.goal}
        for position, state in enumerate(track.states):
            said = turns[position] if turns else None
            for component in track.goal:
                now = state[component.id]
                judged = labels.get(component.id)
                yield Row(
                    conversation=track.id,
                    turn=state.turn,
                    component=component.id,
                    category=str(component.category),
                    text=component.text,
                    objective=component.objective,
                    status=str(now.status),
                    probability=now.probability,
                    changed=now.status is not before[component.id],
                    success=now.status in SUCCESS[component.category],
                    label=str(judged[position]) if judged else None,
                    reward=None if conversation is None else conversation.reward,
                    user=None if said is None else said.user,
                    assistant=None if said is None else said.assistant,
                    model=tracked.tracker.get("model", ""),
                )
                before[component.id] = now.status


def to_frame(tracks: Iterable[Tracked]) -> pd.DataFrame:
    """The rows as a data frame. Raises ``GoalstateError`` where pandas is not installed."""
    try:
        import pandas as pd
    except ImportError:
        raise GoalstateError(_WITHOUT_PANDAS) from None
    frame = pd.DataFrame([asdict(row) for row in rows(tracks)], columns=_COLUMNS)
    return frame.astype({"category": "category", "status": "category", "reward": "float64"})


def check_format(path: Path) -> None:
    """Raise where :func:`write_table` could not write this path: before the work whose result it takes.

    ``InputError`` for an ending that is not in ``FORMATS``, ``GoalstateError`` where pandas is missing.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"expected a name that ends in {' or '.join(FORMATS)}", source=path)
    missing = find_spec("pandas") is None or find_spec("pyarrow") is None
    if path.suffix.lower() == ".parquet" and missing:
        raise GoalstateError(_WITHOUT_PANDAS)


def write_table(tracks: Iterable[Tracked], path: Path) -> int:
    """Write a table in the format of the path's ending, whole or not at all; return the number of rows.

    Raises as :func:`check_format` does, and ``InputError`` where the file cannot be written.
    """
    check_format(path)
    if path.suffix.lower() == ".csv":
        return _write_csv(tracks, path)
    frame = to_frame(tracks)
    content = io.BytesIO()
    frame.to_parquet(content, engine="pyarrow", index=False)
    write_bytes(path, content.getvalue())
    return len(frame)


def _labels(conversation: Conversation, tracked: Goal) -> dict[str, tuple[Status, ...]]:
    """The judge's status after every turn of every component that was tracked; nothing where nobody judged.

    A goal that was split anew has other components under the same ids.
    """
    if conversation.labels is None:
        return {}
    texts = {component.id: component.text for component in tracked}
    return {
        component.id: conversation.labelled_statuses(component.id)
        for component in conversation.goal
        if texts.get(component.id) == component.text
    }


_COLUMNS = [field.name for field in fields(Row)]

_WITHOUT_PANDAS = "Parquet needs pandas and pyarrow: pip install 'goalstate[table]'; a .csv needs neither"


def _write_csv(tracks: Iterable[Tracked], path: Path) -> int:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    count = 0
    for row in rows(tracks):
        cells = asdict(row)
        writer.writerow({k: harmless(cell) if isinstance(cell, str) else cell for k, cell in cells.items()})
        count += 1
    write_text(path, text.getvalue())
    return count

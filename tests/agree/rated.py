"""Raters' files with invented text, in every kind that people have."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

GOAL = {
    "components": [
        {"id": "o", "category": "objective", "text": "Return a kettle."},
        {"id": "r", "category": "requirement", "text": "The refund goes to the card.", "objective": "o"},
        {"id": "p", "category": "policy", "text": "Be polite."},
    ]
}
STARTS = {"o": "INCOMPLETE", "r": "INCOMPLETE", "p": "ALIGNED"}

Changes = Mapping[str, list[tuple[int, str]]]


def native(path: Path, labels: Mapping[str, Changes], *, turns: int = 4) -> Path:
    """A judge's native file: conversation id → component id → changes."""
    messages = [
        {"role": role, "content": f"{role} {turn}"}
        for turn in range(1, turns + 1)
        for role in ("user", "assistant")
    ]
    lines = [
        {"id": name, "goal": GOAL, "messages": messages, "labels": given} for name, given in labels.items()
    ]
    return _lines(path, lines)


def tracked(path: Path, labels: Mapping[str, Changes], *, turns: int = 4, probability: float = 0.8) -> Path:
    """What ``goalstate track --output`` writes."""
    lines = []
    for name, given in labels.items():
        states: list[dict[str, Any]] = []
        now = dict(STARTS)
        for turn in range(1, turns + 1):
            for component, changes in given.items():
                now[component] = dict(changes).get(turn, now[component])
            states.append(
                {
                    "turn": turn,
                    "state": {key: {"status": now[key], "probability": probability} for key in now},
                }
            )
        lines.append({"id": name, "goal": GOAL, "turns": states, "tracker": {"version": "0"}})
    return _lines(path, lines)


def sheet(path: Path, rows: Iterable[tuple[str, int, str, str]], *, delimiter: str = ",") -> Path:
    """A person's CSV with nothing but what is needed: conversation, turn, component, status."""
    with path.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(["Conversation", "Turn", "Component", "Status"])
        writer.writerows(rows)
    return path


def rows(path: Path, given: Iterable[tuple[str, int, str, str]]) -> Path:
    """The same as JSON lines."""
    names = ("conversation", "turn", "component", "status")
    return _lines(path, [dict(zip(names, row, strict=True)) for row in given])


def bare(path: Path, labels: Mapping[str, Changes]) -> Path:
    """Ids and labels, without goals and messages."""
    return _lines(path, [{"id": name, "labels": given} for name, given in labels.items()])


def _lines(path: Path, lines: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path

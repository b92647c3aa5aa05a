"""What a large judge answered, read into labels that only move forward.

Knows the shape that the answer was asked in, and checks it: an endpoint may not have kept to the schema.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, TypeAdapter, ValidationError

from tracker.conversation import LabelChange
from tracker.errors import JudgeError
from tracker.goal import STATUSES, Component, Status, reachable
from tracker.judge.prompt import Question
from tracker.validation import input_error

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL)
"""What endpoints without structured output put around JSON."""


@dataclass(frozen=True)
class Answer:
    """The labels of the components that were asked about."""

    labels: dict[str, tuple[LabelChange, ...]]
    """Component id → changes; every component is there."""
    evidence: dict[str, str]
    """Component id → why, in the judge's words; only where it gave any."""
    backward: int
    """Changes that went backward and were left out."""


class _Change(BaseModel):
    turn: int
    status: Status


class _Judged(BaseModel):
    evidence: str = ""
    changes: list[_Change]


_ANSWER = TypeAdapter(dict[str, _Judged])


def parse_answer(text: str, question: Question) -> Answer:
    """Read an answer's text. Raises ``JudgeError`` where it is not what was asked for."""
    fenced = _FENCE.match(text)
    try:
        judged = _ANSWER.validate_json(fenced.group(1) if fenced else text)
    except ValidationError as error:
        raise JudgeError(f"malformed answer: {input_error(error)}") from None
    missing = question.by_key.keys() - judged.keys()
    if missing:
        raise JudgeError(
            f"malformed answer: {len(missing)} of {len(question.components)} components are missing"
        )
    labels: dict[str, tuple[LabelChange, ...]] = {}
    evidence: dict[str, str] = {}
    backward = 0
    for key, component in question.by_key.items():
        for change in judged[key].changes:
            _check(change, component, question.turns)
        changes = [(change.turn, change.status) for change in judged[key].changes]
        labels[component.id], left_out = forward_only(component, changes)
        backward += left_out
        if judged[key].evidence.strip():
            evidence[component.id] = judged[key].evidence.strip()
    return Answer(labels, evidence, backward)


def forward_only(component: Component, changes: Sequence[LabelChange]) -> tuple[tuple[LabelChange, ...], int]:
    """Leave out the changes that go backward, and say how many they were.

    Of several statuses at one turn the furthest counts; a status that the component has already is no change.
    """
    statuses = STATUSES[component.category]
    kept: list[LabelChange] = []
    status, backward = component.start, 0
    for turn, following in sorted(changes, key=lambda change: (change[0], statuses.index(change[1]))):
        if following not in reachable(component.category, status):
            backward += 1
            continue
        if following == status:
            continue
        if kept and kept[-1][0] == turn:
            kept.pop()
        kept.append((turn, following))
        status = following
    return tuple(kept), backward


def _check(change: _Change, component: Component, turns: int) -> None:
    if not 1 <= change.turn <= turns:
        raise JudgeError(f"malformed answer: turn {change.turn} of a conversation with {turns}")
    if change.status not in STATUSES[component.category]:
        raise JudgeError(f"malformed answer: {change.status} is no status of a {component.category}")

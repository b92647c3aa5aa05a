"""τ-bench result files: a list of runs of a simulated user against an agent with tools.

Knows the layout of the files that the benchmark's ``run.py`` writes (Yao et al. 2024, arXiv 2406.12045):
``traj`` is the recording, ``info.task.instruction`` is the user's goal as free text. The ids are
``tau-airline-07-2`` for task 7, trial 2; the domain is read off the agent's system prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, Field, FiniteFloat, JsonValue, ValidationError

from tracker.conversation import Conversation
from tracker.decomposition import Decomposer
from tracker.errors import InputError
from tracker.formats.chat import ChatMessage, ChatRole, visible
from tracker.goal import Goal
from tracker.source import Source
from tracker.validation import input_error

_DOMAIN = re.compile(r"\b([a-z]+) agent\b", re.IGNORECASE)


class _Task(BaseModel):
    instruction: Annotated[str, Field(min_length=1)]


class _Info(BaseModel):
    task: _Task


class _Run(BaseModel):
    task_id: int | str
    trial: int = 0
    reward: FiniteFloat | None = None
    info: _Info
    traj: list[ChatMessage]


def recognises(value: JsonValue) -> bool:
    """Whether a file's first value is a list of runs."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "traj" in value[0]


def conversations(
    source: Source, *, goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    """Yield a conversation per run, its goal split from the instruction unless ``goal`` is given.

    Raises ``InputError`` when the file is not a list.
    """
    record = source.only()
    if not isinstance(record.value, list):
        raise InputError("expected a list of runs", source=source.path, line=record.line)
    return _conversations(source, record.value, goal, decomposer)


def _conversations(
    source: Source, runs: list[JsonValue], goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    for position, value in enumerate(runs):
        try:
            yield _conversation(value, f"[{position}]", goal, decomposer)
        except InputError as error:
            yield error.at(source=source.path, line=source.first.line)


def _conversation(value: JsonValue, within: str, given: Goal | None, decomposer: Decomposer) -> Conversation:
    try:
        run = _Run.model_validate(value)
    except ValidationError as error:
        raise input_error(error, within=within) from None
    domain = _domain(run.traj)
    task = f"{run.task_id:02d}" if isinstance(run.task_id, int) else run.task_id
    return Conversation(
        id="-".join(part for part in ("tau", domain, task, str(run.trial)) if part),
        goal=decomposer.decompose(run.info.task.instruction) if given is None else given,
        messages=visible(run.traj, f"{within}.traj"),
        source="tau-bench",
        domain=domain,
        reward=run.reward,
    )


def _domain(log: list[ChatMessage]) -> str:
    """``"airline"`` where the system prompt speaks of an airline agent; nothing where it does not say."""
    for message in log:
        if message.role is ChatRole.SYSTEM and (found := _DOMAIN.search(message.content or "")):
            return found[1].lower()
    return ""

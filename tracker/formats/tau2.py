"""τ²-bench simulation files: tasks with user scenarios, and the simulations that were run on them.

Knows the layout of the single JSON file that τ²-bench saves (Barres et al. 2025, arXiv 2506.07982): an object
with ``info``, ``tasks`` and ``simulations``. A scenario has a persona, and instructions that are a text or an
object of texts. Knows nothing of voice runs, which store audio ticks in the place of messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, FiniteFloat, JsonValue, ValidationError

from tracker.conversation import Conversation
from tracker.decomposition import Decomposer
from tracker.errors import InputError
from tracker.formats.chat import ChatMessage, visible
from tracker.goal import Goal
from tracker.source import Source
from tracker.validation import Text, input_error


class _Instructions(BaseModel):
    """What the simulator is told; free-text instructions are read as ``task_instructions`` alone."""

    domain: str | None = None
    reason_for_call: Text | None = None
    known_info: Text | None = None
    unknown_info: Text | None = None
    task_instructions: Text | None = None


def _as_object(instructions: object) -> object:
    return {"task_instructions": instructions} if isinstance(instructions, str) else instructions


class _Scenario(BaseModel):
    persona: Text | None = None
    instructions: Annotated[_Instructions, BeforeValidator(_as_object)]

    @property
    def text(self) -> str:
        """The goal as prose; a part that has no word in it (``"."``) stands for none."""
        told = self.instructions
        parts = (
            self.persona,
            told.reason_for_call,
            told.known_info,
            told.unknown_info,
            told.task_instructions,
        )
        return "\n".join(part.strip() for part in parts if part and re.search(r"\w", part))


class _Task(BaseModel):
    user_scenario: _Scenario


class _Reward(BaseModel):
    reward: FiniteFloat | None = None


class _Simulation(BaseModel):
    id: Annotated[str, Field(min_length=1)]
    task_id: int | str
    trial: int | None = None
    reward_info: _Reward | None = None
    messages: list[ChatMessage]


class _File(BaseModel):
    """The file around its simulations, which are read one by one."""

    tasks: list[dict[str, JsonValue]]
    simulations: list[JsonValue]
    info: JsonValue = None


def recognises(value: JsonValue) -> bool:
    """Whether a file's first value is an object with tasks and simulations."""
    return isinstance(value, dict) and "tasks" in value and "simulations" in value


def conversations(
    source: Source, *, goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    """Yield a conversation per simulation, its goal split from the task's scenario unless ``goal`` is given.

    Raises ``InputError`` when the file has no tasks or no simulations.
    """
    record = source.only()
    try:
        file = _File.model_validate(record.value)
    except ValidationError as error:
        raise input_error(error, source=source.path, line=record.line) from None
    return _conversations(source, file, goal, decomposer)


def _conversations(
    source: Source, file: _File, goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    tasks = {str(task.get("id")): (position, task) for position, task in enumerate(file.tasks)}
    domain = _domain(file.info)
    for position, value in enumerate(file.simulations):
        try:
            yield _conversation(value, f"simulations[{position}]", tasks, domain, goal, decomposer)
        except InputError as error:
            yield error.at(source=source.path, line=source.first.line)


def _conversation(
    value: JsonValue,
    within: str,
    tasks: dict[str, tuple[int, dict[str, JsonValue]]],
    domain: str,
    given: Goal | None,
    decomposer: Decomposer,
) -> Conversation:
    if isinstance(value, dict) and value.get("messages") is None and value.get("ticks"):
        raise InputError(
            "a voice run without messages; only text runs can be read", field=f"{within}.messages"
        )
    try:
        simulation = _Simulation.model_validate(value)
    except ValidationError as error:
        raise input_error(error, within=within) from None
    task_id = str(simulation.task_id)
    goal = _goal(task_id, within, tasks, decomposer) if given is None else given
    run = simulation.id if simulation.trial is None else str(simulation.trial)
    return Conversation(
        id="-".join(part for part in ("tau2", domain, task_id, run) if part),
        goal=goal,
        messages=visible(simulation.messages, f"{within}.messages"),
        source="tau2",
        domain=domain,
        reward=simulation.reward_info.reward if simulation.reward_info else None,
    )


def _goal(
    task_id: str, within: str, tasks: dict[str, tuple[int, dict[str, JsonValue]]], decomposer: Decomposer
) -> Goal:
    if task_id not in tasks:
        raise InputError(f"the file has no task {task_id!r}", field=f"{within}.task_id")
    position, value = tasks[task_id]
    try:
        task = _Task.model_validate(value)
    except ValidationError as error:
        raise input_error(error, within=f"tasks[{position}]") from None
    if not task.user_scenario.text:
        raise InputError("the scenario says nothing", field=f"tasks[{position}].user_scenario")
    return decomposer.decompose(task.user_scenario.text)


def _domain(info: JsonValue) -> str:
    environment = info.get("environment_info") if isinstance(info, dict) else None
    name = environment.get("domain_name") if isinstance(environment, dict) else None
    return name if isinstance(name, str) else ""

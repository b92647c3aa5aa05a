"""goalstate's own format: one conversation a line, with its goal split into components.

A line is an object with ``id``, ``goal`` (``text`` and ``components``), ``messages`` and, where somebody
judged the conversation, ``labels``: component id → list of ``[turn, status]``, the turns at which the status
changes. ``source``, ``domain``, ``reward``, ``drift`` and ``probes`` (labelled components that are not in the
goal's text) are optional, other fields are ignored. A goal that is only a text is split like any free text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, FiniteFloat, JsonValue, ValidationError

from tracker.conversation import Conversation, LabelChange, Message, check_labels
from tracker.decomposition import Decomposer, default_decomposer, goal_from_json
from tracker.errors import InputError
from tracker.formats.chat import spoken
from tracker.goal import Component, Goal, Status
from tracker.source import Source, open_source
from tracker.tracked import recognises as is_track
from tracker.validation import input_error

_TELLING_FIELDS = frozenset({"id", "goal", "messages", "labels"})
_FIELDS_OF_CHATS = frozenset({"id", "messages"})
"""What chat logs have as well (``tracker.formats.openai``)."""


class _Line(BaseModel):
    """A conversation as it stands in the file, without its goal."""

    id: Annotated[str, Field(min_length=1)]
    messages: Annotated[tuple[Message, ...], Field(min_length=1)]
    labels: dict[str, tuple[tuple[int, Status], ...]] | None = None
    probes: tuple[Component, ...] = ()
    source: str = ""
    domain: str = ""
    drift: str = ""
    reward: FiniteFloat | None = None


def recognises(value: JsonValue) -> bool:
    """Whether a file's first value is a conversation in this format, or a list of such."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict) and recognises(value[0])
    # Two fields, not all: a line that lacks one is a broken native line, not a file in an unknown format.
    telling = _TELLING_FIELDS & value.keys() if isinstance(value, dict) else frozenset()
    return len(telling) >= 2 and (not is_chat(value) or _lacks_only_its_goal(value))


def is_chat(value: JsonValue) -> bool:
    """Whether a value, or the first of a list, has no more of this format than chat logs have as well."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict) and is_chat(value[0])
    return isinstance(value, dict) and _TELLING_FIELDS & value.keys() == _FIELDS_OF_CHATS


def _lacks_only_its_goal(value: JsonValue) -> bool:
    """Whether nothing else is wrong with it: a chat log's tool calls and parts make no line of ours."""
    try:
        _Line.model_validate(value)
    except ValidationError:
        return False
    return True


def read(
    path: Path, *, goal: Goal | None = None, probes: bool = False
) -> Iterator[Conversation | InputError]:
    """Read a native file; an ``InputError`` stands in the place of a conversation that cannot be read.

    Parameters
    ----------
    goal
        Takes the place of every goal in the file. Labels are left out then: they speak of other components.
    probes
        Whether the probes join the components of the goal. They are left out otherwise, with their labels.

    Raises ``InputError`` when the file as a whole cannot be read.
    """
    return _conversations(_no_tracks(open_source(path)), goal, default_decomposer(), probes)


def conversations(
    source: Source, *, goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    """Yield the conversations of a native file; see :func:`read`."""
    return _conversations(_no_tracks(source), goal, decomposer, False)


def conversation_to_json(conversation: Conversation) -> dict[str, JsonValue]:
    """A conversation as a line of a native file; reading it back gives an equal conversation."""
    line: dict[str, JsonValue] = {"id": conversation.id}
    origin = {"source": conversation.source, "domain": conversation.domain, "drift": conversation.drift}
    line |= {name: value for name, value in origin.items() if value}
    if conversation.reward is not None:
        line["reward"] = conversation.reward
    line["goal"] = conversation.goal.model_dump(mode="json", exclude_none=True)
    line["messages"] = [message.model_dump(mode="json") for message in conversation.messages]
    if conversation.labels is not None:
        line["labels"] = {
            component_id: [[turn, str(status)] for turn, status in changes]
            for component_id, changes in conversation.labels.items()
        }
    return line


def _no_tracks(source: Source) -> Source:
    """Raise ``InputError`` where the file holds tracks: they have ids and goals too, but not a word."""
    if is_track(source.first.value):
        raise InputError(
            "these are tracks; give them with --tracked (goalstate audit), and here the conversations that "
            "they are of",
            source=source.path,
        )
    return source


def _conversations(
    source: Source, goal: Goal | None, decomposer: Decomposer, probes: bool
) -> Iterator[Conversation | InputError]:
    for record in source:
        if isinstance(record, InputError):
            yield record
            continue
        listed = isinstance(record.value, list)
        for position, value in enumerate(record.value if isinstance(record.value, list) else [record.value]):
            try:
                yield _conversation(value, f"[{position}]" if listed else "", goal, decomposer, probes)
            except InputError as error:
                yield error.at(source=source.path, line=record.line)


def _conversation(
    value: JsonValue, within: str, given: Goal | None, decomposer: Decomposer, probes: bool
) -> Conversation:
    try:
        line = _Line.model_validate(value)
    except ValidationError as error:
        raise input_error(error, within=within) from None
    prefix = f"{within}." if within else ""
    for position, message in enumerate(line.messages):
        if not message.content.strip():
            raise InputError("empty", field=f"{prefix}messages[{position}].content")
    messages = spoken(line.messages)
    if not messages:
        raise InputError("nobody says anything in this conversation", field=f"{prefix}messages")
    conversation = Conversation(
        id=line.id,
        goal=_goal(value, f"{prefix}goal", decomposer) if given is None else given,
        messages=messages,
        source=line.source,
        domain=line.domain,
        reward=line.reward,
        drift=line.drift,
    )
    return _judged(conversation, line, prefix, probes) if given is None else conversation


def _goal(value: JsonValue, within: str, decomposer: Decomposer) -> Goal:
    if not isinstance(value, dict) or value.get("goal") is None:
        raise InputError("missing", field=within)
    return goal_from_json(value["goal"], within=within, decomposer=decomposer)


def _judged(conversation: Conversation, line: _Line, prefix: str, probes: bool) -> Conversation:
    """The conversation with its labels, checked, and with its probes where they are wanted."""
    goal = conversation.goal
    try:
        probed = Goal(text=goal.text, components=(*goal.components, *line.probes))
    except ValidationError as error:
        raise input_error(error, within=f"{prefix}probes") from None
    labels: dict[str, tuple[LabelChange, ...]] | None = line.labels
    if labels is not None:
        try:
            check_labels(probed, dict(labels), len(conversation.turns))
        except ValueError as error:
            raise InputError(str(error), field=f"{prefix}labels") from None
    kept = probed if probes else goal
    if labels is not None:
        known = {component.id for component in kept}
        labels = {component_id: changes for component_id, changes in labels.items() if component_id in known}
    return replace(conversation, goal=kept, labels=labels)

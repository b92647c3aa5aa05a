"""A recorded chat: a list of messages as chat-completion APIs take and give them.

The list may stand alone or under ``messages``, one chat a file or one a line. Content is a string or a list
of parts. Such a recording carries no goal, so one must be given.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue, TypeAdapter, ValidationError

from tracker.conversation import Conversation
from tracker.decomposition import Decomposer
from tracker.errors import InputError
from tracker.formats.chat import ChatMessage, visible
from tracker.goal import Goal
from tracker.source import Source
from tracker.validation import input_error

_LOG = TypeAdapter(list[ChatMessage])


def recognises(value: JsonValue) -> bool:
    """Whether a file's first value is a list of messages, or an object that holds one."""
    if isinstance(value, dict):
        value = value.get("messages")
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "role" in value[0]


def conversations(
    source: Source, *, goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    """Yield the chats of a file, each with the given goal; ids are made of the file's name.

    Raises ``InputError`` when no goal is given.
    """
    if goal is None:
        raise InputError("a chat carries no goal of its own; give one (--goal FILE)", source=source.path)
    return _conversations(source, goal)


def _conversations(source: Source, goal: Goal) -> Iterator[Conversation | InputError]:
    name = source.path.name.split(".")[0] or source.path.name
    for record in source:
        if isinstance(record, InputError):
            yield record
            continue
        chat_id = f"{name}-{record.line}" if source.by_line else name
        try:
            yield _conversation(record.value, chat_id, goal)
        except InputError as error:
            yield error.at(source=source.path, line=record.line)


def _conversation(value: JsonValue, chat_id: str, goal: Goal) -> Conversation:
    within = "messages" if isinstance(value, dict) else ""
    messages = value.get("messages") if isinstance(value, dict) else value
    try:
        log = _LOG.validate_python(messages)
    except ValidationError as error:
        raise input_error(error, within=within) from None
    return Conversation(id=chat_id, goal=goal, messages=visible(log, within), source="openai")

"""A recorded chat: a list of messages as chat-completion APIs take and give them.

The list may stand alone or in an object under ``messages``, beside an ``id`` and a ``reward`` where it has
them; one chat a file, one a line, or a list of such objects. Content is a string or a list of parts. Such a
recording carries no goal, so one must be given.
"""

from __future__ import annotations

from collections.abc import Iterator
from sys import float_info

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
    """Whether a file's first value is a list of messages, an object that holds one, or a list of such."""
    return _is_chat(value) or (isinstance(value, list) and _holds_chats(value))


def conversations(
    source: Source, *, goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    """Yield the chats of a file, each with the given goal; those without an id get one of the file's name.

    Raises ``InputError`` when no goal is given.
    """
    if goal is None:
        raise InputError(
            "a chat carries no goal of its own; give one to track, audit or report (--goal FILE)",
            source=source.path,
        )
    return _conversations(source, goal)


def _conversations(source: Source, goal: Goal) -> Iterator[Conversation | InputError]:
    name = source.path.name.split(".")[0] or source.path.name
    for record in source:
        if isinstance(record, InputError):
            yield record
            continue
        chat_id = f"{name}-{record.line}" if source.by_line else name
        chats = [("", chat_id, record.value)]
        if isinstance(record.value, list) and _holds_chats(record.value):
            chats = [(f"[{n}]", f"{chat_id}-{n + 1}", chat) for n, chat in enumerate(record.value)]
        for within, own_id, chat in chats:
            try:
                yield _conversation(chat, within, own_id, goal)
            except InputError as error:
                yield error.at(source=source.path, line=record.line)


def _is_chat(value: JsonValue) -> bool:
    if not isinstance(value, dict):
        return isinstance(value, list) and _are_messages(value)
    messages = value.get("messages")
    # With an id it is a broken chat rather than one in an unknown format.
    return isinstance(messages, list) and ("id" in value or _are_messages(messages))


def _are_messages(value: list[JsonValue]) -> bool:
    return bool(value) and isinstance(value[0], dict) and "role" in value[0]


def _holds_chats(value: list[JsonValue]) -> bool:
    """Whether a list is one of chats, each an object, and not of messages."""
    return bool(value) and isinstance(value[0], dict) and not _are_messages(value) and _is_chat(value[0])


def _conversation(value: JsonValue, within: str, chat_id: str, goal: Goal) -> Conversation:
    about = value if isinstance(value, dict) else {}
    if isinstance(value, dict):
        within = f"{within}.messages" if within else "messages"
        value = value.get("messages")
    try:
        log = _LOG.validate_python(value)
    except ValidationError as error:
        raise input_error(error, within=within) from None
    own_id = about.get("id")
    if isinstance(own_id, str | int) and str(own_id).strip():
        chat_id = str(own_id)
    reward = _reward(about.get("reward"))
    return Conversation(id=chat_id, goal=goal, messages=visible(log, within), source="openai", reward=reward)


def _reward(value: JsonValue) -> float | None:
    """A finite number; whatever else a log has under that name is not a run's reward."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= float_info.max:
        return None
    return float(value)

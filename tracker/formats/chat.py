"""What of a recorded chat the user wrote or saw: the part that the chat formats have in common.

Knows the roles and messages of chat-completion APIs and the control words of user simulators. Knows no file
format.

Tool calls, tool results and system messages are not shown to the user, so they are left out; text that an
agent wrote beside a tool call stays. A simulator's control words (``###STOP###`` and its like) end a
conversation and are no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, JsonValue
from pydantic_core import PydanticCustomError

from tracker.conversation import Message, Role, alternating
from tracker.errors import InputError
from tracker.validation import Text, field_path

_CONTROL_WORD = re.compile(r"[ \t]*###[A-Z][A-Z_ -]*###")


class ChatRole(StrEnum):
    """Who a message of a chat log is from."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    FUNCTION = "function"


def _text_of_parts(content: object) -> object:
    """Join the text parts of a message; of any other part only its kind is known, as ``[image_url]``."""
    if not isinstance(content, list):
        return content
    texts: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
            continue
        text = part.get("text", part.get("refusal")) if isinstance(part, dict) else None
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(text, str):
            texts.append(text)
        elif isinstance(kind, str):
            texts.append(f"[{kind}]")
        else:
            raise PydanticCustomError("parts", "expected parts with a type and a text")
    return "\n".join(texts)


class ChatMessage(BaseModel):
    """A message of a chat log; fields that say nothing about the conversation are ignored."""

    role: ChatRole
    content: Annotated[Text | None, BeforeValidator(_text_of_parts)] = None
    refusal: Text | None = None
    tool_calls: JsonValue = None
    function_call: JsonValue = None


def visible(log: Iterable[ChatMessage], within: str) -> tuple[Message, ...]:
    """The conversation as the user sees it, with alternating roles.

    Parameters
    ----------
    log
        All messages of the recording, in order.
    within
        The path of the list of messages in its file, for errors.

    Raises ``InputError`` where a message says nothing and calls no tool, and where nothing is left. An
    agent's empty text is passed over: agents do answer nothing at times.
    """
    messages: list[Message] = []
    for position, entry in enumerate(log):
        if entry.role not in (ChatRole.USER, ChatRole.ASSISTANT):
            continue
        content = entry.content if entry.content is not None else entry.refusal
        if content is None or not content.strip():
            calls_tool = bool(entry.tool_calls or entry.function_call)
            if calls_tool or (content is not None and entry.role is ChatRole.ASSISTANT):
                continue
            found = "missing" if content is None else "empty"
            raise InputError(found, field=field_path((position, "content"), within))
        if text := without_control_words(content).strip():
            messages.append(Message(role=Role(entry.role), content=text))
    if not messages:
        raise InputError("nobody says anything in this conversation", field=within or None)
    return alternating(messages)


def spoken(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Messages that are already the user's view, without control words and with alternating roles.

    Text without a control word stays as it is, to the character.
    """
    cleaned: list[Message] = []
    for message in messages:
        text = without_control_words(message.content)
        if text == message.content:
            cleaned.append(message)
        elif text.strip():
            cleaned.append(Message(role=message.role, content=text.strip()))
    return alternating(cleaned)


def without_control_words(text: str) -> str:
    """``"Thanks! ###STOP###"`` as ``"Thanks!"``."""
    return _CONTROL_WORD.sub("", text)

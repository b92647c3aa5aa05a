"""What a large judge is asked: the rules, a conversation, components, and the schema of the answer.

Knows the wording, which is in ``rules.md`` and ``question.md`` beside this file. Knows nothing about
endpoints.

Whatever people wrote goes in as JSON strings, one turn or component a line, so that no message can pose as
another turn. Components are asked about under keys of our own (``c1``, ``c2``, ...), so that a user's ids
need not be fit for a schema.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from string import Template

from pydantic import JsonValue

from tracker.conversation import Conversation, Turn, whole_characters
from tracker.goal import STATUSES, Component, Goal

_BYTES_PER_TOKEN = 4
"""A rule of thumb that holds for English text with the tokenisers of today's large models."""
_ANSWER_TOKENS = 50
"""About what one component takes in an answer: a sentence, and one change in JSON."""


class Mode(StrEnum):
    """How much is asked in one call."""

    CONVERSATION = "conversation"
    """All components of a conversation."""
    COMPONENT = "component"
    """One component: more calls, each of them easier; as in the paper on goal state tracking."""


@dataclass(frozen=True)
class Question:
    """One call to a judge: some components of a conversation over all of its turns."""

    components: tuple[Component, ...]
    turns: int
    system: str
    user: str

    @property
    def by_key(self) -> dict[str, Component]:
        """The components by the keys that the answer has them under."""
        return {_key(position): component for position, component in enumerate(self.components)}

    @cached_property
    def schema(self) -> dict[str, JsonValue]:
        """The JSON schema of the answer, within what strict structured output allows."""
        keys = self.by_key
        categories = dict.fromkeys(component.category for component in self.components)
        definitions: dict[str, JsonValue] = {"turn": {"type": "integer", "enum": [*range(1, self.turns + 1)]}}
        for category in categories:
            change = _object(
                {
                    "turn": {"$ref": "#/$defs/turn"},
                    "status": {"type": "string", "enum": [str(status) for status in STATUSES[category][1:]]},
                }
            )
            definitions[category] = _object(
                {"evidence": {"type": "string"}, "changes": {"type": "array", "items": change}}
            )
        answers: dict[str, JsonValue] = {
            key: {"$ref": f"#/$defs/{component.category}"} for key, component in keys.items()
        }
        return _object(answers) | {"$defs": definitions}

    @property
    def prompt_tokens(self) -> int:
        """An estimate of the tokens that are sent."""
        sent = (self.system, self.user, json.dumps(self.schema))
        return sum(len(text.encode(errors="replace")) for text in sent) // _BYTES_PER_TOKEN

    @property
    def answer_tokens(self) -> int:
        """An estimate of the tokens that come back, a model's unseen reasoning not among them."""
        return _ANSWER_TOKENS * len(self.components)


def questions(conversation: Conversation, mode: Mode) -> tuple[Question, ...]:
    """The calls that label a conversation; none where it has no components or the user never speaks."""
    components, turns = conversation.goal.components, conversation.turns
    if not components or not turns:
        return ()
    system = _text("rules.md")
    template = Template(_text("question.md"))
    asked = [components] if mode is Mode.CONVERSATION else [(component,) for component in components]
    return tuple(
        Question(part, len(turns), system, _user(template, conversation, turns, part)) for part in asked
    )


def rules_digest() -> str:
    """The first 12 digits of the SHA-256 of the rules: labels under other rules are other labels."""
    return hashlib.sha256(_text("rules.md").encode()).hexdigest()[:12]


def _user(
    template: Template, conversation: Conversation, turns: tuple[Turn, ...], components: tuple[Component, ...]
) -> str:
    lines = [_turn(turn) for turn in turns]
    opening = conversation.opening
    if opening is not None:
        lines.insert(0, _json({"turn": 0, "agent": opening}))
    return template.substitute(
        goal=_json(conversation.goal.text) if conversation.goal.text else "(There are only its components.)",
        opening="" if opening is None else "; turn 0 is what the agent said before the user spoke",
        turns="\n".join(lines),
        components="\n".join(
            _component(position, component, conversation.goal)
            for position, component in enumerate(components)
        ),
        keys=", ".join(_key(position) for position in range(len(components))),
    )


def _turn(turn: Turn) -> str:
    spoken: dict[str, JsonValue] = {"turn": turn.index, "user": turn.user}
    return _json(spoken if turn.assistant is None else spoken | {"agent": turn.assistant})


def _component(position: int, component: Component, goal: Goal) -> str:
    line: dict[str, JsonValue] = {
        "key": _key(position),
        "category": str(component.category),
        "text": component.text,
        "starts_as": str(component.start),
    }
    if component.objective is not None:
        line["belongs_to"] = goal[component.objective].text
    return _json(line)


def _key(position: int) -> str:
    return f"c{position + 1}"


def _object(properties: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _json(value: JsonValue) -> str:
    return whole_characters(json.dumps(value, ensure_ascii=False))


def _text(name: str) -> str:
    return files("tracker.judge").joinpath(name).read_text(encoding="utf-8")

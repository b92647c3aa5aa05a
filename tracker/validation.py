"""What pydantic found wrong, as one line for a person: the path of the field, and what was expected there.

Knows pydantic's kinds of errors; knows nothing about goals, conversations or files.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from tracker.errors import InputError

Text = Annotated[str, Field(min_length=0)]
"""A text that can be written down: without a condition pydantic lets halves of a character pair pass."""

_KINDS: MappingProxyType[str, str] = MappingProxyType(
    {
        "list": "a list",
        "tuple": "a list",
        "dict": "an object",
        "NoneType": "null",
    }
)
"""Python's names of JSON's kinds of values, as a person who wrote the JSON calls them."""

_EXPECTED: MappingProxyType[str, str] = MappingProxyType(
    {
        "string_type": "text",
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a number",
        "float_parsing": "a number",
        "finite_number": "a finite number",
        "list_type": "a list",
        "tuple_type": "a list",
        "dict_type": "an object",
        "model_type": "an object",
        "model_attributes_type": "an object",
    }
)


def input_error(
    error: ValidationError, *, within: str = "", source: str | Path | None = None, line: int | None = None
) -> InputError:
    """Turn the first of pydantic's errors into an ``InputError``.

    Parameters
    ----------
    within
        The path of the validated value in its file, such as ``[3]``; the error's own path is put behind it.
    """
    details = error.errors(include_url=False)
    first = details[0]
    message = _message(first)
    if len(details) > 1:
        message += f" (and {len(details) - 1} more)"
    return InputError(message, source=source, line=line, field=field_path(first["loc"], within) or None)


def field_path(location: tuple[int | str, ...], within: str = "") -> str:
    """``("goal", "components", 2, "category")`` as ``goal.components[2].category``, behind ``within``."""
    path = within
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step != "[key]":
            # Field names may be the user's own, with a line break in them.
            name = step if step.isprintable() else repr(step)
            path += f".{name}" if path else name
    return path


def shown(value: object) -> str:
    """A value from the user's file, short enough for a message on one line."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "missing"
    if kind == "extra_forbidden":
        return "unknown field"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    if kind in ("string_too_short", "too_short"):
        return "empty"
    if kind in ("enum", "literal_error"):
        return f"expected {_alternatives(context)}; found {shown(detail['input'])}"
    if kind == "string_unicode":
        return "expected text, found half of a character pair (a lone surrogate)"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, found {_found(detail['input'])}"
    return detail["msg"][:1].lower() + detail["msg"][1:]


def _alternatives(context: dict[str, Any]) -> str:
    return str(context.get("expected", "")).replace("'", "")


def _found(value: object) -> str:
    if isinstance(value, str):
        return f"text {shown(value)}"
    if isinstance(value, int | float):
        return shown(value)
    return _KINDS.get(type(value).__name__, type(value).__name__)

"""A conversation with invented text in the native format, to be changed by tests."""

from __future__ import annotations

from typing import Any


def line(name: str = "c-1", *, said: str = "A table for two, please.", **changes: Any) -> dict[str, Any]:
    """One conversation of two turns in the native format; ``changes`` replace its fields."""
    return {
        "id": name,
        "goal": {
            "text": "Book a table for two. Be polite.",
            "components": [
                {"id": "polite", "category": "policy", "text": "Be polite."},
                {"id": "book", "category": "objective", "text": "Book a table."},
                {"id": "two", "category": "requirement", "text": "It is for two.", "objective": "book"},
            ],
        },
        "messages": [
            {"role": "user", "content": said},
            {"role": "assistant", "content": "For when?"},
            {"role": "user", "content": "Tonight."},
            {"role": "assistant", "content": "Booked: two people, tonight."},
        ],
        "labels": {"book": [[2, "COMPLETE"]], "two": [[1, "ATTEMPTED"], [2, "COMPLETE"]]},
    } | changes


def unlabelled(name: str = "c-1", **changes: Any) -> dict[str, Any]:
    return {field: value for field, value in line(name, **changes).items() if field != "labels"}

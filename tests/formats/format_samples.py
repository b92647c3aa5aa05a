"""Small conversations in every format, with invented text, for the tests to write to files and to break."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from pydantic import JsonValue

Json = dict[str, JsonValue]

NATIVE: Json = {
    "id": "kettle",
    "source": "written",
    "domain": "shop",
    "drift": "none",
    "reward": 1.0,
    "goal": {
        "text": "You want to return a kettle. The refund must go to your card.",
        "components": [
            {"id": "o", "category": "objective", "text": "Return a kettle."},
            {"id": "r", "category": "requirement", "text": "The refund goes to your card.", "objective": "o"},
        ],
    },
    "probes": [{"id": "p", "category": "profile", "text": "You live in Ghent."}],
    "messages": [
        {"role": "user", "content": "I'd like to return a kettle, money back to my card."},
        {"role": "assistant", "content": "We only give vouchers."},
        {"role": "user", "content": "Then a voucher. I live in Bruges."},
        {"role": "assistant", "content": "Returned. Your voucher is on its way."},
    ],
    "labels": {"o": [[2, "COMPLETE"]], "r": [[1, "ATTEMPTED"]], "p": [[2, "MISALIGNED"]]},
}

CHAT: list[JsonValue] = [
    {"role": "system", "content": "You sell bicycles."},
    {"role": "assistant", "content": "Welcome to the bicycle shop."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "Hello!"}, {"type": "text", "text": "A red bike?"}],
    },
    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "find"}}]},
    {"role": "tool", "tool_call_id": "1", "content": '{"stock": 1}'},
    {
        "role": "assistant",
        "content": "Let me reserve it.",
        "tool_calls": [{"id": "2", "function": {"name": "r"}}],
    },
    {"role": "tool", "tool_call_id": "2", "content": "ok"},
    {"role": "assistant", "content": "It is reserved."},
    {"role": "user", "content": "Thanks! ###STOP###"},
]
"""What the user sees of it: a greeting, and two turns, the second without a reply."""

CHAT_SEEN = [
    ("assistant", "Welcome to the bicycle shop."),
    ("user", "Hello!\nA red bike?"),
    ("assistant", "Let me reserve it.\nIt is reserved."),
    ("user", "Thanks!"),
]

TAU_BENCH: list[JsonValue] = [
    {
        "task_id": 3,
        "trial": 1,
        "reward": 0.0,
        "info": {
            "task": {"user_id": "bo", "instruction": "You are Bo. You want to buy a red bike.", "actions": []}
        },
        "traj": [{"role": "system", "content": "# Bicycle agent policy\nBe kind."}, *CHAT[1:]],
    },
    {
        "task_id": 12,
        "trial": 0,
        "reward": 1.0,
        "info": {"task": {"instruction": "You are Ann. You want to sell a blue bike."}},
        "traj": [
            {"role": "user", "content": "I sell a blue bike."},
            {"role": "assistant", "content": "We take it for 50."},
            {"role": "user", "content": "###STOP###"},
        ],
    },
]

TAU2: Json = {
    "timestamp": "2030-01-01T00:00:00",
    "info": {"environment_info": {"domain_name": "bicycles", "policy": "Be kind."}},
    "tasks": [
        {
            "id": "7",
            "user_scenario": {
                "persona": "You are a retired postman.",
                "instructions": {
                    "domain": "bicycles",
                    "reason_for_call": "You want to buy a red bike.",
                    "known_info": "You are Bo in Ghent.",
                    "unknown_info": None,
                    "task_instructions": ".",
                },
            },
        },
        {"id": "8", "user_scenario": {"persona": None, "instructions": "You want to sell a blue bike."}},
    ],
    "simulations": [
        {
            "id": "aaaa",
            "task_id": "7",
            "trial": 0,
            "reward_info": {"reward": 1.0, "db_check": None},
            "messages": [
                *CHAT[1:],
                {
                    "role": "user",
                    "content": None,
                    "tool_calls": [{"id": "3", "name": "ring", "requestor": "user"}],
                },
                {"role": "tool", "id": "3", "content": "rung", "requestor": "user"},
                {"role": "tool", "tool_messages": []},
            ],
        },
        {
            "id": "bbbb",
            "task_id": "8",
            "trial": None,
            "reward_info": None,
            "messages": [
                {"role": "user", "content": "I sell a bike."},
                {"role": "user", "content": "###TRANSFER###"},
            ],
        },
    ],
}


def _marked(*sentences: str) -> list[JsonValue]:
    """Sentences with the mark-up of MultiWOZ's goals in the place of square brackets."""
    return [line.replace("[", "<span class='emphasis'>").replace("]", "</span>") for line in sentences]


MULTIWOZ: Json = {
    "TEST01.json": {
        "goal": {
            "taxi": {},
            "hotel": {"info": {"area": "north"}, "book": {"people": "2"}},
            "train": {"info": {"day": "monday"}},
            "topic": {"taxi": False},
            "message": _marked(
                "You are planning a trip",
                "You are looking for a [particular hotel]. Its name is called [the old mill and barn]",
                "Once you find the [hotel] you want to book it for [2 people] and [3 nights]",
                "If the booking fails how about [1 nights]",
                "Make sure you get the [reference number]",
                "You are also looking for a [train]. The train should be on [monday] and should go to [ely]",
                "Make sure you get [price], [travel time], and [whether they have internet]",
                "You also want to book a [taxi] to commute between the two places",
                "You want to leave the hotel by [10:15]",
            ),
        },
        "log": [
            {"text": "I need the old mill .", "metadata": {}},
            {"text": "Booked , reference Q1 . ", "metadata": {"hotel": {"book": {}}}},
        ],
    },
    "TEST02.json": {
        "goal": {"message": "You want to feed the ducks. It must be before noon."},
        "log": [{"text": "Ducks ?", "metadata": {}}],
    },
}

SAMPLES: dict[str, JsonValue] = {
    "native": NATIVE,
    "openai": CHAT,
    "tau-bench": TAU_BENCH,
    "tau2": TAU2,
    "multiwoz": MULTIWOZ,
}


def native(**changes: JsonValue) -> Json:
    """A native conversation with some of its fields replaced."""
    return {**copy.deepcopy(NATIVE), **changes}


def write(folder: Path, value: JsonValue, name: str = "file.json", indent: int | None = None) -> Path:
    """Write a value as JSON, on one line unless ``indent`` is given."""
    path = folder / name
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    return path


def write_lines(folder: Path, *values: JsonValue | str, name: str = "file.jsonl") -> Path:
    """Write values one a line; a string is written as it stands, so that a line can be broken."""
    path = folder / name
    lines = (value if isinstance(value, str) else json.dumps(value) for value in values)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path

"""Goals as people put them into a tool's metadata, without any of the tools."""

from __future__ import annotations

import json

import pytest

from tracker.errors import InputError
from tracker.integrations.scoring import goal_of

GOAL = {
    "components": [
        {"id": "calm", "category": "policy", "text": "Never shout."},
        {"id": "book", "category": "objective", "text": "Book a table."},
    ]
}


@pytest.mark.parametrize("value", [GOAL, json.dumps(GOAL), f"\n {json.dumps(GOAL)}"])
def test_a_goal_is_json_or_its_text(value):
    assert [component.id for component in goal_of(value, within="goal")] == ["calm", "book"]


def test_prose_may_begin_with_brackets():
    goal = goal_of("[a regular] You want to book a table for two.", within="goal")
    assert goal.text.startswith("[a regular]")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (json.dumps(GOAL["components"]), "goal: expected an object, found a list"),
        ("[]", "goal: expected an object, found a list"),
        ('["Book a table."]', "goal: expected an object, found a list"),
        ('[{"id": "a"', "goal: broken JSON"),
        ('{"components": [', "goal: broken JSON"),
    ],
)
def test_json_that_is_no_goal_is_refused(value, said):
    with pytest.raises(InputError) as caught:
        goal_of(value, within="goal")
    assert str(caught.value).startswith(said)

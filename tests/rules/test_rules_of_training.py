"""Rules that training draws with exact labels, in many wordings: code reads them as meant, or not at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tracker.conversation import Conversation
from tracker.formats import read
from tracker.goal import Category, Component, Goal
from tracker.rules import read_rule
from training.courtesy import courtesy_rules
from training.lengths import length_rules
from training.ruled import broken_at
from training.rules import Doubt, Rule
from training.signs import sign_rules

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.jsonl"))


def rules(conversation: Conversation) -> list[Rule]:
    drawn = [*sign_rules(), *courtesy_rules(), *length_rules(conversation.turns, random.Random(0))]
    return [rule for rule in drawn if rule.category is Category.POLICY]


def conversations() -> list[Conversation]:
    found = [conversation for path in EXAMPLES for conversation in read(path)]
    return [conversation for conversation in found if isinstance(conversation, Conversation)]


@pytest.mark.parametrize("conversation", conversations(), ids=lambda conversation: conversation.id)
def test_code_reads_them_as_they_are_meant(conversation: Conversation) -> None:
    seen = 0
    for rule in rules(conversation):
        expected = rule.moves_at(conversation.turns)
        for wording in rule.wordings:
            component = Component(id="rule", category=Category.POLICY, text=wording)
            check = read_rule(component, Goal(text="", components=(component,)))
            if check is None or isinstance(expected, Doubt):
                continue
            seen += 1
            assert broken_at(check, conversation) == (expected or 0), wording
    assert seen > 100

"""How often code that checks a policy says what the judge says: ``python -m training.ruled FILE...``.

Takes native files with labels; probes count as well. No model is loaded. Prints how many policies are read,
how many of those the labels call broken, and every one on which check and label differ. The rules of
``tracker.rules`` were written with the training and validation conversations open: figures on those say how
well they were copied down, not how far they carry.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracker.conversation import Conversation
from tracker.goal import Category, Component, Status
from tracker.rules import Check, read_rules
from training.data import read_labelled


@dataclass(frozen=True)
class Checked:
    """A policy, and the turns at which a judge and the check call it broken; 0 for never."""

    conversation: str
    component: Component
    judged: int
    checked: int | None
    """``None`` where the policy is not read."""


def check_all(conversations: Sequence[Conversation]) -> Iterator[Checked]:
    """Every policy of some labelled conversations."""
    for conversation in conversations:
        rules = read_rules(conversation.goal, opening=conversation.opening)
        for component in conversation.goal:
            if component.category is not Category.POLICY:
                continue
            labels = conversation.labelled_statuses(component.id)
            judged = labels.index(Status.MISALIGNED) + 1 if Status.MISALIGNED in labels else 0
            rule = rules.get(component.id)
            checked = None if rule is None else broken_at(rule, conversation)
            yield Checked(conversation.id, component, judged, checked)


def broken_at(rule: Check, conversation: Conversation) -> int:
    """The turn at which a rule is broken; 0 for never."""
    turns = conversation.turns
    return next((turn.index for turn in turns if rule(turns[: turn.index])), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    for path in given.files:
        counts: Counter[str] = Counter()
        for one in check_all(read_labelled(path)):
            counts["all"] += 1
            counts["broken"] += one.judged > 0
            if one.checked is None:
                continue
            counts["read"] += 1
            counts["read, broken"] += one.judged > 0
            counts["same turn"] += one.checked == one.judged
            if one.checked != one.judged:
                print(f"{one.conversation}: {one.component.text} judge {one.judged}, code {one.checked}")
        print(
            f"{path.name}: {counts['read']} of {counts['all']} policies are read, {counts['read, broken']} "
            f"of {counts['broken']} broken ones; the same to the turn: {counts['same turn']}"
        )


if __name__ == "__main__":
    main()

"""How often code that checks a policy says what the judge says: ``python -m training.ruled FILE...``.

Takes native files with labels; probes count as well. No model is loaded. Prints every policy on which check
and label differ, and by file and by kind of rule how many are read, how many of those the labels call broken,
how many come out the same to the turn and what share of their statuses is the same. The rules of
``tracker.rules`` were written with the training and validation conversations open: figures on those say how
well they were copied down, not how far they carry.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracker.conversation import Conversation
from tracker.goal import Category, Component, Status
from tracker.rules import Check, read_rules
from training.command import exit_code
from training.data import read_labelled


@dataclass(frozen=True)
class Checked:
    """A policy, and the turns at which a judge and the check call it broken; 0 for never."""

    conversation: str
    component: Component
    judged: int
    checked: int | None
    """``None`` where the policy is not read."""
    turns: int
    kind: str
    """The module of ``tracker.rules`` that reads it; empty where none does."""


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
            kind = "" if rule is None else rule.kind
            yield Checked(conversation.id, component, judged, checked, len(labels), kind)


def broken_at(rule: Check, conversation: Conversation) -> int:
    """The turn at which a rule is broken; 0 for never."""
    turns = conversation.turns
    return next((turn.index for turn in turns if rule.breaks(turns[: turn.index])), 0)


@dataclass
class _Tally:
    """What is counted of policies that are read."""

    read: int = 0
    broken: int = 0
    same_turn: int = 0
    statuses: int = 0
    same_statuses: int = 0

    def add(self, one: Checked) -> None:
        if one.checked is None:
            return
        # Between the turns at which judge and check call it broken they differ.
        judged, checked = (turn or one.turns + 1 for turn in (one.judged, one.checked))
        self.read += 1
        self.broken += one.judged > 0
        self.same_turn += one.checked == one.judged
        self.statuses += one.turns
        self.same_statuses += one.turns - abs(judged - checked)

    def __str__(self) -> str:
        share = f"{self.same_statuses / self.statuses:.3f}" if self.statuses else "–"
        return (
            f"{self.read} are read, {self.broken} of them broken; the same to the turn: {self.same_turn}; "
            f"the same statuses: {share}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    by_file = {path: list(check_all(read_labelled(path))) for path in given.files}
    kinds: dict[str, _Tally] = defaultdict(_Tally)
    for path, found in by_file.items():
        tally = _Tally()
        for one in found:
            tally.add(one)
            kinds[one.kind].add(one)
            if one.checked not in (None, one.judged):
                print(f"{one.conversation}: {one.component.text} judge {one.judged}, code {one.checked}")
        broken = sum(one.judged > 0 for one in found)
        print(f"{path.name}: {len(found)} policies, {broken} broken; {tally}")
    for kind, tally in sorted(kinds.items()):
        if tally.read:
            print(f"{kind}: {tally}")


if __name__ == "__main__":
    sys.exit(exit_code(main))

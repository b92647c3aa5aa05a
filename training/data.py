"""Training data: conversations and labels become packs of token ids with targets.

Knows conversations, which (turn, component) pairs are worth asking, and how a pack is laid out. Knows
nothing about weights; the words come from ``tracker.prompt`` and the allowed answers from
``tracker.grammar``, so that training and tracking cannot drift apart.

Every question asks for the change: the branch tells the status before the turn (the label's) and the target
is the status after it. A component that cannot move any more is not asked.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tracker.atomic import write_text
from tracker.conversation import Conversation
from tracker.formats import native
from tracker.goal import STATUSES, Category, Status, is_final, start_status
from tracker.grammar import Grammars, status_tokens
from tracker.prompt import Question, opening_pieces, question_pieces, turn_pieces
from tracker.rules import decided, read_rules
from tracker.vocabulary import Vocabulary
from training.changed import ChangedComponent
from training.exact import ExactComponent

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """One labelled question: a component behind a turn."""

    question: Question
    turn: int
    target: Status
    made: bool = False
    """Made and labelled by code, not by a judge."""

    @property
    def moves(self) -> bool:
        return self.target != self.question.previous


@dataclass(frozen=True)
class Pack:
    """One conversation's prefix and branches as token ids.

    ``prefix`` has shape (prefix tokens,); ``branches[i]`` (its tokens,) stands behind the first
    ``visible[i]`` tokens of the prefix and ends where the first token of the status comes.
    """

    id: str
    prefix: Ids
    branches: tuple[Ids, ...]
    visible: Ids
    asked: tuple[Asked, ...]

    def part(self, chosen: Sequence[int]) -> Pack:
        """The same prefix with the ``chosen`` branches alone."""
        return Pack(
            self.id,
            self.prefix,
            tuple(self.branches[i] for i in chosen),
            self.visible[list(chosen)],
            tuple(self.asked[i] for i in chosen),
        )


@dataclass(frozen=True)
class Answers:
    """The tokens that answers begin with, over all grammars.

    ``words`` (n,) are token ids; ``leads[question kind]`` (statuses, n) says which of them lead to which
    status, in the order of ``reachable``.
    """

    words: Ids
    leads: dict[tuple[Category, Status], npt.NDArray[np.bool_]]

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Answers:
        kinds = [
            (category, previous)
            for category in Category
            for previous in STATUSES[category]
            if not is_final(category, previous)
        ]
        tokens = {kind: status_tokens(vocabulary, *kind) for kind in kinds}
        words = sorted({t for by_status in tokens.values() for ts in by_status.values() for t in ts})
        leads = {
            kind: np.array([[word in ts for word in words] for ts in by_status.values()])
            for kind, by_status in tokens.items()
        }
        return cls(np.array(words), leads)


def read_labelled(path: Path, *, probes: bool = True) -> list[Conversation]:
    """All labelled conversations of a native file; raises ``InputError`` at the first bad line."""
    conversations = []
    for item in native.read(path, probes=probes):
        if isinstance(item, Exception):
            raise item
        conversations.append(item)
    return conversations


def write_labelled(conversations: Iterable[Conversation], path: Path) -> None:
    """Write a native file, whole or not at all; raises ``InputError`` where that fails."""
    lines = (json.dumps(native.conversation_to_json(c), ensure_ascii=False) + "\n" for c in conversations)
    write_text(path, "".join(lines))


def labelled_questions(conversation: Conversation) -> list[Asked]:
    """Every question that a judge's labels answer: each component, each turn at which it could still move."""
    asked = []
    for component in conversation.goal:
        previous = component.start
        for turn, status in enumerate(conversation.labelled_statuses(component.id), start=1):
            if is_final(component.category, previous):
                break
            asked.append(Asked(Question(component, previous), turn, status))
            previous = status
    return asked


def questions_by_turn(conversation: Conversation) -> dict[int, list[Asked]]:
    """The same of each turn, in the goal's order, without the policies that code decides: nobody is asked
    about those."""
    by_code = decided(read_rules(conversation.goal, opening=conversation.opening))
    found: dict[int, list[Asked]] = {turn.index: [] for turn in conversation.turns}
    for asked in labelled_questions(conversation):
        if asked.question.component.id not in by_code:
            found[asked.turn].append(asked)
    return found


def missed_questions(conversation: Conversation) -> dict[str, list[Asked]]:
    """What a tracker that missed a component's moves would be asked later on, by component.

    The status told is the start, behind each turn after the first move; the target is the label. A tracker
    learns from them that what the turn just read does not show may have come before.
    """
    asked: dict[str, list[Asked]] = {}
    for component in conversation.goal:
        labels = conversation.labelled_statuses(component.id)
        moved = [turn for turn, status in enumerate(labels, start=1) if status != component.start]
        asked[component.id] = [
            Asked(Question(component, component.start), turn, labels[turn - 1]) for turn in moved[1:]
        ]
    return asked


def exact_questions(conversation: Conversation, components: Iterable[ExactComponent]) -> list[Asked]:
    """The same for components whose labels code can read off."""
    asked = []
    for item in components:
        last = item.moves_at or len(conversation.turns)
        for turn in range(1, last + 1):
            target = item.status_after if turn == item.moves_at else item.component.start
            asked.append(Asked(Question(item.component, item.component.start), turn, target, made=True))
    return asked


def changed_questions(components: Iterable[ChangedComponent]) -> list[Asked]:
    """The same for near misses, at the turns that tell them from the components they were made of."""
    asked = []
    for item in components:
        for turn in item.telling:
            target = Status.MISALIGNED if turn == item.moves_at else item.component.start
            asked.append(Asked(Question(item.component, item.component.start), turn, target, made=True))
    return asked


def choose(asked: Sequence[Asked], count: int, chance: random.Random) -> list[Asked]:
    """At most ``count`` questions: changes first, then the turns just before them, then any others.

    Changes are one question in nine and carry most of the information. They are favoured here; the prior
    is weighted back in ``training.calibrate``.
    """
    changes = {(a.question.component.id, a.turn): a for a in asked if a.moves}
    just_before = [a for a in asked if not a.moves and (a.question.component.id, a.turn + 1) in changes]
    others = [a for a in asked if not a.moves and (a.question.component.id, a.turn + 1) not in changes]
    ranked = [*changes.values()]
    for group in (ranked, just_before, others):
        chance.shuffle(group)
    # Half of what the changes leave goes to the turns before them, which keeps plain turns in every pack.
    room = max(0, count - len(ranked))
    chosen = ranked + just_before[: room // 2]
    return (chosen + others + just_before[room // 2 :])[:count]


class Packer:
    """Turns conversations into packs with a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, grammars: Grammars) -> None:
        self._vocabulary = vocabulary
        self._grammars = grammars

    def pack(self, conversation: Conversation, asked: Sequence[Asked]) -> Pack:
        prefix = list(self._vocabulary.tokens(opening_pieces(conversation.opening)))
        ends = [len(prefix)]
        for turn in conversation.turns:
            prefix += self._vocabulary.tokens(turn_pieces(turn))
            ends.append(len(prefix))
        ordered = sorted(asked, key=lambda a: a.turn)
        return Pack(
            conversation.id,
            np.array(prefix, dtype=np.int64),
            tuple(self._branch(a.question) for a in ordered),
            np.array([ends[a.turn] for a in ordered], dtype=np.int64),
            tuple(ordered),
        )

    def _branch(self, question: Question) -> Ids:
        grammar = self._grammars(question.category, question.previous)
        return np.array(
            [*self._vocabulary.tokens(question_pieces(question)), *grammar.forced_tokens], dtype=np.int64
        )


def every_question(conversation: Conversation) -> list[Asked]:
    """What a tracker may have to ask of a conversation: every turn, every status that can still move.

    Used to evaluate with a forward filter; the target is meaningful only where ``previous`` was the label's.
    """
    asked = []
    for component in conversation.goal:
        labels = conversation.labelled_statuses(component.id)
        for previous in STATUSES[component.category][:-1]:
            asked += [
                Asked(Question(component, previous), turn, status)
                for turn, status in enumerate(labels, start=1)
                if turn > 1 or previous == start_status(component.category)
            ]
    return asked


__all__ = [
    "Answers",
    "Asked",
    "Pack",
    "Packer",
    "changed_questions",
    "choose",
    "every_question",
    "exact_questions",
    "labelled_questions",
    "missed_questions",
    "questions_by_turn",
    "read_labelled",
    "write_labelled",
]

"""Training data of the encoder: labelled turns with all that is open after them, in batches of like size.

Knows labels, which scores answer a question (``tracker.encoder.model``), and padding. Knows nothing about
weights; tokens come from ``tracker.encoder.text``, so that training and tracking cannot drift apart.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from tracker.conversation import Conversation
from tracker.encoder.model import PLACES, POSITIONS
from tracker.encoder.text import Kind, Read, Tokeniser, conversation_tokens
from tracker.goal import Status, reachable
from tracker.prompt import Question
from training.data import questions_by_turn

CHUNK = 1200
"""Turns that are sorted by size together: padding is small, and the order still random."""


@dataclass(frozen=True)
class Asked:
    """A component that could still move, after a turn."""

    category: int
    tokens: tuple[int, ...]
    place: slice
    """Which of its scores are for the statuses that could follow."""
    target: int
    """Which of them the label is; 0 where it stays."""


@dataclass(frozen=True)
class AskedTurn:
    """A turn as the encoder reads it, with what is asked about it."""

    read: Read
    asked: tuple[Asked, ...]

    def some(self, most: int, chance: random.Random) -> AskedTurn:
        """The turn with at most so many of its components, drawn by chance."""
        if len(self.asked) <= most:
            return self
        return replace(self, asked=tuple(chance.sample(self.asked, most)))


@dataclass(frozen=True)
class Batch:
    """Turns padded to the same sizes: T tokens of a conversation, N components of L tokens."""

    read: Tensor
    """(turns, T)"""
    kinds: Tensor
    """(turns, T)"""
    read_there: Tensor
    """(turns, T): where there is a token."""
    components: Tensor
    """(turns, N, L)"""
    categories: Tensor
    """(turns, N)"""
    component_there: Tensor
    """(turns, N, L); the first token is there even where a component isn't."""
    rows: Tensor
    """(questions, 2): a question's turn, and its component there."""
    scores: Tensor
    """(questions, 3): which scores are its statuses'; the last one again where there are fewer."""
    allowed: Tensor
    """(questions, 3): which of these count."""
    target: Tensor
    """(questions,)"""


def asked_turns(conversations: Iterable[Conversation], tokeniser: Tokeniser) -> Iterator[AskedTurn]:
    """Every turn after which something could have moved.

    Policies that code checks are left out, as they are where the model is asked.
    """
    for conversation in conversations:
        turns = conversation.turns
        for turn, questions in questions_by_turn(conversation).items():
            if questions:
                read = conversation_tokens(tokeniser, turns[:turn], conversation.opening)
                yield AskedTurn(read, tuple(_asked(one.question, one.target, tokeniser) for one in questions))


def _asked(question: Question, target: Status, tokeniser: Tokeniser) -> Asked:
    category, previous = question.category, question.previous
    return Asked(
        POSITIONS[category],
        tokeniser.component(question.component),
        PLACES[category, previous],
        reachable(category, previous).index(target),
    )


def batches(
    turns: Sequence[AskedTurn], tokens: int, chance: random.Random | None = None
) -> Iterator[list[int]]:
    """Positions of turns that make up about ``tokens`` tokens with their padding; in an order by chance."""
    order = list(range(len(turns)))
    if chance is not None:
        chance.shuffle(order)
    for start in range(0, len(order), CHUNK):
        alike = sorted(order[start : start + CHUNK], key=lambda position: _shape(turns[position]))
        found: list[list[int]] = [[]]
        for position in alike:
            if found[-1] and _size([turns[other] for other in (*found[-1], position)]) > tokens:
                found.append([])
            found[-1].append(position)
        if chance is not None:
            chance.shuffle(found)
        yield from found


def collate(turns: Sequence[AskedTurn], *, masked: float = 0.0, mask: int = 0) -> Batch:
    """Pad turns to a batch. A share of the tokens that somebody said is replaced by ``mask``."""
    read_length = max(len(turn.read.ids) for turn in turns)
    count = max(len(turn.asked) for turn in turns)
    length = max(len(asked.tokens) for turn in turns for asked in turn.asked)
    read, there = np.zeros((2, len(turns), read_length), dtype=np.int64)
    kinds = np.full(read.shape, Kind.MARK, dtype=np.int64)
    components, component_there = np.zeros((2, len(turns), count, length), dtype=np.int64)
    component_there[:, :, 0] = 1
    categories = np.zeros((len(turns), count), dtype=np.int64)
    rows, places = [], []
    for number, turn in enumerate(turns):
        size = len(turn.read.ids)
        read[number, :size], kinds[number, :size], there[number, :size] = turn.read.ids, turn.read.kinds, 1
        for position, asked in enumerate(turn.asked):
            components[number, position, : len(asked.tokens)] = asked.tokens
            component_there[number, position, : len(asked.tokens)] = 1
            categories[number, position] = asked.category
            rows.append((number, position))
            places.append(asked.place)
    if masked:
        read[(np.random.random(read.shape) < masked) & (kinds < Kind.MARK)] = mask
    wanted = np.array([[place.start + step for step in range(3)] for place in places])
    last = np.array([place.stop - 1 for place in places])[:, None]
    return Batch(
        read=torch.from_numpy(read),
        kinds=torch.from_numpy(kinds),
        read_there=torch.from_numpy(there.astype(bool)),
        components=torch.from_numpy(components),
        categories=torch.from_numpy(categories),
        component_there=torch.from_numpy(component_there.astype(bool)),
        rows=torch.tensor(rows),
        scores=torch.from_numpy(np.minimum(wanted, last)),
        allowed=torch.from_numpy(wanted <= last),
        target=torch.tensor([asked.target for turn in turns for asked in turn.asked]),
    )


def _shape(turn: AskedTurn) -> tuple[int, int, int]:
    longest = max(len(asked.tokens) for asked in turn.asked)
    return len(turn.asked) // 3, longest // 4, len(turn.read.ids)


def _size(turns: Sequence[AskedTurn]) -> int:
    """Tokens of a batch with its padding."""
    longest = max(len(asked.tokens) for turn in turns for asked in turn.asked)
    components = max(len(turn.asked) for turn in turns) * longest
    return len(turns) * (max(len(turn.read.ids) for turn in turns) + components)

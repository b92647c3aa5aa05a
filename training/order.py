"""The order in which a run reads what it is given.

Knows chance and counts. Knows nothing about what is read.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def in_order(items: Sequence[Item], *, passes: int, random_state: int) -> Iterator[Item]:
    """What each of a run's passes reads: every item once, in an order that chance draws, before any again.

    A run of fewer passes than there are items reads part of them (``training.unread``).
    """
    chance = random.Random(random_state)
    for done in range(passes):
        if done % len(items) == 0:
            epoch = chance.sample(items, len(items))
        yield epoch[done % len(items)]

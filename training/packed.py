"""Packs as the model takes them: token ids and where they stand, as tensors.

Knows what a pack has and what ``training.model`` wants. Knows nothing about questions, labels or losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from training.data import Ids
from training.model import Layout


class Packed(Protocol):
    """A prefix and branches behind parts of it, as a ``Pack`` has them, or a user's."""

    @property
    def prefix(self) -> Ids: ...

    @property
    def branches(self) -> Sequence[Ids]: ...

    @property
    def visible(self) -> Ids: ...


def pack_tokens(pack: Packed) -> Tensor:
    """A pack's prefix and then its branches, shape (tokens,)."""
    return torch.from_numpy(np.concatenate([pack.prefix, *pack.branches]))


def pack_layout(pack: Packed, device: torch.device) -> Layout:
    """Where these tokens stand."""
    lengths = np.array([len(branch) for branch in pack.branches], dtype=np.int64)
    return Layout.of(len(pack.prefix), pack.visible, lengths, device)

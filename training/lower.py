"""What the frozen layers make of packs, of which what is asked for again is kept.

Knows the model's frozen layers and packs. Knows nothing about losses or the order of passes.

Of a prefix its hidden states at the top of the frozen layers are kept, and each frozen layer's keys and
values, which lets new branches pass through those layers at the cost of their own tokens. That is
``2 · (width + 2 · frozen · kv_heads · head)`` bytes a token: 15 kB with 18 layers of the shipped base, 2.5 GB
for 344 written conversations. Of branches that come again the hidden states are kept as well, 1 kB a token.
All of it is float16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from training.data import Ids, Pack
from training.model import Layout, PackedModel, ReadPrefix


@dataclass
class _Kept:
    prefix: ReadPrefix
    branches: dict[tuple[int, bytes], Tensor] = field(default_factory=dict)
    """Tokens seen and the branch's own → hidden states (its tokens, width)."""


class Packed(Protocol):
    """A prefix and branches behind parts of it, as a ``Pack`` has them, or a user's."""

    @property
    def prefix(self) -> Ids: ...

    @property
    def branches(self) -> Sequence[Ids]: ...

    @property
    def visible(self) -> Ids: ...


def pack_tokens(pack: Packed) -> Tensor:
    return torch.from_numpy(np.concatenate([pack.prefix, *pack.branches]))


def pack_layout(pack: Packed, device: torch.device) -> Layout:
    lengths = np.array([len(branch) for branch in pack.branches], dtype=np.int64)
    return Layout.of(len(pack.prefix), pack.visible, lengths, device)


class Lower:
    """The frozen layers of a model, with a memory."""

    def __init__(self, model: PackedModel, device: torch.device) -> None:
        self._model, self._device = model, device
        # By what is read, not by whose it is: the same tokens are always read alike.
        self._kept: dict[bytes, _Kept] = {}

    def knows(self, pack: Pack) -> bool:
        """Whether the pack's prefix is kept."""
        return pack.prefix.tobytes() in self._kept

    @torch.no_grad()
    def keep(self, pack: Pack) -> None:
        """Keep a pack's prefix and branches.

        What is kept of a branch varies with those that it is read with, by rounding: a run that is to be
        repeated exactly keeps the same packs, whenever it does.
        """
        if not self.knows(pack):
            prefix = torch.from_numpy(pack.prefix).to(self._device)
            self._kept[pack.prefix.tobytes()] = _Kept(self._model.lower_prefix(prefix).half())
        kept = self._kept[pack.prefix.tobytes()]
        new = pack.part([i for i, key in enumerate(_keys(pack)) if key not in kept.branches])
        for key, hidden in zip(_keys(new), self._branches(kept.prefix, new), strict=True):
            kept.branches[key] = hidden.to(torch.float16)

    @torch.no_grad()
    def __call__(self, pack: Pack) -> Tensor:
        """Hidden states of a pack's tokens at the top of the frozen layers, shape (tokens, width).

        Behind a kept prefix only branches that are not kept are read.
        """
        if not self.knows(pack):
            return self._model.lower(pack_tokens(pack).to(self._device), pack_layout(pack, self._device))
        kept, keys = self._kept[pack.prefix.tobytes()], _keys(pack)
        new = [i for i, key in enumerate(keys) if key not in kept.branches]
        read = dict(zip(new, self._branches(kept.prefix, pack.part(new)), strict=True))
        rows = [read[i] if i in read else kept.branches[key] for i, key in enumerate(keys)]
        return torch.cat([row.to(self._model.dtype) for row in (kept.prefix.hidden, *rows)])

    def _branches(self, prefix: ReadPrefix, pack: Pack) -> Sequence[Tensor]:
        """Hidden states of each branch of a pack, (its tokens, width)."""
        if not pack.branches:
            return ()
        tokens = torch.from_numpy(np.concatenate(pack.branches)).to(self._device)
        hidden = self._model.lower_branches(prefix, tokens, pack_layout(pack, self._device))
        rows: tuple[Tensor, ...] = hidden.split([len(branch) for branch in pack.branches])
        return rows


def _keys(pack: Pack) -> list[tuple[int, bytes]]:
    return [(int(v), branch.tobytes()) for v, branch in zip(pack.visible, pack.branches, strict=True)]

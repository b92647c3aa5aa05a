"""The base model in PyTorch, written for packed conversations: one prefix, many branches.

Knows weights, layers, attention and low-rank factors. Knows nothing about conversations, statuses or
files other than the base GGUF, whose tensors it reads in their own layout (so q and k are rotated in
adjacent pairs, as llama.cpp does for this architecture, and factors can be exported as they are).

A pack is ``prefix`` tokens in causal order followed by the tokens of branches. A branch token sees the
first ``visible`` tokens of the prefix and the earlier tokens of its own branch, nothing else, and its
position goes on from ``visible``: exactly what a sequence sharing a KV prefix sees in llama.cpp.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everyone knows it by

FACTORED = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
"""The linear maps of a block that low-rank factors are added to, by their GGUF names."""


@dataclass(frozen=True)
class Shape:
    """The sizes of the base model, read from its GGUF."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    feed_forward: int
    rope_base: float
    epsilon: float

    @property
    def head(self) -> int:
        return self.width // self.heads


@dataclass
class Layout:
    """Where the tokens of a pack stand; all tensors on one device.

    ``positions`` has shape (tokens,). The rest describes the branches: ``visible`` (branches,) prefix
    tokens seen by each; ``slots`` (branch tokens,) the index of each branch token in a padded grid of
    ``branches × longest``; ``last`` (branches,) the row of each branch's last token in the pack.
    """

    prefix: int
    positions: Tensor
    visible: Tensor
    slots: Tensor
    last: Tensor
    longest: int

    @classmethod
    def of(cls, prefix: int, visible: np.ndarray, lengths: np.ndarray, device: torch.device) -> Layout:
        """Lay out branches with the given lengths, shape (branches,), behind ``prefix`` tokens."""
        longest = int(lengths.max()) if len(lengths) else 0
        offsets = np.arange(longest)
        grid = offsets[None, :] < lengths[:, None]
        positions = np.concatenate([np.arange(prefix), (visible[:, None] + offsets[None, :])[grid]])
        return cls(
            prefix=prefix,
            positions=torch.from_numpy(positions).to(device),
            visible=torch.from_numpy(visible).to(device),
            slots=torch.from_numpy(np.flatnonzero(grid.reshape(-1))).to(device),
            last=torch.from_numpy(prefix + np.cumsum(lengths) - 1).to(device),
            longest=longest,
        )


Past = tuple[Tensor, Tensor]
"""Keys (rotated) and values of a prefix in one layer, both (kv heads, prefix, head)."""


@dataclass(frozen=True)
class ReadPrefix:
    """A prefix as some layers read it: all that branches behind it need of it, in those layers and above.

    ``hidden`` (prefix tokens, width) is what the last of the layers made of it; ``past`` has one entry a
    layer.
    """

    hidden: Tensor
    past: tuple[Past, ...]

    def half(self) -> ReadPrefix:
        """The same in float16."""
        past = tuple((k.to(torch.float16), v.to(torch.float16)) for k, v in self.past)
        return ReadPrefix(self.hidden.to(torch.float16), past)


class Factors(nn.Module):
    """Low-rank factors of a linear map: adds ``scale · B(A x)`` to it (Hu et al. 2021, arXiv 2106.09685)."""

    def __init__(self, inputs: int, outputs: int, rank: int, scale: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.empty(rank, inputs))
        self.b = nn.Parameter(torch.zeros(outputs, rank))
        self.scale = scale
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))


class Block(nn.Module):
    """One transformer block with frozen fused weights and, where trained, factors."""

    attn_norm: Tensor
    ffn_norm: Tensor
    qkv: Tensor
    out: Tensor
    gate_up: Tensor
    down: Tensor

    def __init__(
        self, shape: Shape, weights: dict[str, Tensor], rank: int, scale: float, dropout: float
    ) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = dropout
        self.register_buffer("attn_norm", weights["attn_norm"])
        self.register_buffer("ffn_norm", weights["ffn_norm"])
        self.register_buffer("qkv", torch.cat([weights["attn_q"], weights["attn_k"], weights["attn_v"]]))
        self.register_buffer("out", weights["attn_output"])
        self.register_buffer("gate_up", torch.cat([weights["ffn_gate"], weights["ffn_up"]]))
        self.register_buffer("down", weights["ffn_down"])
        self.factors = nn.ModuleDict(
            {
                name: Factors(weights[name].shape[1], weights[name].shape[0], rank, scale)
                for name in (FACTORED if rank else ())
            }
        )

    def _added(self, x: Tensor, names: tuple[str, ...]) -> Tensor | float:
        """What the factors of some maps with the same input add to their outputs, side by side."""
        if not len(self.factors):
            return 0.0
        # One product for all: products with few columns are the slow ones on a CPU.
        factors = [cast(Factors, self.factors[name]) for name in names]
        x = F.dropout(x, self.dropout, self.training) if self.dropout else x
        first = torch.cat([f.a for f in factors]).to(x.dtype)
        low = F.linear(x, first).split([len(f.a) for f in factors], dim=-1)
        return torch.cat(
            [F.linear(part, (f.b * f.scale).to(x.dtype)) for part, f in zip(low, factors, strict=True)],
            dim=-1,
        )

    def forward(
        self,
        x: Tensor,
        layout: Layout,
        cos: Tensor,
        sin: Tensor,
        prefix_mask: Tensor,
        past: Past | None = None,
    ) -> tuple[Tensor, Past]:
        """What the block makes of a pack's tokens, and the prefix's keys and values.

        Where ``past`` gives those, ``x``, ``cos`` and ``sin`` are of the branches' tokens alone.
        """
        s = self.shape
        h = F.rms_norm(x, (s.width,), self.attn_norm, s.epsilon)
        qkv = F.linear(h, self.qkv) + self._added(h, ("attn_q", "attn_k", "attn_v"))
        q, k, v = qkv.split([s.width, s.kv_heads * s.head, s.kv_heads * s.head], dim=-1)
        q = _rotate(q.view(-1, s.heads, s.head), cos, sin)
        k = _rotate(k.view(-1, s.kv_heads, s.head), cos, sin)
        v = v.view(-1, s.kv_heads, s.head)
        parts = []
        if past is None:
            first = layout.prefix
            past = (k[:first].transpose(0, 1), v[:first].transpose(0, 1))
            parts.append(self._attend_prefix(q[:first], past))
            q, k, v = q[first:], k[first:], v[first:]
        if layout.longest:
            parts.append(self._attend_branches(q, k, v, past, layout, prefix_mask))
        attended = torch.cat(parts).reshape(-1, s.width)
        x = x + F.linear(attended, self.out) + self._added(attended, ("attn_output",))
        h = F.rms_norm(x, (s.width,), self.ffn_norm, s.epsilon)
        gate, up = (F.linear(h, self.gate_up) + self._added(h, ("ffn_gate", "ffn_up"))).chunk(2, dim=-1)
        h = F.silu(gate) * up
        return x + F.linear(h, self.down) + self._added(h, ("ffn_down",)), past

    def _attend_prefix(self, q: Tensor, past: Past) -> Tensor:
        """Causal attention in the prefix, shape (prefix, heads, head)."""
        group = self.shape.heads // self.shape.kv_heads
        k, v = (t.repeat_interleave(group, 0)[None] for t in past)
        attended = F.scaled_dot_product_attention(q.transpose(0, 1)[None], k, v, is_causal=True)
        return attended[0].transpose(0, 1)

    def _attend_branches(
        self, q: Tensor, k: Tensor, v: Tensor, past: Past, layout: Layout, prefix_mask: Tensor
    ) -> Tensor:
        """Attention of the branches' tokens: each sees its prefix and itself, shape (tokens, heads, head)."""
        s, prefix = self.shape, layout.prefix
        group = s.heads // s.kv_heads
        kp, vp = past
        branches, longest = len(layout.visible), layout.longest

        def grid(t: Tensor) -> Tensor:
            padded = t.new_zeros(branches * longest, *t.shape[1:])
            return padded.index_copy(0, layout.slots, t).view(branches, longest, *t.shape[1:])

        qb, kb, vb = grid(q), grid(k), grid(v)
        qb = qb.view(branches, longest, s.kv_heads, group, s.head) * s.head**-0.5
        # Queries of one kv head side by side, so that the shared prefix is one matrix product a head.
        flat = qb.permute(2, 0, 3, 1, 4).reshape(s.kv_heads, branches * group * longest, s.head)
        seen = (flat @ kp.transpose(1, 2)).view(s.kv_heads, branches, group * longest, prefix) + prefix_mask
        own_q = qb.permute(0, 2, 3, 1, 4).reshape(branches, s.kv_heads, group * longest, s.head)
        own = own_q @ kb.permute(0, 2, 3, 1)
        causal = torch.full((longest, longest), float("-inf"), device=q.device, dtype=q.dtype)
        own = (own + causal.triu(1).repeat(group, 1)).transpose(0, 1)
        weights = torch.cat([seen, own], dim=-1).softmax(-1)
        seen_w, own_w = weights.split([prefix, longest], dim=-1)
        mixed = (seen_w.reshape(s.kv_heads, -1, prefix) @ vp).view(
            s.kv_heads, branches, group, longest, s.head
        )
        own_v = own_w.transpose(0, 1) @ vb.permute(0, 2, 1, 3)
        mixed = mixed.permute(1, 0, 2, 3, 4) + own_v.view(branches, s.kv_heads, group, longest, s.head)
        rows: Tensor = mixed.permute(0, 3, 1, 2, 4).reshape(branches * longest, s.heads, s.head)
        return rows[layout.slots]


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding on adjacent pairs; ``x`` (tokens, heads, head), ``cos``, ``sin`` (tokens, 1, half)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


class PackedModel(nn.Module):
    """The base model, frozen, with factors on its upper layers.

    Parameters
    ----------
    base
        The base GGUF.
    frozen
        How many of the lowest layers carry no factors; what they compute can be kept by the caller.
    rank, alpha
        Of the factors; they are scaled by ``alpha / rank``.
    dropout
        Share of the factors' input that is left out in training.
    dtype
        What the layers compute in; the factors are kept in 32 bits, and the logits computed in them.
    """

    embedding: Tensor
    norm: Tensor

    def __init__(
        self,
        base: Path,
        *,
        frozen: int,
        rank: int,
        alpha: float,
        dropout: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        reader = gguf.GGUFReader(base)

        def field(name: str) -> float:
            return float(reader.fields[f"llama.{name}"].contents())

        self.shape = Shape(
            layers=int(field("block_count")),
            width=int(field("embedding_length")),
            heads=int(field("attention.head_count")),
            kv_heads=int(field("attention.head_count_kv")),
            feed_forward=int(field("feed_forward_length")),
            rope_base=field("rope.freq_base"),
            epsilon=field("attention.layer_norm_rms_epsilon"),
        )
        tensors = {
            t.name.removesuffix(".weight"): torch.from_numpy(
                np.array(dequantize(t.data, t.tensor_type), dtype=np.float32)
            ).to(dtype)
            for t in reader.tensors
        }
        self.frozen, self.rank, self.alpha = frozen, rank, alpha
        self.register_buffer("embedding", tensors["token_embd"])
        self.register_buffer("norm", tensors["output_norm"])
        names = ("attn_norm", "ffn_norm", *FACTORED)
        self.blocks = nn.ModuleList(
            Block(
                self.shape,
                {name: tensors[f"blk.{i}.{name}"] for name in names},
                rank if i >= frozen else 0,
                alpha / rank if rank else 0.0,
                dropout,
            )
            for i in range(self.shape.layers)
        )

    @property
    def dtype(self) -> torch.dtype:
        """What the layers compute in."""
        return self.embedding.dtype

    def compile_blocks(self) -> None:
        """Compile what a block does, once for packs of all sizes."""
        for block in self.blocks:
            block.compile(dynamic=True)

    def lower(self, tokens: Tensor, layout: Layout) -> Tensor:
        """What the frozen layers make of a pack's tokens, shape (tokens, width); needs no gradient."""
        return self._run(F.embedding(tokens, self.embedding), layout, 0, self.frozen)

    def lower_prefix(self, tokens: Tensor) -> ReadPrefix:
        """A prefix (tokens,) as the frozen layers read it; needs no gradient."""
        return self._read(F.embedding(tokens, self.embedding), 0, self.frozen)

    def lower_branches(self, prefix: ReadPrefix, tokens: Tensor, layout: Layout) -> Tensor:
        """What the frozen layers make of the branches' tokens alone, shape (branch tokens, width)."""
        return self._run(F.embedding(tokens, self.embedding), layout, 0, self.frozen, prefix.past)

    def forward(self, hidden: Tensor, layout: Layout, words: Tensor) -> Tensor:
        """Logits of ``words`` (n,) behind the last token of every branch, shape (branches, n)."""
        return self._logits(self._run(hidden, layout, self.frozen, self.shape.layers)[layout.last], words)

    def upper_prefix(self, hidden: Tensor) -> ReadPrefix:
        """A prefix as the layers above the frozen ones read it, from what those made of it."""
        return self._read(hidden, self.frozen, self.shape.layers)

    def upper_branches(self, prefix: ReadPrefix, hidden: Tensor, layout: Layout, words: Tensor) -> Tensor:
        """As ``forward`` says, from the ``hidden`` states of the branches' tokens alone."""
        x = self._run(hidden, layout, self.frozen, self.shape.layers, prefix.past)
        return self._logits(x[layout.last - layout.prefix], words)

    def _logits(self, x: Tensor, words: Tensor) -> Tensor:
        x = F.rms_norm(x, (self.shape.width,), self.norm, self.shape.epsilon)
        return F.linear(x.float(), self.embedding[words].float())

    def _read(self, x: Tensor, first: int, stop: int) -> ReadPrefix:
        none = np.array([], dtype=np.int64)
        layout = Layout.of(len(x), none, none, x.device)
        cos, sin, mask = self._places(layout, layout.positions, x.dtype)
        pasts = []
        for block in self.blocks[first:stop]:
            x, past = block(x, layout, cos, sin, mask)
            pasts.append(past)
        return ReadPrefix(x, tuple(pasts))

    def _run(
        self, x: Tensor, layout: Layout, first: int, stop: int, pasts: Sequence[Past] | None = None
    ) -> Tensor:
        """Some layers over a pack's tokens, or over those of its branches where the prefix is ``pasts``."""
        positions = layout.positions if pasts is None else layout.positions[layout.prefix :]
        cos, sin, mask = self._places(layout, positions, x.dtype)
        for i, block in enumerate(self.blocks[first:stop]):
            past = None if pasts is None else (pasts[i][0].to(x.dtype), pasts[i][1].to(x.dtype))
            x, _ = block(x, layout, cos, sin, mask, past)
        return x

    def _places(self, layout: Layout, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """Cosines and sines of positions (tokens, 1, half), and the branches' mask (branches, 1, prefix)."""
        half = self.shape.head // 2
        device = positions.device
        inverse = self.shape.rope_base ** (-torch.arange(half, device=device, dtype=torch.float32) / half)
        angles = positions.float()[:, None] * inverse
        unseen = torch.arange(layout.prefix, device=device)[None, :] >= layout.visible[:, None]
        mask = torch.zeros(unseen.shape, device=device, dtype=dtype).masked_fill(unseen, float("-inf"))
        return angles.cos()[:, None].to(dtype), angles.sin()[:, None].to(dtype), mask[:, None]

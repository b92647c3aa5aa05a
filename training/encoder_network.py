"""The encoder in torch: the layers of ``tracker.encoder.network``, to be trained.

Knows BERT's weights by the names that they are published under, and attention with its gradients. Knows
nothing about labels or files of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everyone knows it by

from tracker.encoder.model import SCORES
from tracker.encoder.network import EPSILON, FAR, HEADS, Floats
from tracker.encoder.text import Kind
from tracker.goal import Category
from training.encoder_data import Batch

NEW = ("kind", "category", "dense", "out")
"""Parts that the base does not have."""
SPREAD = 0.02
"""Of the numbers that new parts begin with."""


class Layer(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.qkv, self.attended = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.after_attention = nn.LayerNorm(width, EPSILON)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.after = nn.LayerNorm(width, EPSILON)
        self.dropped = 0.0

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, (batch · heads, tokens, width of a head), of (batch, tokens, width)."""
        batch, tokens, width = x.shape
        split = self.qkv(x).view(batch, tokens, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        q, k, v = split.reshape(3, batch * HEADS, tokens, width // HEADS)
        return q * (width // HEADS) ** -0.5, k, v

    def rest(self, x: Tensor, found: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        merged = found.view(batch, HEADS, tokens, -1).transpose(1, 2).reshape(batch, tokens, width)
        x = self.after_attention(x + self._some(self.attended(merged)))
        inner = F.gelu(self.up(x), approximate="tanh")
        after: Tensor = self.after(x + self._some(self.down(inner)))
        return after

    def _some(self, x: Tensor) -> Tensor:
        """Dropout of the same dimensions of all tokens of a turn (Gal and Ghahramani 2016, arXiv 1512.05287).

        Drawn for each token by itself it would take a quarter of a step on a CPU.
        """
        if not self.training or not self.dropped:
            return x
        return x * F.dropout(x.new_ones(len(x), 1, x.shape[2]), self.dropped)


class ComponentAttention(torch.autograd.Function):
    """Components' attention to the conversation and to their own tokens, in one softmax.

    By hand, because the two parts side by side would be copied four times on the way back.
    Shapes: ``q``, ``own_k``, ``own_v`` (batch · heads, components · L, d); ``k``, ``v`` (batch · heads, T,
    d); ``far`` (batch · heads, 1, T) and ``near`` (batch · heads · components, 1, L) are added to the scores.
    """

    @staticmethod
    def forward(
        context: Any, q: Tensor, k: Tensor, v: Tensor, own_k: Tensor, own_v: Tensor, far: Tensor, near: Tensor
    ) -> Tensor:
        count = near.shape[0] // q.shape[0]
        length, read = near.shape[2], k.shape[1]
        k, v = F.pad(k, (0, 0, 0, length)), F.pad(v, (0, 0, 0, length))
        scores = torch.baddbmm(F.pad(far, (0, length)), q, k.transpose(1, 2))
        own = torch.baddbmm(near, _each(q, count), _each(own_k, count).transpose(1, 2))
        scores[..., read:] += own.view(*q.shape[:2], length)
        weights = torch.softmax(scores, -1)
        found = torch.bmm(weights, v)
        found += torch.bmm(_each(weights[..., read:], count), _each(own_v, count)).view(q.shape)
        context.save_for_backward(q, k, v, own_k, own_v, weights)
        context.sizes = count, read
        return found

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, own_k, own_v, weights = context.saved_tensors
        count, read = context.sizes
        found = gradients[0].contiguous()
        down = torch.bmm(found, v.transpose(1, 2))
        own = torch.bmm(_each(found, count), _each(own_v, count).transpose(1, 2))
        down[..., read:] += own.view(*q.shape[:2], -1)
        scores = torch._softmax_backward_data(down, weights, -1, weights.dtype)
        near, near_weights = _each(scores[..., read:], count), _each(weights[..., read:], count)
        return (
            torch.bmm(scores, k) + torch.bmm(near, _each(own_k, count)).view(q.shape),
            torch.bmm(scores.transpose(1, 2), q)[:, :read],
            torch.bmm(weights.transpose(1, 2), found)[:, :read],
            torch.bmm(near.transpose(1, 2), _each(q, count)).view(q.shape),
            torch.bmm(near_weights.transpose(1, 2), _each(found, count)).view(q.shape),
            None,
            None,
        )


def _each(x: Tensor, count: int) -> Tensor:
    """(batch · heads, components · L, d) → (batch · heads · components, L, d)."""
    return x.reshape(len(x) * count, x.shape[1] // count, -1)


class EncoderNetwork(nn.Module):
    """The layers, begun with the weights of a published BERT encoder of 12 heads.

    The word pieces' own vectors are not trained: the training data know few of them. Raises ``KeyError``
    where the file lacks a weight.
    """

    def __init__(self, base: Path) -> None:
        super().__init__()
        weights = load(base.read_bytes())

        def part(name: str) -> dict[str, Tensor]:
            return {kind: weights[f"{name}.{kind}"] for kind in ("weight", "bias")}

        words = weights["embeddings.word_embeddings.weight"]
        width = words.shape[1]
        self.word = nn.Embedding.from_pretrained(words, freeze=True)
        self.position = nn.Embedding.from_pretrained(
            weights["embeddings.position_embeddings.weight"], freeze=False
        )
        kind = weights["embeddings.token_type_embeddings.weight"][:1]
        self.kind = nn.Embedding.from_pretrained(kind + SPREAD * torch.randn(len(Kind), width), freeze=False)
        self.category = nn.Embedding.from_pretrained(SPREAD * torch.randn(len(Category), width), freeze=False)
        self.first = nn.LayerNorm(width, EPSILON)
        self.first.load_state_dict(part("embeddings.LayerNorm"))
        layers: list[Layer] = []
        while f"encoder.layer.{len(layers)}.output.dense.weight" in weights:
            name = f"encoder.layer.{len(layers)}"
            separate = [part(f"{name}.attention.self.{one}") for one in ("query", "key", "value")]
            layer = Layer(width, len(weights[f"{name}.intermediate.dense.bias"]))
            layer.qkv.load_state_dict(
                {kind: torch.cat([one[kind] for one in separate]) for kind in separate[0]}
            )
            layer.attended.load_state_dict(part(f"{name}.attention.output.dense"))
            layer.after_attention.load_state_dict(part(f"{name}.attention.output.LayerNorm"))
            layer.up.load_state_dict(part(f"{name}.intermediate.dense"))
            layer.down.load_state_dict(part(f"{name}.output.dense"))
            layer.after.load_state_dict(part(f"{name}.output.LayerNorm"))
            layers.append(layer)
        self.layers = nn.ModuleList(layers)
        self.left_out = nn.Dropout(0.0)
        self.dense, self.out = nn.Linear(2 * width, width), nn.Linear(width, SCORES)

    @torch.no_grad()
    def take(self, weights: Mapping[str, Floats]) -> None:
        """Go on from other weights; those of word pieces stay the base's.

        Raises ``ValueError`` where they are not those of such a network.
        """
        wanted = {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}
        for name, parameter in wanted.items():
            if name not in weights or weights[name].shape != tuple(parameter.shape):
                raise ValueError(f"no {name} of shape {tuple(parameter.shape)}")
            parameter.copy_(torch.from_numpy(weights[name]))

    def drop(self, share: float, *, last: float) -> None:
        """Dropout: of so much within the layers, of ``last`` before the scores."""
        for layer in self.layers:
            assert isinstance(layer, Layer)
            layer.dropped = share
        self.left_out.p = last

    def in_bfloat16(self) -> None:
        """All but the last two layers in bfloat16."""
        for module in (self.word, self.position, self.kind, self.category, self.first, self.layers):
            module.bfloat16()

    def forward(self, batch: Batch) -> Tensor:
        """Scores, shape (turns, components, scores)."""
        turns, count, length = batch.components.shape
        window = self.first(
            self.word(batch.read) + self.position.weight[: batch.read.shape[1]] + self.kind(batch.kinds)
        )
        asked = self.word(batch.components) + self.position.weight[:length] + self.kind.weight[Kind.COMPONENT]
        at_first = torch.zeros(length, 1, dtype=asked.dtype)
        at_first[0] = 1
        asked = self.first(asked + self.category(batch.categories)[:, :, None] * at_first)
        asked = asked.view(turns, count * length, -1)
        far = _away(batch.read_there, asked.dtype)[:, None, None]
        far = far.expand(turns, HEADS, 1, -1).reshape(turns * HEADS, 1, -1)
        near = _away(batch.component_there, asked.dtype)[:, None, :, None]
        near = near.expand(turns, HEADS, count, 1, length).reshape(turns * HEADS * count, 1, length)
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            q, k, v = layer.heads(window)
            own_q, own_k, own_v = layer.heads(asked)
            asked = layer.rest(asked, ComponentAttention.apply(own_q, k, v, own_k, own_v, far, near))
            if number + 1 < len(self.layers):
                weights = torch.softmax(torch.baddbmm(far, q, k.transpose(1, 2)), -1)
                window = layer.rest(window, torch.bmm(weights, v))
        asked = asked.view(turns, count, length, -1).float()
        there = batch.component_there.float()[..., None]
        mean = (asked * there).sum(2) / there.sum(2)
        both = torch.cat([asked[:, :, 0], mean], -1)
        scores: Tensor = self.out(self.left_out(torch.tanh(self.dense(both))))
        return scores


def _away(there: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros(there.shape, dtype=dtype).masked_fill(~there, float(FAR))

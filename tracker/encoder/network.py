"""The encoder's layers: tokens in, scores of changes out.

Knows its weights as arrays, attention, and how they are kept in 8 bits. Knows nothing about text or statuses.

It is a BERT encoder (Devlin et al. 2019) of which the conversation is read once: its tokens attend to each
other, those of a component to the conversation and to their own component. So components do not see each
other, and all of a turn cost little more than one. (Reading the document by itself and letting the query
attend to it in every layer: Gao et al. 2020, arXiv 2010.06874.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracker.arrays import Array
from tracker.encoder.text import Kind, Read

Floats = npt.NDArray[np.float32]

HEADS = 12
FAR = np.float32(-1e4)
"""Added to the scores of what must not be attended to."""
EPSILON = 1e-12
"""Of the normalisations, as BERT has it."""

SCALE = ".scale"
"""Ends the name of the scales of the matrix before it."""
FEW = 8
"""Matrices of no more rows are kept in 16 bits: they are small, and many tokens share each row."""
LARGEST = 127
TINY = 1e-6


@dataclass(frozen=True)
class Linear:
    """y = x W^T + b; shapes (out, in) and (out,)."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        return x @ self.weight.T + self.bias


@dataclass(frozen=True)
class Norm:
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + EPSILON)
        return np.asarray(centred / scale * self.weight + self.bias, dtype=np.float32)


@dataclass(frozen=True)
class Layer:
    qkv: Linear
    attended: Linear
    up: Linear
    down: Linear
    after_attention: Norm
    after: Norm

    def fits(self, width: int) -> bool:
        inner = len(self.up.bias)
        shapes = (
            (self.qkv, (3 * width, width)),
            (self.attended, (width, width)),
            (self.up, (inner, width)),
            (self.down, (width, inner)),
        )
        return all(linear.weight.shape == shape for linear, shape in shapes)

    def heads(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Queries, keys and values, of shape (..., heads, tokens, width of a head) each, of (..., tokens,
        width)."""
        *outer, tokens, width = x.shape
        split = self.qkv(x).reshape(*outer, tokens, 3, HEADS, width // HEADS)
        q, k, v = (np.moveaxis(split[..., part, :, :], -2, -3) for part in range(3))
        return q * np.float32((width // HEADS) ** -0.5), k, v

    def rest(self, x: Floats, found: Floats) -> Floats:
        """What the layer makes of its input, and of what its heads found: (..., heads, tokens, width of a
        head)."""
        x = self.after_attention(x + self.attended(np.moveaxis(found, -3, -2).reshape(x.shape)))
        return self.after(x + self.down(_gelu(self.up(x))))


class Network:
    """An encoder with its weights.

    Parameters
    ----------
    arrays
        As :func:`compressed` makes them. Raises ``KeyError`` where one is missing and ``ValueError`` where
        shapes do not fit.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        # The many rows of the vocabulary stay in 8 bits; a turn needs few of them.
        self._words, self._scales = arrays["word.weight"], arrays["word.weight" + SCALE]
        weights = whole({name: array for name, array in arrays.items() if not name.startswith("word.")})

        def linear(name: str) -> Linear:
            return Linear(weights[f"{name}.weight"], weights[f"{name}.bias"])

        def norm(name: str) -> Norm:
            return Norm(weights[f"{name}.weight"], weights[f"{name}.bias"])

        self._positions = weights["position.weight"]
        self._kinds, self._categories = weights["kind.weight"], weights["category.weight"]
        self._first = norm("first")
        self._layers = tuple(
            Layer(
                qkv=linear(f"layers.{number}.qkv"),
                attended=linear(f"layers.{number}.attended"),
                up=linear(f"layers.{number}.up"),
                down=linear(f"layers.{number}.down"),
                after_attention=norm(f"layers.{number}.after_attention"),
                after=norm(f"layers.{number}.after"),
            )
            for number in range(len({name.split(".")[1] for name in weights if name.startswith("layers.")}))
        )
        self._dense, self._out = linear("dense"), linear("out")
        self._check()

    def _check(self) -> None:
        width = self._positions.shape[1]
        fits = (
            width % HEADS == 0
            and bool(self._layers)
            and self._words.shape[1] == width == self._first.weight.shape[0]
            and self._scales.shape == (len(self._words), 1)
            and self._kinds.shape == (len(Kind), width)
            and all(layer.fits(width) for layer in self._layers)
            and self._dense.weight.shape == (width, 2 * width)
            and self._out.weight.shape[1] == width
        )
        if not fits:
            raise ValueError("the encoder's arrays do not fit each other")

    @property
    def vocabulary(self) -> int:
        """How many word pieces it has."""
        return len(self._words)

    @property
    def outputs(self) -> int:
        """How many scores a component gets."""
        return len(self._out.weight)

    def scores(self, read: Read, components: Sequence[tuple[int, Sequence[int]]]) -> Floats:
        """Scores, shape (components, outputs); a component is its category's position and its tokens."""
        window = self._first(
            self._embedded(read.ids) + self._positions[: len(read.ids)] + self._kinds[list(read.kinds)]
        )
        longest = max(len(tokens) for _, tokens in components)
        ids = np.zeros((len(components), longest), dtype=np.int64)
        there = np.zeros(ids.shape, dtype=bool)
        for row, (_, tokens) in enumerate(components):
            ids[row, : len(tokens)] = tokens
            there[row, : len(tokens)] = True
        asked = self._embedded(ids) + self._positions[:longest] + self._kinds[Kind.COMPONENT]
        asked[:, 0] += self._categories[[category for category, _ in components]]
        asked = self._first(asked)
        away = np.where(there, np.float32(0), FAR)[:, None, None, :]
        for number, layer in enumerate(self._layers):
            q, k, v = layer.heads(window)
            own_q, own_k, own_v = layer.heads(asked)
            # (components, heads, tokens, tokens of the window), and the same of the component itself.
            far = own_q @ k.swapaxes(-1, -2)
            near = own_q @ own_k.swapaxes(-1, -2) + away
            weights = _softmax(np.concatenate([far, near], axis=-1))
            split = len(read.ids)
            asked = layer.rest(asked, weights[..., :split] @ v + weights[..., split:] @ own_v)
            if number + 1 < len(self._layers):
                window = layer.rest(window, _softmax(q @ k.swapaxes(-1, -2)) @ v)
        counts = there.sum(axis=1, keepdims=True).astype(np.float32)
        mean = (asked * there[..., None]).sum(axis=1) / counts
        both: Floats = np.concatenate([asked[:, 0], mean], axis=-1)
        return self._out(np.tanh(self._dense(both)))

    def _embedded(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> Floats:
        rows = np.asarray(ids)
        return np.asarray(self._words[rows].astype(np.float32) * self._scales[rows].astype(np.float32))


def compressed(weights: Mapping[str, Floats]) -> dict[str, Array]:
    """The weights as a file keeps them: matrices in 8 bits with a scale for each row, the rest in 16.

    ``whole`` is the other way round.
    """
    arrays: dict[str, Array] = {}
    for name, weight in weights.items():
        if weight.ndim < 2 or len(weight) <= FEW:
            arrays[name] = weight.astype(np.float16)
            continue
        scale = np.maximum(np.abs(weight).max(axis=1, keepdims=True) / LARGEST, TINY).astype(np.float16)
        whole = np.rint(weight / scale.astype(np.float32)).clip(-LARGEST, LARGEST)
        arrays[name], arrays[name + SCALE] = whole.astype(np.int8), scale
    return arrays


def whole(arrays: Mapping[str, Array]) -> dict[str, Floats]:
    """The weights of a file's arrays, in 32 bits."""
    weights: dict[str, Floats] = {}
    for name, array in arrays.items():
        if not name.endswith(SCALE):
            scale = arrays.get(name + SCALE)
            weights[name] = array.astype(np.float32)
            if scale is not None:
                weights[name] *= scale.astype(np.float32)
    return weights


def _softmax(scores: Floats) -> Floats:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _gelu(x: Floats) -> Floats:
    """By the hyperbolic tangent (Hendrycks and Gimpel 2016)."""
    inner = np.float32(0.7978845608) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(np.float32(0.5) * x * (1 + np.tanh(inner)))

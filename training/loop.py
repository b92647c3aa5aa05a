"""What every training loop does alike: the optimiser, its rate, and checkpoints to go on from or to ship.

Knows steps, parameters and optimisers. Knows nothing about data or losses.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tracker.errors import InputError
from training.adapter import ADAPTER, read_factors

LAST, BEST = "checkpoint.pt", "best.pt"
"""What a run folder holds: where the run goes on from, and the checkpoint with the highest score."""


def learning_rate_factor(step: float, steps: float, warm_up: int) -> float:
    """What the peak rate is multiplied by: it rises over ``warm_up`` steps, then follows a cosine to zero."""
    if step < warm_up:
        return step / warm_up
    return 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))


def adamw(
    parameters: Sequence[nn.Parameter] | Sequence[dict[str, Any]],
    *,
    learning_rate: float,
    weight_decay: float,
) -> torch.optim.Optimizer:
    """The optimiser of every run (Loshchilov and Hutter 2019, arXiv 1711.05101), of parameters or of groups
    of them."""
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.98))


def save_checkpoint(
    folder: Path,
    *,
    done: int,
    config: str,
    origin: Mapping[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    name: str = LAST,
    score: float | None = None,
) -> None:
    """Write the factors and the optimiser's state beside the checkpoint of this name, then rename.

    ``config`` is the run's, as JSON, ``origin`` what it read when it began (``training.provenance``);
    ``score`` is what the factors were chosen for.
    """
    path = folder / name
    state = {
        "done": done,
        "config": config,
        "origin": dict(origin),
        "score": score,
        "factors": {name: p.detach().cpu() for name, p in model.named_parameters()},
        "optimizer": optimizer.state_dict(),
    }
    write_state(state, path)


def write_state(state: Mapping[str, Any], path: Path) -> None:
    """Write beside what is there, then rename."""
    torch.save(state, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def restore_checkpoint(
    folder: Path, *, model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device | str = "cpu"
) -> tuple[int, Mapping[str, Any] | None]:
    """Take up the last checkpoint where there is one: the passes that it had done, and the run's origin.

    Where there is none, or it is of a version that kept no origin, those are 0 and ``None``.
    """
    path = folder / LAST
    if not path.exists():
        return 0, None
    state = load_factors(path, model=model, device=device)
    optimizer.load_state_dict(state["optimizer"])
    return int(state["done"]), state.get("origin")


def begin_with(start: Path, *, model: nn.Module, alpha: float) -> None:
    """Give a model the factors that a run begins with: those of a checkpoint, or of a folder's adapter.

    An adapter may lack layers that this model has factors for: they stay as they are, and add nothing.
    ``alpha`` is the model's; with another one the same factors would be other weights.

    Raises ``InputError`` where a checkpoint cannot be read or factors are not those of this model, and
    ``ModelError`` where an adapter cannot be read.
    """
    if start.is_dir():
        source = start / ADAPTER
        factors, theirs = read_factors(source)
        _take(factors, model, source=source)
    else:
        source = start
        theirs = json.loads(load_factors(source, model=model)["config"])["alpha"]
    if theirs != alpha:
        raise InputError(f"has factors of alpha {theirs:g}, this run of {alpha:g}", source=source)


def load_factors(path: Path, *, model: nn.Module, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Give a model the factors of a checkpoint, which may be another run's; all that the checkpoint holds.

    Raises ``InputError`` where it cannot be read, or its factors are not those of this model.
    """
    try:
        # weights_only: a checkpoint is tensors and plain values, never code.
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=path) from error
    _take(state["factors"], model, source=path, all_of_them=True)
    return state


@torch.no_grad()
def _take(
    factors: Mapping[str, Tensor], model: nn.Module, *, source: Path, all_of_them: bool = False
) -> None:
    """Give a model these factors, which may have to be all that it has."""
    mine = dict(model.named_parameters())
    known = factors.keys() == mine.keys() if all_of_them else factors.keys() <= mine.keys()
    if not known or any(mine[name].shape != factor.shape for name, factor in factors.items()):
        raise InputError("has factors of other layers or another rank than this run", source=source)
    for name, factor in factors.items():
        mine[name].copy_(factor)


def best_score(folder: Path) -> float:
    """The score of the best checkpoint so far; lower than any where there is none."""
    path = folder / BEST
    if not path.exists():
        return -math.inf
    return float(torch.load(path, map_location="cpu", weights_only=True)["score"])

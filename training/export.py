"""Write what was trained as a llama.cpp LoRA adapter: ``python -m training.export RUN MODELS``.

Knows checkpoints of ``training.sft`` and what a manifest tells. Knows nothing about data or figures.

The factors were trained in the base GGUF's own layout, so they are written as they are; with ``--beside``
another run, or several, the adapter is their mean. It is float16; ``goalstate`` merges it into the base and
quantises the result on first use.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from tracker.errors import InputError
from tracker.model.base import find_base
from tracker.model.digest import sha256
from training.adapter import ADAPTER, read_factors, write_adapter
from training.command import exit_code
from training.config import SftConfig, read_by
from training.effort import effort
from training.lineage import flat, nested
from training.loop import BEST, LAST
from training.provenance import origin, write_manifest

MAX_BYTES = 25 * 1024 * 1024
"""No shipped adapter is larger."""


def averaged(runs: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Factors for the mean of what runs of one rank made of the weights, in that rank.

    Where a run has no factors for a layer, it left the base's weights. The mean has up to as many times the
    rank as there are runs; these are the nearest to it (Eckart and Young 1936). The mean of the factors would
    be another thing. Averaging fine-tuned weights is due to Wortsman et al. 2022 (arXiv 2203.05482).
    """
    found: dict[str, torch.Tensor] = {}
    for name in sorted({name.removesuffix("a") for run in runs for name in run if name.endswith(".a")}):
        having = [(run[f"{name}b"].double(), run[f"{name}a"].double()) for run in runs if f"{name}a" in run]
        rank = len(having[0][1])
        left, strengths, right = torch.linalg.svd(
            sum(b @ a for b, a in having) / len(runs), full_matrices=False
        )
        scale = strengths[:rank].sqrt()
        found[f"{name}a"] = (scale[:, None] * right[:rank]).float()
        found[f"{name}b"] = (left[:, :rank] * scale).float()
    return found


def export(
    run: Path,
    models: Path,
    notes: Sequence[str] = (),
    *,
    last: bool = False,
    beside: Sequence[Path] = (),
) -> dict[str, Any]:
    """Write ``adapter.gguf`` and ``manifest.json`` from a run's checkpoint; returns the manifest.

    The checkpoint is the best on validation where the run kept one, or else the last; ``last`` asks for the
    last. ``beside`` are other runs, or folders with a shipped adapter and its manifest, whose weights are
    averaged with this one's (``averaged``). ``notes`` say what else a reader of the model card has to know
    about the run.

    Raises ``InputError`` when there is no checkpoint, when the one that the run began with is gone, when
    one ``beside`` has another rank or alpha, or when the adapter would be too large to ship.
    """
    name = LAST if last else None
    state = read_checkpoint(run, "training.sft", name=name)
    config = SftConfig.model_validate_json(state["config"])
    described = _described(state, config, run)
    others = [_other(path, name) for path in beside]
    for path, other in zip(beside, others, strict=True):
        if (other.rank, other.alpha) != (config.rank, config.alpha):
            raise InputError(f"has factors of another rank or alpha than {run}", source=path)
        described.setdefault("beside", []).append(other.described)
    if others:
        state = {"factors": averaged([state["factors"], *(other.factors for other in others)])}
    training = {"date": datetime.now(UTC).date().isoformat(), "notes": list(notes), **described}
    return write_shippable(state, config.rank, config.alpha, models, training=training, most=MAX_BYTES)


@dataclass(frozen=True)
class _Other:
    """What is averaged with a run."""

    factors: dict[str, torch.Tensor]
    rank: int
    alpha: float
    described: dict[str, Any]


def _other(path: Path, name: str | None) -> _Other:
    """A run's checkpoint of this name, or a folder's adapter where there is no run."""
    if not any((path / checkpoint).exists() for checkpoint in (BEST, LAST)) and (path / ADAPTER).exists():
        factors, alpha = read_factors(path / ADAPTER)
        rank = len(next(factor for key, factor in factors.items() if key.endswith(".a")))
        return _Other(factors, rank, alpha, _begun(path))
    state = read_checkpoint(path, "training.sft", name=name)
    config = SftConfig.model_validate_json(state["config"])
    return _Other(state["factors"], config.rank, config.alpha, _described(state, config, path))


def _described(state: dict[str, Any], config: SftConfig, folder: Path) -> dict[str, Any]:
    """What a run read and with which arguments, what it took by the log in its folder, and in ``start`` the
    same of the run that it began with."""
    described: dict[str, Any] = {
        "passes": state["done"],
        "config": config.model_dump(
            mode="json", exclude={"output", "train", "weak", "validation", "base", "start"}
        ),
        **(state.get("origin") or origin(read_by(config))),
    }
    # A short run's log tells of no progress, and one that was moved may have lost it.
    with suppress(InputError):
        described["effort"] = effort(folder / "log.jsonl").model_dump(mode="json")
    if config.start is not None:
        described["start"] = _begun(config.start)
    return described


def _begun(start: Path) -> dict[str, Any]:
    """The same of what a run began with: a checkpoint, or a folder with an adapter and its manifest."""
    if not start.is_dir():
        earlier = _load(start)
        return _described(earlier, SftConfig.model_validate_json(earlier["config"]), start.parent)
    try:
        told = nested(json.loads((start / "manifest.json").read_bytes())["training"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("no manifest.json here that tells of a run", source=start) from error
    kept = ("passes", "config", "commit", "data", "effort", "start", "beside")
    return {key: told[key] for key in kept if key in told}


def read_checkpoint(run: Path, trainer: str, *, name: str | None = None) -> dict[str, Any]:
    """The checkpoint of this name of a run of ``trainer``; without a name the best or else the last.

    Raises ``InputError`` when there is none.
    """
    checkpoint = run / (name or (BEST if (run / BEST).exists() else LAST))
    if not checkpoint.exists():
        raise InputError(f"no {checkpoint.name} here; expected a run of {trainer}", source=run)
    return _load(checkpoint)


def _load(checkpoint: Path) -> dict[str, Any]:
    if not checkpoint.exists():
        raise InputError("the checkpoint that the run began with is gone", source=checkpoint)
    state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return state


def write_shippable(
    state: dict[str, Any], rank: int, alpha: float, folder: Path, *, training: dict[str, Any], most: int
) -> dict[str, Any]:
    """Write a checkpoint's factors as ``adapter.gguf``, and ``manifest.json``; returns the manifest.

    ``training`` is what the manifest tells of the training, with the runs before it nested. Nothing is
    replaced before the adapter is there. Raises ``InputError`` when it has more than ``most`` bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    adapter, waiting = folder / ADAPTER, folder / f"{ADAPTER}.new"
    write_adapter(state["factors"], alpha, waiting)
    size = waiting.stat().st_size
    if size > most:
        waiting.unlink()
        limit = most // 2**20
        raise InputError(
            f"the adapter has {size / 2**20:.1f} MB; at most {limit} may be shipped", source=adapter
        )
    base = find_base()
    manifest = {
        "base": {"name": base.name, "sha256": base.sha256, "license": "apache-2.0"},
        "adapter": {"sha256": sha256(waiting), "bytes": size, "rank": rank, "alpha": alpha},
        "quantisation": "Q8_0",
        "training": flat(training),
    }
    os.replace(waiting, adapter)
    write_manifest(manifest, folder / "manifest.json")
    return manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run of training.sft")
    parser.add_argument("models", type=Path, help="folder to write adapter.gguf and manifest.json to")
    parser.add_argument("--note", action="append", default=[], help="for the model card; repeatable")
    parser.add_argument(
        "--beside",
        type=Path,
        action="append",
        default=[],
        help="another run, or a folder with a shipped adapter, to ship the mean with it; repeatable",
    )
    parser.add_argument("--last", action="store_true", help="the last checkpoint, not the best on validation")
    arguments = parser.parse_args()
    manifest = export(
        arguments.run, arguments.models, arguments.note, last=arguments.last, beside=arguments.beside
    )
    print(json.dumps(manifest["adapter"]))


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""Train the encoder: ``python -m training.encoder CONFIG.toml``, then ``--export RUN MODELS [--at STEPS]``.

Knows the order of steps, the loss, the optimiser, checkpoints and the log; goes on from the last checkpoint
where there is one. Knows nothing about which turns are asked about (``training.encoder_data``) or layers
(``training.encoder_network``).

The loss is the cross-entropy of the status after a turn given the labelled one before it, a mean in which
questions where nothing moves, and weak labels, weigh less (``STAYS``, ``weak_weight``); on validation all
weigh the same. What is shipped is an exponential average of the weights over the last steps
(Polyak and Juditsky 1992), in 8 bits: those at the end of the run, or as they were at one of the times that
validation was told (the run keeps them all, since it may go on for too long).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that everyone knows it by

from tracker.encoder import EncoderModel, Tokeniser
from tracker.encoder.model import read_encoder, write_encoder
from tracker.encoder.network import compressed, whole
from tracker.errors import ModelError
from tracker.goal import Category
from tracker.model.digest import sha256
from training import provenance
from training.command import exit_code
from training.config import read_toml
from training.data import read_labelled
from training.encoder_data import AskedTurn, Batch, asked_turns, batches, collate
from training.encoder_network import NEW, EncoderNetwork
from training.export import read_checkpoint
from training.loop import LAST, adamw, learning_rate_factor, write_state

TRAINER = "training.encoder"
LOG = "log.jsonl"
STAYS = 0.6
"""What a question counts where nothing moves: there are ten times as many of them."""
REPORT_EVERY = 50


class EncoderConfig(BaseModel):
    """Arguments of ``python -m training.encoder``; paths are relative to the working folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: Path
    """Folder of the run: log and checkpoint."""
    base: Path
    """Folder of a published BERT encoder: ``model.safetensors`` and ``vocab.txt``."""
    begin: Path | None = None
    """An exported encoder (``encoder.npz``) whose weights it goes on from, not from those of the base."""
    train: list[Path]
    """Native files with judged labels."""
    weak: list[Path] = []
    """Native files with weak labels."""
    validation: list[Path]
    """Native files that the loss is told for while it trains; the averaged weights of then are kept."""

    steps: int = Field(ge=1)
    tokens: int = Field(10240, ge=512)
    """Of a step, with padding."""
    asked: int = Field(24, ge=1)
    """Of a turn's open components, so many are asked about at a time; by chance, others the next time."""
    weak_share: float = Field(0.3, ge=0, le=1)
    """Share of the turns with weak labels that are read for each time that all judged ones are."""
    weak_weight: float = Field(0.25, ge=0)
    masked: float = Field(0.05, ge=0, lt=1)
    """Share of the conversation's tokens that are hidden."""
    left_out: float = Field(0.1, ge=0, lt=1)
    """Dropout before the last layer."""
    dropped: float = Field(0.0, ge=0, lt=1)
    """Dropout within the layers, of what attention and feed-forward add to a token."""
    learning_rate: float = Field(1.5e-4, gt=0)
    new_rate: float = Field(4.0, gt=0)
    """How many times as much for the parts that the base does not have."""
    weight_decay: float = 0.01
    warm_up: int = 80
    clip: float = 1.0
    averaged: float = Field(0.998, ge=0, lt=1)
    """What of the averaged weights is kept from step to step."""
    random_state: int = 0
    threads: int | None = None
    evaluate_every: int = Field(400, ge=1)
    checkpoint_minutes: float = 4.0


class Trained:
    """The network in bfloat16, and in 32 bits what it is trained by: its weights and their average."""

    def __init__(self, config: EncoderConfig) -> None:
        self.network = EncoderNetwork(config.base / "model.safetensors")
        if config.begin is not None:
            go_on_from(self.network, config.begin, read_vocabulary(config.base))
        self.network.in_bfloat16()
        self.network.drop(config.dropped, last=config.left_out)
        named = {name: p for name, p in self.network.named_parameters() if p.requires_grad}
        self.parameters = list(named.values())
        self.names = list(named)
        self.weights = [parameter.detach().float().clone() for parameter in self.parameters]
        self.average = [weight.clone() for weight in self.weights]
        self.config = config
        self.origin: dict[str, Any] = {}
        """What the run is made from; known once ``restore`` has said whether it begins or goes on."""
        new = [name.startswith(NEW) for name in self.names]
        self.optimizer = adamw(
            [
                {
                    "params": [w for w, is_new in zip(self.weights, new, strict=True) if is_new == wanted],
                    "rate": rate,
                }
                for wanted, rate in (
                    (False, config.learning_rate),
                    (True, config.learning_rate * config.new_rate),
                )
            ],
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        )

    def step(self, loss: Tensor, done: int) -> None:
        """Change the weights after ``done`` steps."""
        loss.backward()
        factor = learning_rate_factor(done + 1, self.config.steps + 1, self.config.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * factor
        for weight, parameter in zip(self.weights, self.parameters, strict=True):
            weight.grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        torch.nn.utils.clip_grad_norm_(self.weights, self.config.clip)
        self.optimizer.step()
        share = min(self.config.averaged, (1 + done) / (10 + done))
        with torch.no_grad():
            for average, weight in zip(self.average, self.weights, strict=True):
                average.lerp_(weight, 1 - share)
        self.use(self.weights)

    @torch.no_grad()
    def use(self, weights: Sequence[Tensor]) -> None:
        """Give the network these weights."""
        for parameter, weight in zip(self.parameters, weights, strict=True):
            parameter.copy_(weight)

    def save(self, folder: Path, done: int) -> None:
        """Write a checkpoint in the place of the last one."""
        state = {
            **self._exported(done),
            "weights": dict(zip(self.names, self.weights, strict=True)),
            "optimizer": self.optimizer.state_dict(),
        }
        write_state(state, folder / LAST)

    def keep(self, folder: Path, done: int) -> None:
        """Write the averaged weights alone, to be exported if they turn out to be the ones to have."""
        write_state(self._exported(done), folder / kept(done))

    def _exported(self, done: int) -> dict[str, Any]:
        return {
            "done": done,
            "config": self.config.model_dump_json(),
            "origin": self.origin,
            "average": dict(zip(self.names, self.average, strict=True)),
        }

    def restore(self, folder: Path) -> int:
        """Take up the last checkpoint; the steps that it had done, 0 where there is none."""
        if not (folder / LAST).exists():
            self.origin = origin(self.config)
            return 0
        state = read_checkpoint(folder, TRAINER)
        with torch.no_grad():
            for held, name in ((self.weights, "weights"), (self.average, "average")):
                for weight, saved in zip(held, state[name].values(), strict=True):
                    weight.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.origin = state["origin"]
        self.use(self.weights)
        return int(state["done"])


def losses(network: EncoderNetwork, batch: Batch) -> Tensor:
    """The cross-entropy of each question, shape (questions,)."""
    of_component = network(batch)[batch.rows[:, 0], batch.rows[:, 1]]
    scores = of_component.gather(1, batch.scores).masked_fill(~batch.allowed, -torch.inf)
    return F.cross_entropy(scores, batch.target, reduction="none")


def go_on_from(network: EncoderNetwork, encoder: Path, vocabulary: Sequence[str]) -> None:
    """Give the network the weights of an exported encoder.

    Raises ``ModelError`` where it is none, has another vocabulary, or weights that do not fit.
    """
    pieces, arrays = read_encoder(encoder)
    if pieces != list(vocabulary):
        raise ModelError(f"{encoder}: its vocabulary is not that of the base")
    try:
        network.take(whole(arrays))
    except (ValueError, TypeError) as error:
        raise ModelError(f"{encoder}: the encoder cannot be read: {error}") from None


def kept(steps: int) -> str:
    """The name of the file with the averaged weights after so many steps."""
    return f"after-{steps}.pt"


def origin(config: EncoderConfig) -> dict[str, Any]:
    """What a run is made from, for the manifest."""
    found = provenance.origin(
        {"judged labels": config.train, "weak labels": config.weak, "choosing": config.validation}
    )
    if config.begin is not None:
        found["begun_with"] = {"sha256": sha256(config.begin)}
        manifest = config.begin.with_suffix(".json")
        if manifest.exists():
            found["begun_with"]["training"] = json.loads(manifest.read_text(encoding="utf-8"))["training"]
    return found


def read_vocabulary(base: Path) -> list[str]:
    return (base / "vocab.txt").read_text(encoding="utf-8").splitlines()


def passes(
    judged: Sequence[AskedTurn], weak: Sequence[AskedTurn], config: EncoderConfig
) -> Iterator[tuple[list[AskedTurn], list[float]]]:
    """Turns of step after step, and what each counts; the same whenever a run is taken up again."""
    for number in range(config.steps):
        chance = random.Random(f"{config.random_state} {number}")
        drawn = [turn for turn in weak if chance.random() < config.weak_share]
        together = [turn.some(config.asked, chance) for turn in (*judged, *drawn)]
        for positions in batches(together, config.tokens, chance):
            yield (
                [together[position] for position in positions],
                [1.0 if position < len(judged) else config.weak_weight for position in positions],
            )


@torch.no_grad()
def validation_loss(network: EncoderNetwork, turns: Sequence[AskedTurn], tokens: int) -> dict[str, float]:
    """The mean loss by category."""
    found: dict[str, list[float]] = defaultdict(list)
    network.eval()
    for positions in batches(turns, tokens):
        taken = [turns[position] for position in positions]
        asked = [asked.category for turn in taken for asked in turn.asked]
        for category, loss in zip(asked, losses(network, collate(taken)).tolist(), strict=True):
            found[str(tuple(Category)[category])].append(loss)
    network.train()
    return {category: round(float(np.mean(values)), 4) for category, values in sorted(found.items())}


def train(config: EncoderConfig) -> None:
    """Run to the end, or on from the last checkpoint."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.random_state)
    config.output.mkdir(parents=True, exist_ok=True)
    tokeniser = Tokeniser(read_vocabulary(config.base))

    def turns(paths: Sequence[Path]) -> list[AskedTurn]:
        return [turn for path in paths for turn in asked_turns(read_labelled(path, probes=False), tokeniser)]

    judged, weak = turns(config.train), turns(config.weak)
    validation = {path: turns([path]) for path in config.validation}
    trained = Trained(config)
    begun = trained.restore(config.output)
    log = (config.output / LOG).open("a", encoding="utf-8")

    def tell(row: Mapping[str, object]) -> None:
        print(json.dumps(row), file=log, flush=True)
        print(json.dumps(row), flush=True)

    tell({"turns": len(judged), "weak": len(weak), "questions": sum(len(t.asked) for t in judged)})
    recent: list[float] = []
    start = saved = time.monotonic()
    read = 0
    for done, (taken, weights) in enumerate(passes(judged, weak, config)):
        if done >= config.steps:
            break
        if done < begun:
            continue
        # Masks and dropout are drawn from the step, so that a run that is taken up again stays the same run.
        drawn = random.Random(f"{config.random_state}:{done}").getrandbits(32)
        np.random.seed(drawn)
        torch.manual_seed(drawn)
        batch = collate(taken, masked=config.masked, mask=tokeniser.mask)
        each = torch.tensor(weights)[batch.rows[:, 0]]
        each = each * torch.where(batch.target > 0, 1.0, STAYS)
        loss = (losses(trained.network, batch) * each).sum() / each.sum()
        trained.step(loss, done)
        recent.append(loss.item())
        read += batch.read.numel() + batch.components.numel()
        after = done + 1
        if after % REPORT_EVERY == 0 or after == config.steps:
            seconds = time.monotonic() - start
            told = {"steps": after, "loss": round(float(np.mean(recent[-200:])), 4)}
            tell({**told, "tokens_per_second": round(read / seconds), "minutes": round(seconds / 60, 1)})
        if after % config.evaluate_every == 0 or after == config.steps:
            trained.use(trained.average)
            for path, these in validation.items():
                found = validation_loss(trained.network, these, config.tokens)
                tell({"steps": after, "validation": path.name, **found})
            trained.use(trained.weights)
            trained.keep(config.output, after)
        if time.monotonic() - saved > 60 * config.checkpoint_minutes or after == config.steps:
            trained.save(config.output, after)
            saved = time.monotonic()


def export(run: Path, models: Path, at: int | None = None) -> None:
    """Write a run's averaged weights as ``encoder.npz``, and ``encoder.json`` about it.

    They are the last ones, or those after ``at`` steps. Raises ``InputError`` where the run has none.
    """
    state = read_checkpoint(run, TRAINER, name=LAST if at is None else kept(at))
    config = EncoderConfig.model_validate_json(state["config"])
    network = EncoderNetwork(config.base / "model.safetensors")
    with torch.no_grad():
        for name, weight in state["average"].items():
            network.get_parameter(name).copy_(weight)
    weights = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    path = models / "encoder.npz"
    write_encoder(path, read_vocabulary(config.base), compressed(weights))
    EncoderModel.read(path)
    manifest = {
        "base": {
            "name": "all-MiniLM-L6-v2",
            "sha256": sha256(config.base / "model.safetensors"),
            "license": "apache-2.0",
        },
        "encoder": {"sha256": sha256(path), "bytes": path.stat().st_size},
        "training": {
            "date": datetime.now(UTC).date().isoformat(),
            "steps": state["done"],
            "config": json.loads(
                config.model_dump_json(exclude={"output", "base", "begin", "train", "weak", "validation"})
            ),
            **state["origin"],
        },
    }
    provenance.write_manifest(manifest, models / "encoder.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, nargs="?", help="TOML file of a run")
    parser.add_argument("--export", type=Path, nargs=2, metavar=("RUN", "MODELS"))
    parser.add_argument("--at", type=int, metavar="STEPS", help="export the weights after so many steps")
    arguments = parser.parse_args()
    if arguments.export:
        run, models = arguments.export
        export(run, models, at=arguments.at)
    elif arguments.config:
        train(read_toml(arguments.config, EncoderConfig))
    else:
        parser.error("a run's file, or --export")


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""Train the simulated user's adapter: ``python -m training.user CONFIG.toml``, then ``--export RUN MODELS``.

Knows the order of passes, the loss, checkpoints and the log; goes on from the last checkpoint where there is
one. Knows nothing about which messages are learned (``training.user_data``) or layers (``training.model``).

The loss is the cross-entropy of the tokens of the user's messages, given the goal, the conversation so far
and what steering tells the user: the second stage of the UGST paper in small.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name that everyone knows it by

from tracker.conversation import Conversation
from tracker.model.base import find_base
from tracker.vocabulary import Vocabulary
from training.command import exit_code
from training.config import read_toml
from training.data import read_labelled
from training.export import read_checkpoint, write_shippable
from training.loop import adamw, learning_rate_factor, restore_checkpoint, save_checkpoint
from training.lower import pack_layout, pack_tokens
from training.model import Layout, PackedModel
from training.order import in_order
from training.provenance import origin
from training.user_data import UserPack, pack_user, with_goal_text

MAX_BYTES = 10 * 1024 * 1024
"""No shipped user is larger."""


class UserConfig(BaseModel):
    """Arguments of ``python -m training.user``; paths are relative to the working folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: Path
    """Folder of the run: log and checkpoint."""
    train: list[Path]
    """Native files with labels: judged conversations, or simulated ones."""
    validation: Path
    base: Path | None = None

    frozen: int = Field(18, ge=0)
    """Lowest layers without factors."""
    rank: int = Field(32, ge=1)
    alpha: float = 64.0

    passes: int = Field(ge=1)
    """Passes over one packed conversation."""
    batch: int = Field(4, ge=1)
    """Conversations whose gradients are added up before a step."""
    branches: int = Field(4, ge=1)
    """Messages learned in a pass; others, with other steering, in the next."""
    most_tokens: int = Field(2600, ge=1)
    """Longer packs are passed over."""
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    warm_up: int = 10
    """Steps in which the rate rises; then it follows a cosine to zero."""
    clip: float = 1.0
    random_state: int = 0
    threads: int | None = None
    evaluate_every: int = Field(200, ge=1)
    evaluate_conversations: int = 12
    checkpoint_minutes: float = 4.0


def read_config(path: Path) -> UserConfig:
    """Read a run's TOML file. Raises ``InputError`` naming the field that is wrong."""
    return read_toml(path, UserConfig)


class UserModel(PackedModel):
    """The packed model with the whole vocabulary behind any of a pack's tokens."""

    def forward(self, hidden: Tensor, layout: Layout, rows: Tensor) -> Tensor:
        """Logits behind the tokens at ``rows`` (n,) of the pack, shape (n, vocabulary)."""
        x = self._run(hidden, layout, self.frozen, self.shape.layers)[rows]
        x = F.rms_norm(x, (self.shape.width,), self.norm, self.shape.epsilon)
        return F.linear(x, self.embedding)


def targets(pack: UserPack) -> tuple[Tensor, Tensor]:
    """The rows of a pack behind which a learned token comes, and those tokens, both of shape (n,)."""
    rows: list[int] = []
    tokens: list[int] = []
    start = len(pack.prefix)
    for branch, learned in zip(pack.branches, pack.learned, strict=True):
        rows += range(start + learned - 1, start + len(branch) - 1)
        tokens += branch[learned:].tolist()
        start += len(branch)
    return torch.tensor(rows), torch.tensor(tokens)


class Trainer:
    """One run, from its configuration; ``run()`` goes on from the last checkpoint where there is one."""

    def __init__(self, config: UserConfig) -> None:
        self.config = config
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.random_state)
        self.base = config.base or find_base().path
        self.train = with_goal_text([c for path in config.train for c in read_labelled(path, probes=False)])
        held_out = with_goal_text(read_labelled(config.validation, probes=False))
        self.held_out = held_out[: config.evaluate_conversations]
        self.model = UserModel(self.base, frozen=config.frozen, rank=config.rank, alpha=config.alpha)
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = adamw(
            self.trained, learning_rate=config.learning_rate, weight_decay=config.weight_decay
        )
        self.done = 0
        config.output.mkdir(parents=True, exist_ok=True)

    def run(self) -> None:
        self.restore()
        order = list(in_order(self.train, passes=self.config.passes, random_state=self.config.random_state))
        losses: list[float] = []
        tokens, began, saved = 0, time.monotonic(), time.monotonic()
        with Vocabulary.open(self.base) as vocabulary:
            for position in range(self.done, self.config.passes):
                loss, read = self._step(order[position], position, vocabulary)
                losses.append(loss)
                tokens += read
                self.done = position + 1
                if self.done % 20 == 0:
                    seconds = time.monotonic() - began
                    mean = round(float(np.nanmean(losses[-20:])), 4)
                    self.log(passes=self.done, loss=mean, tokens_per_second=round(tokens / seconds, 1))
                last = self.done == self.config.passes
                if last or self.done % self.config.evaluate_every == 0:
                    self.log(passes=self.done, validation=round(self.evaluate(vocabulary), 4))
                # Between two steps a gradient is half added up, and a checkpoint would lose it.
                late = time.monotonic() - saved > 60 * self.config.checkpoint_minutes
                if last or (late and self.done % self.config.batch == 0):
                    self.save()
                    saved = time.monotonic()

    @torch.no_grad()
    def evaluate(self, vocabulary: Vocabulary) -> float:
        """Mean negative log-likelihood of a token, in nats, over held-out conversations."""
        self.model.eval()
        total, count = 0.0, 0
        for conversation in self.held_out:
            pack = self._pack(conversation, vocabulary, "held out")
            if pack is not None:
                loss, learned = self._loss(pack)
                total, count = total + loss.item() * learned, count + learned
        return total / max(count, 1)

    def log(self, **row: object) -> None:
        with (self.config.output / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": round(time.time(), 1), **row}) + "\n")
        print(json.dumps(row), flush=True)

    def save(self) -> None:
        save_checkpoint(
            self.config.output,
            done=self.done,
            config=self.config.model_dump_json(),
            origin=self.origin,
            model=self.model,
            optimizer=self.optimizer,
        )

    def restore(self) -> None:
        self.done, begun = restore_checkpoint(self.config.output, model=self.model, optimizer=self.optimizer)
        self.origin: Mapping[str, Any] = begun or _origin(self.config)

    def _pack(self, conversation: Conversation, vocabulary: Vocabulary, seed: str) -> UserPack | None:
        pack = pack_user(conversation, vocabulary, branches=self.config.branches, random_state=seed)
        if pack is None or len(pack.prefix) + sum(map(len, pack.branches)) > self.config.most_tokens:
            return None
        return pack

    def _loss(self, pack: UserPack) -> tuple[Tensor, int]:
        """The mean loss of a token, and how many there are."""
        tokens = pack_tokens(pack)
        layout = pack_layout(pack, tokens.device)
        rows, wanted = targets(pack)
        with torch.no_grad():
            hidden = self.model.lower(tokens, layout)
        loss: Tensor = F.cross_entropy(self.model(hidden, layout, rows), wanted)
        return loss, len(wanted)

    def _step(self, conversation: Conversation, position: int, vocabulary: Vocabulary) -> tuple[float, int]:
        """One pass, and a step after ``batch`` of them; the loss and the tokens read."""
        self.model.train()
        pack = self._pack(conversation, vocabulary, f"{self.config.random_state}:{position}")
        value, read = math.nan, 0
        if pack is not None:
            loss, _ = self._loss(pack)
            (loss / self.config.batch).backward()
            value, read = loss.item(), len(pack.prefix) + sum(map(len, pack.branches))
        if (position + 1) % self.config.batch == 0 or position + 1 == self.config.passes:
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * self._rate(position)
            torch.nn.utils.clip_grad_norm_(self.trained, self.config.clip)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        return value, read

    def _rate(self, position: int) -> float:
        batch = self.config.batch
        return learning_rate_factor((position + 1) / batch, self.config.passes / batch, self.config.warm_up)


def export(run: Path, folder: Path, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Write ``adapter.gguf`` and ``manifest.json`` of a run's checkpoint; the manifest.

    ``notes`` say what else a reader of the card has to know about the run.

    Raises ``InputError`` when there is no checkpoint, or when the adapter would be too large to ship.
    """
    state = read_checkpoint(run, "training.user")
    config = UserConfig.model_validate_json(state["config"])
    training = {
        "date": datetime.now(UTC).date().isoformat(),
        "passes": state["done"],
        "notes": list(notes),
        "config": config.model_dump(mode="json", exclude={"output", "train", "validation", "base"}),
        **(state.get("origin") or _origin(config)),
    }
    return write_shippable(state, config.rank, config.alpha, folder, training=training, most=MAX_BYTES)


def _origin(config: UserConfig) -> dict[str, Any]:
    return origin({"judged labels": config.train})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, nargs="?", help="TOML file of a run")
    parser.add_argument("--export", type=Path, nargs=2, metavar=("RUN", "FOLDER"), help="write the adapter")
    parser.add_argument("--note", action="append", default=[], help="for the card; repeatable")
    given = parser.parse_args()
    if given.export:
        run, folder = given.export
        print(json.dumps(export(run, folder, given.note)["adapter"]))
    elif given.config:
        Trainer(read_config(given.config)).run()
    else:
        parser.error("expected a CONFIG.toml, or --export RUN FOLDER")


if __name__ == "__main__":
    sys.exit(exit_code(main))

"""Fine-tune the tracker's factors: ``python -m training.sft CONFIG.toml``.

Knows the order of passes, the loss, the optimiser, checkpoints and the log. Knows nothing about wording
(``tracker.prompt``), labels (``training.data``), which questions are asked (``training.drawing``) or layers
(``training.model``).

The loss of a question is the cross-entropy of its status under the same masked softmax that the tracker
uses; the loss of a pass is their weighted mean. The checkpoint with the highest average kappa on validation
is kept beside the last one.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from tracker.conversation import Conversation
from tracker.goal import Status, reachable
from tracker.grammar import Grammars
from tracker.model.base import find_base
from tracker.vocabulary import Vocabulary
from training.command import exit_code
from training.config import SftConfig, read_by, read_config
from training.curve import draw
from training.data import Answers, Pack, Packer, every_question, read_labelled
from training.drawing import Drawer
from training.evaluation import chain_figures
from training.loop import (
    BEST,
    LAST,
    adamw,
    begin_with,
    best_score,
    learning_rate_factor,
    restore_checkpoint,
    save_checkpoint,
)
from training.lower import Lower, pack_layout
from training.model import Layout, PackedModel, ReadPrefix
from training.order import in_order
from training.provenance import origin

CHUNK = 48
"""Branches that an evaluation reads at a time, which bounds its memory."""


@dataclass(frozen=True)
class Batch:
    """A pack's layout and targets on a device."""

    layout: Layout
    leads: Tensor
    """(branches, 3, words): which words lead to which status; padded with no words."""
    target: Tensor
    """(branches,): the position of the status among those that can follow."""
    made: Tensor
    """(branches,): whether code made and labelled the question."""


def has_refusal(conversation: Conversation) -> bool:
    """Whether some component becomes ATTEMPTED."""
    return any(
        Status.ATTEMPTED in conversation.labelled_statuses(component.id) for component in conversation.goal
    )


def batch_of(pack: Pack, answers: Answers, device: torch.device) -> Batch:
    """Lay out a pack and its targets."""
    leads = np.zeros((len(pack.asked), 3, len(answers.words)), dtype=bool)
    target = np.zeros(len(pack.asked), dtype=np.int64)
    for row, asked in enumerate(pack.asked):
        kind = (asked.question.category, asked.question.previous)
        leads[row, : len(answers.leads[kind])] = answers.leads[kind]
        target[row] = reachable(*kind).index(asked.target) if asked.target in reachable(*kind) else 0
    return Batch(
        layout=pack_layout(pack, device),
        leads=torch.from_numpy(leads).to(device),
        target=torch.from_numpy(target).to(device),
        made=torch.tensor([asked.made for asked in pack.asked], device=device),
    )


def status_log_probabilities(logits: Tensor, leads: Tensor) -> Tensor:
    """Log-probability of each status, shape (branches, 3): the masked softmax, summed over its words."""
    grouped = logits[:, None, :].masked_fill(~leads, float("-inf")).logsumexp(-1)
    return grouped.log_softmax(-1)


def pass_loss(log_p: Tensor, batch: Batch, *, made_weight: float, label_smoothing: float) -> Tensor:
    """The mean loss of a pass's questions, those made by code weighted; ``log_p`` (branches, 3)."""
    can_follow = batch.leads.any(-1)
    even = log_p.masked_fill(~can_follow, 0.0).sum(-1) / can_follow.sum(-1)
    right = log_p.gather(1, batch.target[:, None])[:, 0]
    losses = -((1 - label_smoothing) * right + label_smoothing * even)
    weights = torch.where(batch.made, made_weight, 1.0)
    return (weights * losses).sum() / weights.sum()


def spread(conversations: Sequence[Conversation], count: int) -> list[Conversation]:
    """At most ``count`` of them, at even distances."""
    count = min(count, len(conversations))
    return [conversations[i * len(conversations) // count] for i in range(count)]


class Trainer:
    """One run, from its configuration; ``run()`` goes on from the last checkpoint where there is one."""

    def __init__(self, config: SftConfig) -> None:
        self.config = config
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.random_state)
        self.accelerator = Accelerator()
        device = self.accelerator.device
        base = config.base or find_base().path
        self._open = ExitStack()
        vocabulary = self._open.enter_context(Vocabulary.open(base))
        packer = Packer(vocabulary, Grammars(vocabulary))
        self.answers = Answers.of(vocabulary)
        self.judged = [c for path in config.train for c in read_labelled(path)]
        weak = [c for path in config.weak for c in read_labelled(path)]
        random.Random(config.random_state).shuffle(weak)
        # Refusals are rare there, so the conversations that have one come first (the sort is stable).
        self.weak = sorted(weak, key=lambda c: not has_refusal(c))[: config.weak_passes]
        random.Random(config.random_state).shuffle(self.weak)
        self.drawers = {
            judged: Drawer(
                conversations,
                packer,
                branches=config.branches,
                branches_per_pass=config.branches_per_pass,
                exact=config.exact,
                changed=config.changed,
                recast=config.recast,
                missed=config.missed,
                random_state=config.random_state,
            )
            for judged, conversations in ((True, self.judged), (False, self.weak))
        }
        held_out = spread(read_labelled(config.validation), config.evaluate_conversations)
        self.validation = [(c, packer.pack(c, every_question(c))) for c in held_out]
        model = PackedModel(
            base,
            frozen=config.frozen,
            rank=config.rank,
            alpha=config.alpha,
            dropout=config.dropout,
            dtype=getattr(torch, config.precision),
        )
        if config.compile:
            model.compile_blocks()
        self.trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = adamw(self.trained, learning_rate=config.learning_rate, weight_decay=config.weight_decay)
        self.wrapped, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.model: PackedModel = self.accelerator.unwrap_model(self.wrapped)
        self.lower = Lower(self.model, device)
        self.words = torch.from_numpy(self.answers.words).to(device)
        self.done = 0
        self.best = -math.inf
        config.output.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        self._open.close()

    def schedule(self) -> Iterator[tuple[Conversation, bool]]:
        """The conversations in the order in which they are read, and whether they are judged."""
        weak = itertools.cycle(self.weak)
        first = self.config.weak_first if self.weak else 0
        among = max(0, self.config.weak_passes - first) if self.weak else 0
        yield from ((conversation, False) for conversation in itertools.islice(weak, first))
        passes, random_state = self.config.passes, self.config.random_state
        for done, judged in enumerate(in_order(self.judged, passes=passes, random_state=random_state)):
            yield judged, True
            due = (done + 1) * among // passes - done * among // passes
            yield from ((conversation, False) for conversation in itertools.islice(weak, due))

    def rate(self, done: int, total: int) -> float:
        batch = self.config.batch
        return learning_rate_factor(done / batch, total / batch, self.config.warm_up)

    def run(self) -> None:
        self.restore()
        passes = list(self.schedule())
        started, saved, tokens = time.monotonic(), time.monotonic(), 0
        losses: list[float] = []
        # Several processes read different packs; every one of them steps on the averaged gradient.
        mine = passes[self.accelerator.process_index :: self.accelerator.num_processes]
        for position, (conversation, judged) in enumerate(mine):
            if position < self.done:
                continue
            loss, count = self.step(conversation, judged, position, len(mine))
            losses.append(loss)
            tokens += count
            self.done = position + 1
            if self.done % 20 == 0:
                seconds = time.monotonic() - started
                self.log(
                    passes=self.done,
                    judged=judged,
                    loss=round(float(np.mean(losses[-20:])), 4),
                    rate=round(self.rate(position, len(mine)) * self.config.learning_rate, 7),
                    tokens_per_second=round(tokens / seconds, 1),
                    passes_per_second=round(len(losses) / seconds, 3),
                )
            if self.done % self.config.evaluate_every == 0 or self.done == len(mine):
                self.check()
                self.save()
                saved = time.monotonic()
            # Between two steps a gradient is half added up, and a checkpoint would lose it.
            stepped = self.done % self.config.batch == 0
            if stepped and time.monotonic() - saved > 60 * self.config.checkpoint_minutes:
                self.save()
                saved = time.monotonic()
        self.save()
        draw(self.config.output / "log.jsonl", self.config.output / "curve.png")

    def step(self, conversation: Conversation, judged: bool, position: int, total: int) -> tuple[float, int]:
        """One pass, and a step after ``batch`` of them; returns the loss and the tokens read."""
        pack = self.drawers[judged].draw(conversation, position)
        batch = batch_of(pack, self.answers, self.accelerator.device)
        # Keeping is for what is read again: where there are fewer conversations than passes.
        known, passes = (self.judged, self.config.passes) if judged else (self.weak, self.config.weak_passes)
        again = len(known) < passes
        if again and self.config.keep_lower and not self.lower.knows(pack):
            self.lower.keep(self.drawers[judged].pool(conversation))
        hidden = self.lower(pack)
        self.wrapped.train()
        # What dropout leaves out is drawn like everything else: from the seed and the position.
        torch.manual_seed(random.Random(f"{self.config.random_state}:{position}").getrandbits(63))
        log_p = status_log_probabilities(self.wrapped(hidden, batch.layout, self.words), batch.leads)
        loss = pass_loss(
            log_p,
            batch,
            made_weight=self.config.made_weight,
            label_smoothing=self.config.label_smoothing,
        )
        self.accelerator.backward(loss / self.config.batch)
        if (position + 1) % self.config.batch == 0 or position + 1 == total:
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * self.rate(position, total)
            self.accelerator.clip_grad_norm_(self.trained, self.config.clip)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        return loss.item(), len(hidden)

    def check(self) -> None:
        """Evaluate, log, and keep the factors where they are the best so far."""
        started = time.monotonic()
        figures = self.evaluate()
        kappa = figures["average"]["kappa"]
        better = kappa > self.best
        if better:
            self.best = kappa
            self.save(BEST, score=kappa)
        seconds = round(time.monotonic() - started, 1)
        self.log(passes=self.done, validation=figures, best=better, seconds=seconds)

    @torch.no_grad()
    def evaluate(self) -> dict[str, dict[str, float]]:
        """Per category: accuracy and kappa of the forward-filtered status over all turns."""
        self.wrapped.eval()
        answered = []
        for conversation, pack in self.validation:
            answered.append((conversation, pack.asked, self.answer(pack).cpu().numpy()))
        return chain_figures(answered)

    @torch.no_grad()
    def answer(self, pack: Pack) -> Tensor:
        """The model's probabilities of what can follow, shape (branches, 3); some branches at a time."""
        prefix: ReadPrefix | None = None
        found: list[Tensor] = []
        for start in range(0, len(pack.branches), CHUNK):
            part = pack.part(range(start, min(start + CHUNK, len(pack.branches))))
            batch = batch_of(part, self.answers, self.accelerator.device)
            if self.config.keep_lower:
                self.lower.keep(part)
            hidden = self.lower(part)
            before, behind = hidden[: batch.layout.prefix], hidden[batch.layout.prefix :]
            prefix = prefix or self.model.upper_prefix(before)
            logits = self.model.upper_branches(prefix, behind, batch.layout, self.words)
            found.append(status_log_probabilities(logits, batch.leads).exp())
        return torch.cat(found)

    def log(self, **row: object) -> None:
        if self.accelerator.is_main_process:
            with (self.config.output / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"time": round(time.time(), 1), **row}) + "\n")
            print(json.dumps(row), flush=True)

    def save(self, name: str = LAST, *, score: float | None = None) -> None:
        if self.accelerator.is_main_process:
            save_checkpoint(
                self.config.output,
                done=self.done,
                config=self.config.model_dump_json(),
                origin=self.origin,
                model=self.model,
                optimizer=self.optimizer,
                name=name,
                score=score,
            )

    def restore(self) -> None:
        self.done, begun = restore_checkpoint(
            self.config.output,
            model=self.model,
            optimizer=self.optimizer,
            device=self.accelerator.device,
        )
        self.origin: Mapping[str, Any] = begun or origin(read_by(self.config))
        if not self.done and self.config.start is not None:
            begin_with(self.config.start, model=self.model, alpha=self.config.alpha)
        self.best = best_score(self.config.output) if self.done else -math.inf


def main(arguments: Sequence[str]) -> int:
    """Run one configuration; a mistake in it or in the data gives one line and exit code 2."""
    if len(arguments) != 1:
        print("usage: python -m training.sft CONFIG.toml", file=sys.stderr)
        return 2

    def train() -> None:
        with closing(Trainer(read_config(Path(arguments[0])))) as trainer:
            trainer.run()

    return exit_code(train)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

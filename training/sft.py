"""Fine-tune the tracker's factors: ``python -m training.sft CONFIG.toml``.

Knows the order of passes, the loss, the optimiser, checkpoints and the log. Knows nothing about wording
(``tracker.prompt``), labels (``training.data``) or layers (``training.model``).

The loss of a question is the cross-entropy of its status under the same masked softmax that the tracker
uses. What the frozen lower layers make of a judged conversation is computed once and kept.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from tracker.conversation import Conversation
from tracker.errors import GoalstateError
from tracker.goal import Status, reachable
from tracker.grammar import Grammars
from tracker.model.base import find_base
from tracker.vocabulary import Vocabulary
from training.config import SftConfig, read_config
from training.curve import draw
from training.data import Answers, Pack, Packer, every_question, read_labelled, training_packs
from training.evaluation import chain_figures
from training.loop import learning_rate_factor, restore_checkpoint, save_checkpoint
from training.model import Layout, PackedModel


@dataclass(frozen=True)
class Batch:
    """Some branches of a pack, on a device: what one pass reads."""

    rows: Tensor
    """Which of the pack's tokens are read, shape (tokens,)."""
    layout: Layout
    leads: Tensor
    """(branches, 3, words): which words lead to which status; padded with no words."""
    target: Tensor
    """(branches,): the position of the status among those that can follow."""


def has_refusal(conversation: Conversation) -> bool:
    """Whether some component becomes ATTEMPTED."""
    return any(
        Status.ATTEMPTED in conversation.labelled_statuses(component.id) for component in conversation.goal
    )


def pack_tokens(pack: Pack) -> Tensor:
    return torch.from_numpy(np.concatenate([pack.prefix, *pack.branches]))


def batch_of(pack: Pack, chosen: Sequence[int], answers: Answers, device: torch.device) -> Batch:
    """Lay out the ``chosen`` branches of a pack."""
    lengths = np.array([len(branch) for branch in pack.branches])
    starts = len(pack.prefix) + np.cumsum(lengths) - lengths
    rows = np.concatenate(
        [np.arange(len(pack.prefix)), *(np.arange(starts[i], starts[i] + lengths[i]) for i in chosen)]
    )
    leads = np.zeros((len(chosen), 3, len(answers.words)), dtype=bool)
    target = np.zeros(len(chosen), dtype=np.int64)
    for row, i in enumerate(chosen):
        asked = pack.asked[i]
        kind = (asked.question.category, asked.question.previous)
        leads[row, : len(answers.leads[kind])] = answers.leads[kind]
        target[row] = reachable(*kind).index(asked.target) if asked.target in reachable(*kind) else 0
    return Batch(
        rows=torch.from_numpy(rows).to(device),
        layout=Layout.of(len(pack.prefix), pack.visible[list(chosen)], lengths[list(chosen)], device),
        leads=torch.from_numpy(leads).to(device),
        target=torch.from_numpy(target).to(device),
    )


def status_log_probabilities(logits: Tensor, leads: Tensor) -> Tensor:
    """Log-probability of each status, shape (branches, 3): the masked softmax, summed over its words."""
    grouped = logits[:, None, :].masked_fill(~leads, float("-inf")).logsumexp(-1)
    return grouped.log_softmax(-1)


class Lower:
    """Keeps what the frozen layers made of judged packs, in float16."""

    def __init__(self, model: PackedModel, device: torch.device) -> None:
        self._model, self._device = model, device
        self._kept: dict[int, Tensor] = {}

    def __call__(self, pack: Pack, batch: Batch, answers: Answers, *, keep: bool) -> Tensor:
        """Hidden states of a batch's rows, shape (tokens, width)."""
        with torch.no_grad():
            if not keep:
                return self._model.lower(pack_tokens(pack).to(self._device)[batch.rows], batch.layout)
            # By identity: a pack to learn from and one to validate on may share a conversation's id.
            if id(pack) not in self._kept:
                whole = batch_of(pack, range(len(pack.branches)), answers, self._device)
                hidden = self._model.lower(pack_tokens(pack).to(self._device), whole.layout)
                self._kept[id(pack)] = hidden.to(torch.float16)
            return self._kept[id(pack)][batch.rows].float()


def pass_branches(pack: Pack, count: int, chance: random.Random) -> list[int]:
    """Every change and as many others as fit into ``count``, in the order of turns."""
    changes = [i for i, asked in enumerate(pack.asked) if asked.moves]
    others = [i for i, asked in enumerate(pack.asked) if not asked.moves]
    return sorted(changes + chance.sample(others, min(len(others), max(0, count - len(changes)))))


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
        with Vocabulary.open(base) as vocabulary:
            grammars = Grammars(vocabulary)
            packer = Packer(vocabulary, grammars)
            self.answers = Answers.of(vocabulary)
            shape = {
                "branches": config.branches,
                "exact": config.exact,
                "changed": config.changed,
                "random_state": config.random_state,
            }
            judged = [c for path in config.train for c in read_labelled(path)]
            weak = [c for path in config.weak for c in read_labelled(path)]
            random.Random(config.random_state).shuffle(weak)
            # Refusals are rare there, so the conversations that have one come first (the sort is stable).
            weak = sorted(weak, key=lambda c: not has_refusal(c))[: config.weak_passes]
            random.Random(config.random_state).shuffle(weak)
            self.judged = training_packs(judged, packer, **shape)
            self.weak = training_packs(weak, packer, **shape)
            held_out = read_labelled(config.validation)[:: max(1, 32 // config.evaluate_conversations)]
            self.validation = [(c, packer.pack(c, every_question(c))) for c in held_out]
        model = PackedModel(base, frozen=config.frozen, rank=config.rank, alpha=config.alpha)
        self.trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            self.trained, lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98)
        )
        self.wrapped, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.model: PackedModel = self.accelerator.unwrap_model(self.wrapped)
        self.lower = Lower(self.model, device)
        self.words = torch.from_numpy(self.answers.words).to(device)
        self.done = 0
        config.output.mkdir(parents=True, exist_ok=True)

    def schedule(self) -> Iterator[tuple[Pack, bool]]:
        """The packs in the order in which they are read, and whether they are judged."""
        weak = itertools.cycle(self.weak)
        first = self.config.weak_first if self.weak else 0
        among = max(0, self.config.weak_passes - first) if self.weak else 0
        yield from ((pack, False) for pack in itertools.islice(weak, first))
        chance = random.Random(self.config.random_state)
        for done in range(self.config.passes):
            if done % len(self.judged) == 0:
                epoch = chance.sample(self.judged, len(self.judged))
            yield epoch[done % len(self.judged)], True
            due = (done + 1) * among // self.config.passes - done * among // self.config.passes
            yield from ((pack, False) for pack in itertools.islice(weak, due))

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
        for position, (pack, judged) in enumerate(mine):
            if position < self.done:
                continue
            loss, count = self.step(pack, judged, position, len(mine))
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
                self.save()
                self.log(passes=self.done, validation=self.evaluate())
            # Between two steps a gradient is half added up, and a checkpoint would lose it.
            stepped = self.done % self.config.batch == 0
            if stepped and time.monotonic() - saved > 60 * self.config.checkpoint_minutes:
                self.save()
                saved = time.monotonic()
        self.save()
        draw(self.config.output / "log.jsonl", self.config.output / "curve.png")

    def step(self, pack: Pack, judged: bool, position: int, total: int) -> tuple[float, int]:
        """One pass, and a step after ``batch`` of them; returns the loss and the tokens read."""
        chance = random.Random(f"{self.config.random_state}:{position}")
        chosen = pass_branches(pack, self.config.branches_per_pass, chance)
        batch = batch_of(pack, chosen, self.answers, self.accelerator.device)
        hidden = self.lower(pack, batch, self.answers, keep=judged)
        self.wrapped.train()
        log_p = status_log_probabilities(self.wrapped(hidden, batch.layout, self.words), batch.leads)
        loss = -log_p.gather(1, batch.target[:, None]).mean()
        self.accelerator.backward(loss / self.config.batch)
        if (position + 1) % self.config.batch == 0 or position + 1 == total:
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * self.rate(position, total)
            self.accelerator.clip_grad_norm_(self.trained, self.config.clip)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        return loss.item(), len(batch.rows)

    @torch.no_grad()
    def evaluate(self) -> dict[str, dict[str, float]]:
        """Per category: accuracy and kappa of the forward-filtered status over all turns."""
        self.wrapped.eval()
        answered = []
        for conversation, pack in self.validation:
            batch = batch_of(pack, range(len(pack.branches)), self.answers, self.accelerator.device)
            hidden = self.lower(pack, batch, self.answers, keep=True)
            log_p = status_log_probabilities(self.model(hidden, batch.layout, self.words), batch.leads)
            answered.append((conversation, pack.asked, log_p.exp().cpu().numpy()))
        return chain_figures(answered)

    def log(self, **row: object) -> None:
        if self.accelerator.is_main_process:
            with (self.config.output / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"time": round(time.time(), 1), **row}) + "\n")
            print(json.dumps(row), flush=True)

    def save(self) -> None:
        if self.accelerator.is_main_process:
            save_checkpoint(
                self.config.output,
                done=self.done,
                config=self.config.model_dump_json(),
                model=self.model,
                optimizer=self.optimizer,
            )

    def restore(self) -> None:
        self.done = restore_checkpoint(
            self.config.output,
            model=self.model,
            optimizer=self.optimizer,
            device=self.accelerator.device,
        )


def main(arguments: Sequence[str]) -> int:
    """Run one configuration; a mistake in it or in the data gives one line and exit code 2."""
    if len(arguments) != 1:
        print("usage: python -m training.sft CONFIG.toml", file=sys.stderr)
        return 2
    try:
        Trainer(read_config(Path(arguments[0]))).run()
    except GoalstateError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

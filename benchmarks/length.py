"""Cost against length: ``python -m benchmarks.length``.

Conversations of 2 to 128 turns with goals of 1 to 40 components are made by repeating the turns and the
components of an example. Every component is asked about after every turn, as if nothing ever settled: the
most that a conversation can cost. Measured are the update after the last turn and the whole conversation, in
seconds and in tokens evaluated. Where the whole would take more than ``--most`` tokens, all but the last turn
is read at once, with one question, and only the last turn's update is measured.

Needs matplotlib, from the ``train`` or the ``benchmark`` extra.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

import matplotlib
import numpy as np

from benchmarks.machine import conversations, machine
from tracker.branches import BranchDecoder
from tracker.conversation import Conversation
from tracker.goal import Component
from tracker.hardware import load_options
from tracker.llama import Model
from tracker.model import prepare
from tracker.prompt import Piece, Question, turn_pieces

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TURNS, COMPONENTS = (2, 8, 32, 128), (1, 10, 40)
_CONTEXT = 32_768
"""Enough for the longest; the cache grows only as far as it is needed."""


@dataclass(frozen=True)
class Cost:
    """Seconds, and tokens evaluated."""

    seconds: float
    tokens: int

    @property
    def each(self) -> float:
        """Milliseconds for a token."""
        return 1000 * self.seconds / self.tokens


@dataclass(frozen=True)
class Cell:
    """A conversation of one length with a goal of one size."""

    turns: int
    components: int
    last: Cost
    """The update after the last turn."""
    whole: Cost | None
    """All of it, where that was measured."""


def questions(conversation: Conversation, count: int) -> list[Question]:
    """One for each of ``count`` components: those of the goal, again and again in other words."""
    asked = []
    for number, component in enumerate(islice(cycle(conversation.goal), count)):
        text = f"{component.text} ({number})"
        asked.append(
            Question(Component(id=str(number), category=component.category, text=text), component.start)
        )
    return asked


def measure(
    decoder: BranchDecoder, turns: Sequence[list[Piece]], asked: Sequence[Question], most: int
) -> tuple[Cost, Cost | None]:
    """Read the turns and ask all questions after each; what the last turn cost, and what all of them did."""
    engine, reading = decoder.engine, decoder.start()
    length = sum(decoder.needed(turn, ()) for turn in turns)
    branches = sum(len(branch) for question in asked for branch in decoder.branches(question))
    whole = length + len(turns) * branches <= most
    if not whole:
        for turn in turns[:-1]:
            reading.read(turn)
        reading.ask(asked[:1])
    costs: list[Cost] = []
    for turn in turns if whole else turns[-1:]:
        reading.read(turn)
        before, start = engine.tokens_evaluated, time.perf_counter()
        reading.ask(asked)
        costs.append(Cost(time.perf_counter() - start, engine.tokens_evaluated - before))
    reading.close()
    total = Cost(sum(cost.seconds for cost in costs), sum(cost.tokens for cost in costs))
    return costs[-1], total if whole else None


def fit(costs: Sequence[Cost]) -> tuple[float, float, float]:
    """Seconds of an update and of a token in it, by least squares, and the share of variance explained."""
    tokens, seconds = np.array([(cost.tokens, cost.seconds) for cost in costs]).T
    slope, constant = np.polyfit(tokens, seconds, 1)
    rest = seconds - (constant + slope * tokens)
    return float(constant), float(slope), float(1 - rest.var() / seconds.var())


def table(cells: Sequence[Cell]) -> str:
    rows = [
        "| turns | components | last turn: tokens | seconds | ms a token | all: tokens | seconds | ms each |",
        "| --- " * 8 + "|",
    ]
    for cell in cells:
        parts = [
            "– | – | –" if cost is None else f"{cost.tokens:,} | {cost.seconds:.2f} | {cost.each:.2f}"
            for cost in (cell.last, cell.whole)
        ]
        rows.append(f"| {cell.turns} | {cell.components} | {' | '.join(parts)} |")
    return "\n".join(rows)


def draw(cells: Sequence[Cell], picture: Path) -> None:
    """The last turn's update over turns, a line for each number of components; and seconds over tokens."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for components in sorted({cell.components for cell in cells}):
        these = [cell for cell in cells if cell.components == components]
        label = f"{components} component{'s' if components > 1 else ''}"
        left.plot([c.turns for c in these], [c.last.seconds for c in these], marker="o", label=label)
    turns = sorted({cell.turns for cell in cells})
    left.set(xscale="log", yscale="log", xlabel="turns", ylabel="seconds", title="update after the last turn")
    left.set_xticks(turns, [str(count) for count in turns])
    left.minorticks_off()
    left.legend(fontsize=8)
    kinds = {"last turn": [c.last for c in cells], "whole conversation": [c.whole for c in cells if c.whole]}
    for label, costs in kinds.items():
        if costs:
            right.plot([c.tokens for c in costs], [c.seconds for c in costs], "o", label=label)
    lasts = kinds["last turn"]
    each = sum(cost.seconds for cost in lasts) / sum(cost.tokens for cost in lasts)
    ends = np.array([min(c.tokens for c in lasts), max(c.tokens for costs in kinds.values() for c in costs)])
    right.plot(ends, ends * each, linewidth=1, color="grey", label=f"{1000 * each:.1f} ms a token")
    right.set(
        xscale="log", yscale="log", xlabel="tokens evaluated", ylabel="seconds", title="cost of a token"
    )
    right.legend(fontsize=8)
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, default=Path("examples/hotel-booking.jsonl"))
    parser.add_argument("--turns", type=int, nargs="+", default=TURNS)
    parser.add_argument("--components", type=int, nargs="+", default=COMPONENTS)
    parser.add_argument("--most", type=int, default=45_000, help="tokens of a conversation measured whole")
    parser.add_argument("--model", help="a GGUF file to use in place of goalstate's own")
    parser.add_argument("--picture", type=Path, default=Path("benchmarks/cost-against-length.png"))
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    given = parser.parse_args(arguments)
    (example,) = conversations(given.file, 1)
    options = load_options()
    decoder = BranchDecoder(
        Model(prepare(given.model).path, options), context=_CONTEXT, threads=options.threads
    )
    cells: list[Cell] = []
    measure(decoder, [turn_pieces(example.turns[0])], questions(example, 10), given.most)  # warm
    for turns in sorted(given.turns):
        said = [turn_pieces(turn) for turn in islice(cycle(example.turns), turns)]
        for components in sorted(given.components):
            cells.append(
                Cell(turns, components, *measure(decoder, said, questions(example, components), given.most))
            )
    decoder.close()
    print(f"{machine()}; turns and components of {given.file.name}, repeated\n")
    print(table(cells) + "\n")
    fits = {}
    for name, costs in (
        ("last turns", [cell.last for cell in cells]),
        ("whole conversations", [cell.whole for cell in cells if cell.whole]),
    ):
        if len(costs) > 2:
            fits[name] = constant, slope, explained = fit(costs)
            line = f"{constant:.3f} s + {1000 * slope:.2f} ms a token"
            print(f"{name}: {line}, which explains {explained:.1%} of the variance")
    draw(cells, given.picture)
    if given.output:
        figures = {"machine": machine(), "cells": [asdict(cell) for cell in cells], "fits": fits}
        given.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

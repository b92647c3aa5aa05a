"""Cost against length: ``python -m benchmarks.length``.

Conversations of 2 to 128 turns with goals of 1 to 40 components are made by repeating the turns and the
components of an example. Every component is asked about after every turn, as if nothing ever settled: the
most that a conversation can cost. Measured are the update after the last turn and the whole conversation, in
seconds and in tokens evaluated. Where the whole would take more than ``--most`` tokens, all but the last turn
is read at once, with one question, and only the last turn's update is measured.

A token costs what the weights cost, and attention to the tokens in front of it: the figures are fitted with
seconds = a * tokens + b * tokens * tokens in front, and it is said how far off that is, and tokens alone.

Needs matplotlib, from the ``train`` or the ``benchmark`` extra.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

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
    """Seconds, tokens evaluated, and the tokens of the conversation in front of them, on average."""

    seconds: float
    tokens: int
    front: float

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
        costs.append(Cost(time.perf_counter() - start, engine.tokens_evaluated - before, 0))
    reading.close()
    total = Cost(sum(cost.seconds for cost in costs), sum(cost.tokens for cost in costs), length / 2)
    return replace(costs[-1], front=length), total if whole else None


def fit(costs: Sequence[Cost]) -> tuple[float, float, float, float]:
    """Seconds of a token and of a thousand tokens in front of one, by least squares of relative errors.

    Also the mean relative error of that, and of a straight line in tokens alone.
    """
    tokens, front, seconds = np.array([(cost.tokens, cost.front, cost.seconds) for cost in costs]).T
    both = np.stack([tokens, tokens * front / 1000], axis=1) / seconds[:, None]
    ones = np.ones(len(seconds))
    (each, attention), *_ = np.linalg.lstsq(both, ones, rcond=None)
    (alone,), *_ = np.linalg.lstsq(both[:, :1], ones, rcond=None)
    errors = [
        float(np.abs(both @ [each, attention] - 1).mean()),
        float(np.abs(both[:, 0] * alone - 1).mean()),
    ]
    return float(each), float(attention), *errors


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


def draw(cells: Sequence[Cell], fits: Sequence[float], picture: Path) -> None:
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
    each, attention, *_ = fits
    tokens = [cost.tokens for costs in kinds.values() for cost in costs]
    ends = np.array([min(c.last.tokens for c in cells), max(tokens)])
    for front in (0, 2000, 8000):
        ms = 1000 * (each + attention * front / 1000)
        label = f"{ms:.1f} ms a token: {front:,} in front"
        right.plot(ends, ends * ms / 1000, linewidth=1, color=str(0.75 - front / 16000), label=label)
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
    parser.add_argument(
        "--show", type=Path, help="print and draw the figures of a JSON file, measure nothing"
    )
    given = parser.parse_args(arguments)
    figures = json.loads(given.show.read_text()) if given.show else measured(given)
    cells = [
        Cell(**{**cell, "last": Cost(**cell["last"]), "whole": cell["whole"] and Cost(**cell["whole"])})
        for cell in figures["cells"]
    ]
    print(f"{figures['machine']}; turns and components of {given.file.name}, repeated\n")
    print(table(cells) + "\n")
    costs = [cost for cell in cells for cost in (cell.last, cell.whole) if cost]
    each, attention, error, alone = fits = fit(costs)
    print(
        f"{1000 * each:.2f} ms a token + {1000 * attention:.2f} ms for a thousand tokens in front of it: "
        f"{error:.0%} off on average (a line in tokens alone: {alone:.0%})"
    )
    draw(cells, fits, given.picture)
    if given.output:
        given.output.write_text(json.dumps(figures, indent=2) + "\n")


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """The machine, and all cells as JSON."""
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
            asked = questions(example, components)
            cells.append(Cell(turns, components, *measure(decoder, said, asked, given.most)))
    decoder.close()
    return {"machine": machine(), "cells": [asdict(cell) for cell in cells]}


if __name__ == "__main__":
    main()

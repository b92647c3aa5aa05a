"""Fit and write the decomposer: ``python -m training.decompose TRAIN --output models``.

Knows the order of work and the files. Knows nothing about features (``tracker.splitter``), alignment
(``training.alignment``) or the fit (``training.splitter``).

Writes ``decomposer.npz``, the weights, and ``decomposer.json``, which says what they were fitted to. The
rephrasing has a fixed seed: the same data give the same weights, but for the rounding of the libraries.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from tracker.errors import InputError
from tracker.formats import read
from tracker.goal import Category, Component, Goal
from tracker.model.digest import sha256
from tracker.splitter.model import LABELS, Weights
from tracker.splitter.pieces import cut
from training.alignment import align
from training.command import exit_code
from training.data import read_labelled
from training.provenance import file_entry, write_manifest
from training.rephrasing import rephrase
from training.splitter import Example, fit


def written_examples(goals: Sequence[Goal]) -> Iterator[Example]:
    """Goals whose components somebody wrote."""
    for goal in goals:
        pieces = cut(goal.text)
        yield Example.of(pieces, align(goal, pieces))


def rephrased(goals: Sequence[Goal], *, random_state: int = 0) -> list[Goal]:
    """Each goal's text in other set phrases, with the same components."""
    return [
        goal.model_copy(update={"text": rephrase(goal.text, random.Random(f"{random_state}:{goal.text}"))})
        for goal in goals
    ]


def weak_examples(goals: Sequence[Goal], *, weight: float) -> Iterator[Example]:
    """MultiWOZ goals, whose phrases ``tracker.formats.multiwoz`` splits without a model.

    What the reader makes of the opening sentence, "You are planning your trip in Cambridge", is no telling
    fact and is left out here; what to do when nothing is found is a rule of conduct, as in the written goals.
    """
    for goal in goals:
        components = []
        for component in goal:
            if component.category is Category.PROFILE and component.text.startswith("You are "):
                continue
            if component.text.startswith("If "):
                component = Component(id=component.id, category=Category.POLICY, text=component.text)
            components.append(component)
        pieces = cut(goal.text)
        yield Example.of(
            pieces, align(Goal(text=goal.text, components=tuple(components)), pieces), weight=weight
        )


def reserved(weights: Weights, amount: float) -> Weights:
    """The same weights, but ``amount`` more for every run that is no component."""
    runs = weights.runs.copy()
    runs[weights.run_features["run"], LABELS.index(None)] += amount
    return replace(weights, runs=runs)


def _weak_goals(path: Path, count: int) -> list[Goal]:
    conversations = (item for item in read(path) if not isinstance(item, InputError))
    return [conversation.goal for conversation in islice(conversations, count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path, help="native file; its goals' components are learnt")
    parser.add_argument("--weak", type=Path, help="MultiWOZ dialogues; some of their goals are learnt")
    parser.add_argument("--weak-goals", type=int, default=100, help="how many of them")
    parser.add_argument("--weak-weight", type=float, default=0.5, help="of such a goal against a written one")
    parser.add_argument(
        "--no-rephrase", dest="rephrase", action="store_false", help="learn the written goals as they are"
    )
    parser.add_argument("--penalty", type=float, default=5.0, help="of the squared weights")
    parser.add_argument("--least", type=int, default=3, help="goals that a feature must occur in")
    parser.add_argument("--steps", type=int, default=60, help="of the optimiser, at most")
    parser.add_argument(
        "--reserve",
        type=float,
        default=0.5,
        help="added to the score of leaving words out; more precision for less recall, chosen on validation",
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for decomposer.npz and .json")
    arguments = parser.parse_args()
    written = [each.goal for each in read_labelled(arguments.train, probes=False)]
    examples = list(written_examples(written))
    use = "written goals, each also rephrased" if arguments.rephrase else "written goals"
    data = [file_entry(arguments.train, use=use, goals=len(examples))]
    if arguments.rephrase:
        examples += written_examples(rephrased(written))
    if arguments.weak:
        weak = list(
            weak_examples(_weak_goals(arguments.weak, arguments.weak_goals), weight=arguments.weak_weight)
        )
        examples += weak
        data.append(file_entry(arguments.weak, use="goals in MultiWOZ's phrases", goals=len(weak)))
    weights = fit(examples, penalty=arguments.penalty, least=arguments.least, steps=arguments.steps)
    weights = reserved(weights, arguments.reserve)
    arguments.output.mkdir(parents=True, exist_ok=True)
    path = arguments.output / "decomposer.npz"
    weights.save(path)
    manifest = {
        "weights": {"sha256": sha256(path), "bytes": path.stat().st_size},
        "training": {
            "date": datetime.now(UTC).date().isoformat(),
            "penalty": arguments.penalty,
            "least": arguments.least,
            "steps": arguments.steps,
            "reserve": arguments.reserve,
            "weak_weight": arguments.weak_weight if arguments.weak else None,
            "data": data,
        },
    }
    write_manifest(manifest, arguments.output / "decomposer.json")
    print(json.dumps(manifest["weights"]))


if __name__ == "__main__":
    sys.exit(exit_code(main))

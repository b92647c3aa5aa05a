"""Does the fast decoder say what the plain one says? ``python -m benchmarks.same_answers FILE``.

Pairs of a conversation and one of its components are drawn at random and followed through all their turns
with both decoders. The fast one asks about all components of a goal in one batch, as it does in use, the
plain one about the drawn one alone, a prompt a question. Compared are the answers (the same question after
the same turn) and what comes of them: the status that is reported after every turn, through calibration and
forward filter.

A question costs the plain decoder some half a second. ``--turns`` keeps to the first turns, where it is less;
the output says so. Give several models with ``--model`` to compare kinds of weights.
"""

from __future__ import annotations

import argparse
import json
import random
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.machine import conversations, machine
from tracker.conversation import Conversation
from tracker.decoding import Distribution
from tracker.goal import Status
from tracker.tracking import GoalTracker, UntrainedModelWarning


@dataclass
class Compared:
    """What both decoders said."""

    differences: list[float] = field(default_factory=list)
    """For each question, how far the two probabilities of a status are apart at the most."""
    same_answers: int = 0
    """Questions with the same likeliest status."""
    states: int = 0
    """Components after turns at which a decoder asked about them."""
    same_states: int = 0
    """Those that are reported with the same status."""
    reported: float = 0.0
    """How far the reported probabilities are apart at the most."""
    seconds: dict[str, float] = field(default_factory=lambda: {"branches": 0.0, "plain": 0.0})


def drawn(given: Sequence[Conversation], seed: int) -> list[tuple[int, str]]:
    """All pairs of a conversation's number and a component's id, in random order."""
    pairs = [(number, component.id) for number, each in enumerate(given) for component in each.goal]
    random.Random(seed).shuffle(pairs)
    return pairs


def follow(
    fast: GoalTracker,
    plain: GoalTracker,
    conversation: Conversation,
    component: str,
    turns: int,
    found: Compared,
) -> None:
    """Track a conversation with both decoders and compare one component of its goal."""
    goal, opening = conversation.goal, conversation.opening
    with fast.start(goal, opening=opening) as ours, plain.start(goal, opening=opening) as theirs:
        for turn in conversation.turns[:turns]:
            answers: dict[str, dict[Status, Distribution]] = {}
            for name, session in (("branches", ours), ("plain", theirs)):
                reading, questions = session.begin(turn.user, turn.assistant)
                if name == "plain":
                    questions = [question for question in questions if question.component.id == component]
                start = time.perf_counter()
                distributions = reading.ask(questions)
                found.seconds[name] += time.perf_counter() - start
                session.finish(questions, distributions)
                answers[name] = {
                    question.previous: distribution
                    for question, distribution in zip(questions, distributions, strict=True)
                    if question.component.id == component
                }
            if not answers["branches"] and not answers["plain"]:
                return  # settled
            for previous in answers["branches"].keys() & answers["plain"].keys():
                one, other = answers["branches"][previous], answers["plain"][previous]
                found.differences.append(max(abs(one[status] - other[status]) for status in one))
                found.same_answers += max(one, key=one.__getitem__) == max(other, key=other.__getitem__)
            here, there = ours.state[component], theirs.state[component]
            found.states += 1
            found.same_states += here.status is there.status
            found.reported = max(found.reported, abs(here.probability - there.probability))


def compare(
    model: str | None,
    given: Sequence[Conversation],
    *,
    questions: int,
    turns: int,
    seed: int,
    threads: int | None,
    exact: bool,
) -> tuple[str, Compared]:
    """Draw until enough questions were answered by both; the model's name, and what was found."""
    found = Compared()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UntrainedModelWarning)
        fast = GoalTracker.load(model, threads=threads, exact=exact)
        plain = GoalTracker.load(model, decoder="plain", threads=threads, exact=exact)
    # Everything is asked, or there would be little to compare.
    fast.alone = plain.alone = None
    with fast, plain:
        for number, component in drawn(given, seed):
            follow(fast, plain, given[number], component, turns, found)
            if len(found.differences) >= questions:
                break
        return fast.describe()["model"], found


def row(name: str, found: Compared) -> str:
    differences = np.array(found.differences)
    return (
        f"| {name} | {found.states:,} | {found.same_states / found.states:.2%} | {len(differences):,} "
        f"| {found.same_answers / len(differences):.2%} | {differences.max():.4f} "
        f"| {np.quantile(differences, 0.99):.4f} | {differences.mean():.4f} | {found.reported:.4f} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", action="append", help="a GGUF file; goalstate's own otherwise; repeatable")
    parser.add_argument(
        "--questions", type=int, default=1300, help="stop after so many; 1,300 are 1,000 states"
    )
    parser.add_argument("--turns", type=int, default=10_000, help="the first turns of a conversation alone")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--exact", action="store_true", help="load both with exact=True")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    asked = parser.parse_args(arguments)
    given = conversations(asked.file)
    results = {}
    for model in asked.model or [None]:
        name, found = compare(
            model,
            given,
            questions=asked.questions,
            turns=asked.turns,
            seed=asked.seed,
            threads=asked.threads,
            exact=asked.exact,
        )
        results[f"{name}, exact" if asked.exact else name] = found
    pairs = sum(len(each.goal) for each in given)
    longest = max(len(each.turns) for each in given)
    which = "all turns" if asked.turns >= longest else f"the first {asked.turns} turns"
    print(f"{machine()}; {asked.file.name}: pairs of conversation and component drawn from {pairs} (seed")
    print(
        f"{asked.seed}), {which} of each until it is settled or {asked.questions:,} questions are answered\n"
    )
    print(
        "| model | states | same reported status | questions | same likeliest status | largest difference "
        "| 99th percentile | mean | largest, reported |"
    )
    print("| --- " * 9 + "|")
    for name, found in results.items():
        print(row(name, found))
    if asked.output:
        figures = {"machine": machine(), "file": asked.file.name, "seed": asked.seed, "turns": which}
        figures["models"] = {name: vars(found) for name, found in results.items()}
        asked.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

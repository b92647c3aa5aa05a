"""Many conversations at once against one after the other: ``python -m benchmarks.throughput FILE``.

The same conversations are tracked one after the other (with all threads, with one, with the language model
asked also what the other opinions settle, and without it), several in one batch, in worker processes (their
start included), and several in one batch in each worker process. Also counts the tokens that are evaluated
against those that are there, and times loading, against llama.cpp's own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import conversations, machine, peak_memory
from tracker.conversation import Conversation
from tracker.hardware import load_options
from tracker.llama import ContextShape, Model
from tracker.modelless import MODELLESS
from tracker.prompt import Question, opening_pieces, turn_pieces
from tracker.state import Track
from tracker.tracking import GoalTracker

TOGETHER = (2, 4, 8)
ALONE = "one after the other"


@dataclass(frozen=True)
class Arm:
    """One way to track all the conversations."""

    name: str
    workers: int
    together: int


@dataclass
class Result:
    """How an arm did."""

    name: str
    seconds: list[float]
    tokens: int | None
    """Tokens evaluated in this process; ``None`` in workers."""
    same: int
    """Components whose statuses are those of one after the other, after every turn."""
    largest: float
    """The largest difference of a probability from one after the other."""


@dataclass
class Alone:
    """Conversations tracked one after the other in this process."""

    tracks: list[Track]
    asked: list[list[Question]]
    """What the language model was asked, a list for each turn."""
    seconds: float
    tokens: int
    """Tokens evaluated; 0 without a language model."""


def one_by_one(tracker: GoalTracker, given: Sequence[Conversation]) -> Alone:
    engine = getattr(tracker.decoder, "engine", None)
    before, start = engine.tokens_evaluated if engine else 0, time.perf_counter()
    tracks: list[Track] = []
    asked: list[list[Question]] = []
    for conversation in given:
        states = []
        with tracker.start(conversation.goal, opening=conversation.opening) as session:
            for turn in conversation.turns:
                reading, questions = session.begin(turn.user, turn.assistant)
                states.append(session.finish(questions, reading.ask(questions)))
                asked.append(questions)
        tracks.append(Track(conversation.id, conversation.goal, tuple(states)))
    seconds = time.perf_counter() - start
    return Alone(tracks, asked, seconds, engine.tokens_evaluated - before if engine else 0)


def tokens_there(tracker: GoalTracker, given: Sequence[Conversation], asked: Sequence[list[Question]]) -> int:
    """Tokens of the conversations and of the branches of what was asked about them."""
    decoder = tracker.decoder
    pieces = [
        piece
        for conversation in given
        for part in (opening_pieces(conversation.opening), *map(turn_pieces, conversation.turns))
        for piece in part
    ]
    branches = [
        branch for questions in asked for question in questions for branch in decoder.branches(question)
    ]
    return len(decoder.model.vocabulary.tokens(pieces)) + sum(map(len, branches))


def compared(name: str, seconds: float, tokens: int | None, ours: list[Track], theirs: list[Track]) -> Result:
    same, largest = 0, 0.0
    for one, other in zip(ours, theirs, strict=True):
        assert isinstance(one, Track), one
        for component in one.goal:
            same += one.statuses(component.id) == other.statuses(component.id)
        for state, expected in zip(one.states, other.states, strict=True):
            largest = max([largest, *(abs(state[c].probability - expected[c].probability) for c in state)])
    return Result(name, [seconds], tokens, same, largest)


def measure(
    tracker: GoalTracker, single: GoalTracker | None, given: Sequence[Conversation], arms: Sequence[Arm]
) -> list[Result]:
    """Each arm once, one after the other first; ``single`` is the same with one thread."""
    engine = tracker.decoder.engine
    usual = one_by_one(tracker, given)

    def result(name: str, found: Alone) -> Result:
        return compared(name, found.seconds, found.tokens, found.tracks, usual.tracks)

    there = tokens_there(tracker, given, usual.asked)
    # Turns after which nothing is open are not read, so it can be less than 1.
    print(
        f"tokens evaluated {ALONE}: {usual.tokens:,}, of {there:,} in the conversations and their "
        f"branches ({usual.tokens / there:.4f})"
    )
    by, tracker.alone = tracker.alone, None
    everything = one_by_one(tracker, given)
    tracker.alone = by
    questions, of_all = (sum(map(len, each.asked)) for each in (usual, everything))
    print(f"the model is asked {questions:,} of {of_all:,} questions ({questions / of_all:.2f})")
    results = [result(ALONE, usual), result(f"{ALONE}, the model asked everything", everything)]
    for decoder in MODELLESS:
        with GoalTracker.load(decoder=decoder) as without:
            results.append(result(f"{ALONE}, decoder {decoder}", one_by_one(without, given)))
    if single is not None:
        results.append(result(f"{ALONE}, one thread", one_by_one(single, given)))
    for arm in arms:
        before, start = engine.tokens_evaluated, time.perf_counter()
        tracks = list(tracker.track_many(given, workers=arm.workers, together=arm.together))
        seconds = time.perf_counter() - start
        tokens = engine.tokens_evaluated - before if arm.workers == 1 else None
        results.append(compared(arm.name, seconds, tokens, tracks, usual.tracks))
    return results


def table(results: Sequence[Result], turns: int, components: int) -> str:
    """Medians, against one after the other, as a Markdown table."""
    alone = statistics.median(results[0].seconds)
    rows = [
        "| way | seconds | a turn | times as fast | tokens | same statuses | largest difference |",
        "| --- " * 7 + "|",
    ]
    for result in results:
        seconds = statistics.median(result.seconds)
        tokens = "–" if result.tokens is None else f"{result.tokens:,}"
        rows.append(
            f"| {result.name} | {seconds:.1f} | {seconds / turns:.3f} | {alone / seconds:.2f} | {tokens} "
            f"| {result.same} of {components} | {result.largest:.4f} |"
        )
    return "\n".join(rows)


def loading(tracker: GoalTracker) -> float:
    """Seconds that llama.cpp itself takes to load the same file and make the same first context."""
    options = load_options()
    start = time.perf_counter()
    model = Model(tracker.decoder.model.path, options)
    model.context(ContextShape(cells=1024, sequences=64, threads=options.threads))
    seconds = time.perf_counter() - start
    model.close()
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--workers", type=int, default=load_options().threads)
    parser.add_argument("--together", type=int, nargs="*", default=TOGETHER)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--exact", action="store_true", help="load with exact=True")
    parser.add_argument("--model", help="a GGUF file to use in place of goalstate's own")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    asked = parser.parse_args(arguments)
    given = conversations(asked.file, asked.limit)
    turns = sum(len(conversation.turns) for conversation in given)
    components = sum(len(conversation.goal) for conversation in given)
    arms = [Arm(f"{n} in one batch", 1, n) for n in asked.together]
    if asked.workers > 1:
        arms.append(Arm(f"{asked.workers} workers", asked.workers, 1))
        arms += [Arm(f"{asked.workers} workers, {n} in one batch", asked.workers, n) for n in asked.together]

    start = time.perf_counter()
    with GoalTracker.load(asked.model, exact=asked.exact) as tracker:
        loaded = time.perf_counter() - start
        with tracker.start(given[0].goal) as session:
            session.update(given[0].turns[0].user, given[0].turns[0].assistant)
        first, peak = time.perf_counter() - start, peak_memory()
        print(f"{machine()}; {asked.file.name}: {len(given)} conversations, {turns} turns")
        print(f"load {loaded:.2f} s (llama.cpp alone {loading(tracker):.2f} s), to first state {first:.2f} s")
        with ExitStack() as stack:
            single = None
            if load_options().threads > 1:
                single = stack.enter_context(GoalTracker.load(asked.model, threads=1, exact=asked.exact))
            results = measure(tracker, single, given, arms)
            for _ in range(asked.repeat - 1):
                for result, again in zip(results, measure(tracker, single, given, arms), strict=True):
                    result.seconds += again.seconds
    print(f"peak memory with one session {peak:.0f} MB, of all in this process {peak_memory():.0f} MB\n")
    print(table(results, turns, components))
    if asked.output:
        figures = {
            "machine": machine(),
            "turns": turns,
            "load": loaded,
            "first state": first,
            "peak MB": peak,
        }
        figures["arms"] = [asdict(result) for result in results]
        asked.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

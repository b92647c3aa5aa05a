"""Many conversations in workers against one after the other: ``python -m benchmarks.throughput FILE``.

Also counts the tokens that are evaluated against those that are there, and the peak memory of one session.
"""

from __future__ import annotations

import argparse
import resource
import time
from itertools import islice
from pathlib import Path

from tracker.conversation import Conversation
from tracker.formats import read
from tracker.hardware import load_options, processor
from tracker.tracking import GoalTracker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--workers", type=int, default=load_options().threads)
    given = parser.parse_args()
    conversations = [c for c in islice(read(given.file), given.limit) if isinstance(c, Conversation)]
    start = time.perf_counter()
    with GoalTracker.load() as tracker:
        loaded = time.perf_counter() - start
        with tracker.start(conversations[0].goal) as session:
            session.update(conversations[0].turns[0].user, conversations[0].turns[0].assistant)
        first = time.perf_counter() - start
        before = tracker.decoder.engine.tokens_evaluated
        start = time.perf_counter()
        one_by_one = [tracker.track(conversation) for conversation in conversations]
        alone = time.perf_counter() - start
        tokens = tracker.decoder.engine.tokens_evaluated - before
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start = time.perf_counter()
        together = list(tracker.track_many(conversations, workers=given.workers))
        spread = time.perf_counter() - start
    same = sum(
        ours.statuses(component.id) == theirs.statuses(component.id)
        for ours, theirs in zip(one_by_one, together, strict=True)
        for component in ours.goal
    )
    components = sum(len(conversation.goal) for conversation in conversations)
    turns = sum(len(conversation.turns) for conversation in conversations)
    print(f"{processor().name}, {load_options().threads} cores")
    print(f"{given.file.name}: {len(conversations)} conversations, {turns} turns")
    print(f"load {loaded:.2f} s, load to first state {first:.2f} s, peak memory {peak:.0f} MB")
    print(f"one after the other: {alone:.1f} s, {alone / turns:.3f} s a turn, {tokens / alone:.0f} tokens/s")
    print(
        f"{given.workers} workers, their start included: {spread:.1f} s, {alone / spread:.2f} times as fast"
    )
    print(f"same statuses: {same} of {components} components")


if __name__ == "__main__":
    main()

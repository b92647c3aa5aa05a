"""What does it cost to keep the weights in fewer bits? ``python -m benchmarks.quantisation FILE``.

The shipped adapter is merged into the base and quantised in every way that goalstate knows; each model tracks
the same labelled conversations, with the shipped calibration and both other opinions. Compared are agreement
with the labels, the statuses with those of the first kind of weights (16 bits), and the time. The models are
made in a temporary folder; the one in the cache is left alone.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import conversations, machine
from tracker.agreement import evaluate
from tracker.branches import BranchDecoder
from tracker.hardware import load_options
from tracker.llama import Model
from tracker.model import build, shipped_recipe
from tracker.model.adapter import Quantisation
from tracker.state import Track
from tracker.tracking import GoalTracker

WAYS = (Quantisation.F16, Quantisation.Q8_0, Quantisation.Q4_K_M, Quantisation.Q4_0)


def same(tracks: list[Track], others: list[Track]) -> float:
    """The share of statuses, by component and turn, that two trackers report alike."""
    pairs = [
        (state[name].status, other[name].status)
        for one, two in zip(tracks, others, strict=True)
        for state, other in zip(one.states, two.states, strict=True)
        for name in state
    ]
    return sum(status is other for status, other in pairs) / len(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a labelled native file")
    parser.add_argument("--limit", type=int, help="the first so many conversations")
    parser.add_argument("--all", action="store_true", help="ask the language model everything")
    asked = parser.parse_args()
    given = conversations(asked.file, asked.limit)
    turns = sum(len(each.turns) for each in given)
    options = load_options()
    print(f"{machine()}; {len(given)} conversations, {turns} turns")
    print("weights     MB  s a turn  accuracy  kappa  calibration error  statuses as the first")
    first: list[Track] = []
    with GoalTracker.load() as tracker, TemporaryDirectory() as folder:
        if asked.all:
            tracker.alone = None
        own = tracker.decoder
        for way in WAYS:
            path = Path(folder) / f"{way}.gguf"
            build(replace(shipped_recipe(), quantisation=way), path, Path(folder))
            tracker.decoder = BranchDecoder(Model(path, options), threads=options.threads)
            start = time.perf_counter()
            tracks = [tracker.track(each) for each in given]
            seconds = (time.perf_counter() - start) / turns
            tracker.decoder.close()
            tracker.decoder = own
            first = first or tracks
            average = evaluate(given, tracks).average
            scores, error = average.every_turn, average.calibration_error
            print(
                f"{way:8} {path.stat().st_size / 1e6:5.0f} {seconds:9.2f} {scores.accuracy.value:9.3f}"
                f" {scores.kappa.value:6.3f} {error.value:18.3f} {same(first, tracks):22.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

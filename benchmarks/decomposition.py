"""Tracking with the split goal or with the judge's components: ``python -m benchmarks.decomposition FILE``.

FILE is a native file with goal texts and components. Every conversation is tracked twice by the same
tracker. Its success rate in a category is the share of the components whose last status counts as success;
shown is how far that rate moves, over the conversations in which both goals have the category. Also the
seconds that a goal takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tracker.conversation import Conversation
from tracker.decomposition import NAMES, decomposer_named
from tracker.formats import native
from tracker.goal import SUCCESS, Category
from tracker.state import Track
from tracker.tracking import GoalTracker


def rates(track: Track) -> dict[Category, float]:
    """The success rate of every category that the goal has."""
    outcomes: defaultdict[Category, list[bool]] = defaultdict(list)
    for component in track.goal:
        last = (component.start, *track.statuses(component.id))[-1]
        outcomes[component.category].append(last in SUCCESS[component.category])
    return {category: statistics.fmean(outcomes[category]) for category in outcomes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--decomposer", choices=NAMES, default="learned")
    parser.add_argument("--only-seconds", action="store_true", help="split the goals and track nothing")
    given = parser.parse_args()
    judged = [c for c in islice(native.read(given.file), given.limit) if isinstance(c, Conversation)]
    decomposer = decomposer_named(given.decomposer)
    decomposer.decompose(judged[0].goal.text)  # reads the weights
    goals, seconds = [], []
    for conversation in judged:
        start = time.perf_counter()
        goals.append(decomposer.decompose(conversation.goal.text))
        seconds.append(time.perf_counter() - start)
    result: dict[str, object] = {
        "file": given.file.name,
        "decomposer": given.decomposer,
        "conversations": len(judged),
        "seconds_a_goal": {"median": statistics.median(seconds), "most": max(seconds)},
    }
    if not given.only_seconds:
        pairs = list(zip(judged, goals, strict=True))
        with GoalTracker.load() as tracker:
            result["tracker"] = tracker.describe()
            moved: defaultdict[Category, list[tuple[float, float]]] = defaultdict(list)
            for conversation, goal in pairs:
                theirs = rates(tracker.track(conversation))
                ours = rates(tracker.track(replace(conversation, goal=goal, labels=None)))
                for category in theirs.keys() & ours.keys():
                    moved[category].append((theirs[category], ours[category]))
        result["success"] = {
            str(category): {
                "conversations": len(moved[category]),
                "with_the_judges_components": statistics.fmean(a for a, _ in moved[category]),
                "with_the_split_goal": statistics.fmean(b for _, b in moved[category]),
                "moved_by": statistics.fmean(abs(a - b) for a, b in moved[category]),
            }
            for category in Category
            if moved[category]
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

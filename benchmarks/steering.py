"""What steering a simulated user by its goal state is worth: ``python -m benchmarks.steering FOLDER``.

Every arm (none, goal, state, plan, lookahead) plays the same goals with the same seeds. Conversations are
kept in ``FOLDER/ARM.jsonl``, in goalstate's own format with the truth as labels, so that a run that was
stopped goes on with the same command, and ``goalstate evaluate FOLDER/ARM.jsonl`` reads them. What is printed
comes from these files alone.

Success is as in the paper: COMPLETE or ATTEMPTED for objectives and requirements, ALIGNED for the rest,
at the end, by the truth of the world and the checkable rules, never by the tracker. Intervals are 95%,
from a bootstrap over goals; differences are paired with ``none`` by goal.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from tracker.bootstrap import Sample, resampled
from tracker.conversation import Conversation
from tracker.formats import read
from tracker.goal import SUCCESS, Category, Status
from tracker.metrics import Floats, ratio
from tracker.simulator import SimulatedGoal, Simulation, Steer, generate_goals, simulate
from tracker.simulator.local import LocalUser
from tracker.simulator.scripted import ScriptedUser
from tracker.simulator.user import SimulatedUser
from tracker.tracking import DECODERS, GoalTracker

RESAMPLES = 2000
_CATEGORIES = tuple(Category)
_TASKS = (Category.OBJECTIVE, Category.REQUIREMENT)

_Figure = dict[str, list[float] | float | None]
"""What is printed of a figure: ``value``, ``interval``, ``difference`` to ``none`` and its own."""


@dataclass(frozen=True)
class Goal:
    """What is counted of one conversation."""

    success: Floats
    """(5,) components that succeeded, by category."""
    components: Floats
    """(5,)"""
    right: Floats
    """(5,) component-turns that the tracker got right."""
    asked: Floats
    """(5,)"""
    wrongful: float
    """1 where the user left, before its last turn, with a task that is INCOMPLETE."""
    overrun: float
    """1 where the turns were used up without a goodbye, or with a task that is INCOMPLETE."""
    turns: float
    words: float
    user_s: float
    steering_s: float
    total_s: float
    messages: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--goals", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--arms", nargs="+", choices=list(Steer), default=list(Steer))
    parser.add_argument("--user", help="a GGUF, or 'scripted'; goalstate's own user otherwise")
    parser.add_argument("--model", help="a GGUF to track with; goalstate's own otherwise")
    parser.add_argument("--decoder", choices=DECODERS, default="branches", help="how it is tracked")
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--workers", type=int, default=1, help="goals that are played at once")
    parser.add_argument("--threads", type=int, help="of each of them; as many as the machine is good for")
    parser.add_argument("--show", action="store_true", help="only print what is in the folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    arms = [Steer(arm) for arm in given.arms]
    given.folder.mkdir(parents=True, exist_ok=True)
    if not given.show:
        _same_settings(given)
        play(given, arms)
    wanted = {goal.id for goal in generate_goals(given.goals, random_state=given.seed)}
    figures = {arm: counted(given.folder / f"{arm}.jsonl", given.turns, wanted) for arm in arms}
    report(figures, as_json=given.json)


def play(given: argparse.Namespace, arms: Sequence[Steer]) -> None:
    """Play what is not in the folder yet: goal by goal, so that a run that is stopped is paired."""
    files = {arm: given.folder / f"{arm}.jsonl" for arm in arms}
    done = {arm: _ids(file) for arm, file in files.items()}
    goals = generate_goals(given.goals, random_state=given.seed)
    still = {place: [arm for arm in arms if goal.id not in done[arm]] for place, goal in enumerate(goals)}
    missing = {place: left for place, left in still.items() if left}
    fresh = get_context("spawn")
    with ProcessPoolExecutor(given.workers, mp_context=fresh) as pool:
        running = [pool.submit(_lines, given, place, left) for place, left in missing.items()]
        try:
            for number, played in enumerate(as_completed(running), start=len(goals) - len(missing) + 1):
                # One write a line: what stops the run leaves whole lines, or a torn last one.
                for arm, line in played.result().items():
                    with files[arm].open("a", encoding="utf-8") as file:
                        file.write(line + "\n")
                print(f"\r{number} of {len(goals)} goals", end="", flush=True)
        except BaseException:
            # What is still waiting would be played to the end, and thrown away.
            pool.shutdown(cancel_futures=True)
            raise
    print()


def _same_settings(given: argparse.Namespace) -> None:
    """Keep in the folder what its conversations are played with; ``SystemExit`` where they were others."""
    file = given.folder / "settings.json"
    names = ("user", "model", "decoder", "temperature", "turns", "seed")
    settings = {name: str(vars(given)[name]) for name in names}
    if not file.exists():
        file.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    elif (kept := json.loads(file.read_text(encoding="utf-8"))) != settings:
        differ = ", ".join(f"{name} {kept.get(name)}" for name in names if kept.get(name) != settings[name])
        raise SystemExit(
            f"{given.folder} holds conversations with other settings ({differ}); take another folder"
        )


def _lines(given: argparse.Namespace, place: int, arms: Sequence[Steer]) -> dict[Steer, str]:
    """Play one goal, by its place in the draw, in some arms; a line of output for each."""
    simulated = generate_goals(place + 1, random_state=given.seed)[place]
    user: SimulatedUser = (
        ScriptedUser()
        if given.user == "scripted"
        else LocalUser.load(given.user, threads=given.threads, temperature=given.temperature)
    )
    with GoalTracker.load(given.model, decoder=given.decoder, threads=given.threads) as tracker:
        played = {arm: _played(simulated, user, arm, tracker, given.turns) for arm in arms}
    user.close()
    return {arm: json.dumps(one.as_json(), ensure_ascii=False) for arm, one in played.items()}


def _played(
    simulated: SimulatedGoal, user: SimulatedUser, arm: Steer, tracker: GoalTracker, turns: int
) -> Simulation:
    simulation = simulate(simulated, user=user, steer=arm, tracker=tracker, turns=turns)
    if not simulation.states:
        # Arms that are not steered by the tracker are tracked afterwards, for its agreement with the truth.
        simulation = replace(simulation, states=tracker.track(simulation.conversation).states)
    return simulation


def _ids(file: Path) -> set[str]:
    """The ids of the conversations in a file; a torn last line is cut off."""
    if not file.exists():
        return set()
    whole = [line for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    if sum(map(len, whole)) != file.stat().st_size:
        file.write_bytes(b"".join(whole))
    return {json.loads(line)["id"] for line in whole}


def counted(file: Path, turns: int, goals: Collection[str]) -> dict[str, Goal]:
    """Count an arm's conversations about the goals with these ids, by the id; a file may hold others too."""
    if not _ids(file):
        return {}
    found = {}
    lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for conversation, line in zip(read(file, format="native"), lines, strict=True):
        if not isinstance(conversation, Conversation):
            raise conversation
        if conversation.id in goals:
            found[conversation.id] = _count(conversation, json.loads(line)["simulation"], turns)
    return found


def _count(conversation: Conversation, simulation: dict[str, object], turns: int) -> Goal:
    success, components, right, asked = (np.zeros(len(_CATEGORIES)) for _ in range(4))
    states = simulation["states"]
    seconds = simulation["seconds"]
    assert isinstance(states, list)
    assert isinstance(seconds, dict)
    open_task = False
    for component in conversation.goal:
        row = _CATEGORIES.index(component.category)
        truth = conversation.labelled_statuses(component.id)
        components[row] += 1
        success[row] += truth[-1] in SUCCESS[component.category]
        open_task |= component.category in _TASKS and truth[-1] is Status.INCOMPLETE
        for status, state in zip(truth, states, strict=True):
            asked[row] += 1
            right[row] += state["state"][component.id]["status"] == status
    said = conversation.turns
    closed = simulation["ending"] == "closed"
    last = len(said) >= turns
    return Goal(
        success=success,
        components=components,
        right=right,
        asked=asked,
        wrongful=float(closed and open_task and not last),
        overrun=float(not closed or (last and open_task)),
        turns=len(said),
        words=sum(len(turn.user.split()) for turn in said),
        user_s=seconds["user"],
        steering_s=seconds["steering"],
        total_s=sum(seconds.values()),
        messages=tuple(turn.user for turn in said),
    )


@dataclass(frozen=True)
class Statistic:
    """A mean over ratios of sums: the success of five categories, or one ratio such as words a turn."""

    above: Callable[[Goal], Floats]
    below: Callable[[Goal], Floats]

    def sums(self, goals: Sequence[Goal]) -> Floats:
        """What is added up of each goal, shape (goals, 2, ratios)."""
        return np.array([[self.above(goal), self.below(goal)] for goal in goals])

    @staticmethod
    def of(sums: Floats) -> Floats:
        """Its value for sums of shape (..., 2, ratios); ratios of nothing are left out."""
        mean: Floats = np.nanmean(ratio(sums[..., 0, :], sums[..., 1, :]), axis=-1)
        return mean


def _ratio(above: Callable[[Goal], float], below: Callable[[Goal], float]) -> Statistic:
    return Statistic(lambda goal: np.array([above(goal)]), lambda goal: np.array([below(goal)]))


def _success(row: int) -> Statistic:
    return Statistic(lambda goal: goal.success[[row]], lambda goal: goal.components[[row]])


def statistics() -> dict[str, Statistic]:
    return {
        "success, average": Statistic(lambda g: g.success, lambda g: g.components),
        **{f"success, {category}": _success(row) for row, category in enumerate(_CATEGORIES)},
        "wrongful terminations": _ratio(lambda g: g.wrongful, lambda g: 1.0),
        "turn-limit overruns": _ratio(lambda g: g.overrun, lambda g: 1.0),
        "tracker's accuracy": Statistic(lambda g: g.right, lambda g: g.asked),
        "words a message": _ratio(lambda g: g.words, lambda g: g.turns),
        "turns": _ratio(lambda g: g.turns, lambda g: 1.0),
        "steering's share of time": _ratio(lambda g: g.steering_s, lambda g: g.total_s),
        "seconds a turn": _ratio(lambda g: g.total_s, lambda g: g.turns),
    }


def distinct_2(messages: Sequence[str], most: int) -> float:
    """Different pairs of neighbouring words, as a share of the first ``most`` pairs (Li et al. 2016)."""
    pairs = [pair for message in messages for words in [message.lower().split()] for pair in pairwise(words)][
        :most
    ]
    return len(set(pairs)) / max(len(pairs), 1)


def report(figures: dict[Steer, dict[str, Goal]], *, as_json: bool) -> None:
    """Print a row per figure and a column per arm, over the goals that all arms have played."""
    shared = sorted(set.intersection(*(set(by_id) for by_id in figures.values())))
    if not shared:
        raise SystemExit("no goal has been played by all arms yet")
    goals = {arm: [by_id[name] for name in shared] for arm, by_id in figures.items()}
    result: dict[str, dict[str, _Figure]] = {}
    base = Steer.NONE if Steer.NONE in goals else None
    for name, statistic in statistics().items():
        sums = {arm: statistic.sums(rows) for arm, rows in goals.items()}
        # The same goals are drawn for every arm, so that differences are paired.
        drawn = resampled(sums, resamples=RESAMPLES, random_state=0)
        samples = {
            arm: Sample(float(statistic.of(part.sum(axis=0))), statistic.of(drawn[arm]))
            for arm, part in sums.items()
        }
        for arm, sample in samples.items():
            cell: _Figure = {"value": sample.value, "interval": _interval(sample)}
            if base is not None and arm is not base:
                none = samples[base]
                difference = Sample(sample.value - none.value, sample.resampled - none.resampled)
                cell["difference"] = difference.value
                cell["difference interval"] = _interval(difference)
            result.setdefault(name, {})[str(arm)] = cell
    # The more words, the fewer new ones: all arms are cut to the length of the shortest.
    spoken = {arm: [text for goal in rows for text in goal.messages] for arm, rows in goals.items()}
    most = min(sum(max(len(text.split()) - 1, 0) for text in texts) for texts in spoken.values())
    result["distinct-2"] = {str(arm): {"value": distinct_2(texts, most)} for arm, texts in spoken.items()}
    if as_json:
        print(json.dumps({"goals": len(shared), "figures": result}, indent=2))
        return
    print(f"{len(shared)} goals\n")
    print("| | " + " | ".join(map(str, goals)) + " |")
    print("| --- |" + " --- |" * len(goals))
    for name, cells in result.items():
        print(f"| {name} | " + " | ".join(_cell(cells[str(arm)]) for arm in goals) + " |")


def _interval(sample: Sample) -> list[float] | None:
    """Its bounds; none where a single goal was played."""
    estimate = sample.estimate()
    return None if np.isnan(estimate.low) else [estimate.low, estimate.high]


def _cell(cell: _Figure) -> str:
    text = f"{cell['value']:.3f}"
    if isinstance(bounds := cell.get("interval"), list):
        text += f" ({bounds[0]:.2f}–{bounds[1]:.2f})"
    if (difference := cell.get("difference")) is not None:
        text += f", {difference:+.3f}"
    if isinstance(bounds := cell.get("difference interval"), list):
        text += f" ({bounds[0]:+.2f} to {bounds[1]:+.2f})"
    return text


if __name__ == "__main__":
    main()

"""How every component of a simulated goal truly stands after every turn.

Knows the law of ``tracker.goal`` and how to read the world's log by it: what the user named, what the agent
offered, did, refused or told. Knows nothing about trackers. The rules are those that the labels of judged
conversations follow:

- a requirement is COMPLETE where the user named it and an offer states it, or where what was done meets it;
  ATTEMPTED where the user had named it and the agent says that it cannot be met, fails the whole request, or
  does it wrong; a fact is ATTEMPTED too once the agent has passed over the question twice;
- an objective is COMPLETE where the request was carried out, ATTEMPTED where it failed as a whole;
- nothing moves backward.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracker.conversation import LabelChange, Turn
from tracker.goal import STATUSES, Component, Status
from tracker.simulator.checks import About, Choice, Condition, Evidence, FactWanted, Rule, Task
from tracker.simulator.goals import Check, SimulatedGoal
from tracker.simulator.speech import plain, same_name
from tracker.simulator.world import Event, Happening

_TOLD_ATTEMPTS = 2
"""A question that was passed over so often counts as attempted."""


def true_labels(
    simulated: SimulatedGoal, turns: Sequence[Turn], events: Sequence[Event], *, closing: int | None
) -> dict[str, tuple[LabelChange, ...]]:
    """The turns at which each component's status truly changes.

    Parameters
    ----------
    turns
        The conversation; a turn's events have its number.
    closing
        The turn of the user's goodbye; ``None`` where the conversation was cut off.
    """
    settled: dict[str, int] = {}
    labels: dict[str, tuple[LabelChange, ...]] = {}
    judged = {
        component.id: _candidates(simulated.checks[component.id], turns, events)
        for component in simulated.goal
        if not isinstance(simulated.checks[component.id], Rule)
    }
    for component in simulated.goal:
        check = simulated.checks[component.id]
        if isinstance(check, Task) and judged[component.id]:
            settled[check.domain] = min(turn for turn, _ in judged[component.id])
    evidence = Evidence(turns, events, closing, settled)
    for component in simulated.goal:
        check = simulated.checks[component.id]
        if isinstance(check, Rule):
            broken = check.broken_at(evidence)
            found = [] if broken is None else [(broken, Status.MISALIGNED)]
        else:
            found = judged[component.id]
        labels[component.id] = _forward(component, found)
    return labels


def _forward(component: Component, found: Sequence[LabelChange]) -> tuple[LabelChange, ...]:
    """Keep of the changes those that move forward; of several in a turn the furthest."""
    order = STATUSES[component.category]
    reached, kept = 0, dict[int, Status]()
    for turn, status in sorted(found, key=lambda change: (change[0], order.index(change[1]))):
        if order.index(status) > reached:
            reached = order.index(status)
            kept[turn] = status
    return tuple(kept.items())


def _candidates(check: Check, turns: Sequence[Turn], events: Sequence[Event]) -> list[LabelChange]:
    match check:
        case Task():
            return _task(check, events)
        case Condition():
            return _condition(check, events)
        case FactWanted():
            return _fact(check, events)
        case Choice():
            return _choice(check, turns)
        case About():
            return _about(check, events)
    raise AssertionError(f"not judged here: {check}")


def _task(check: Task, events: Sequence[Event]) -> list[LabelChange]:
    found: list[LabelChange] = []
    for event in events:
        if event.domain != check.domain or not check.identity.items() <= event.values.items():
            continue
        if event.happening is Happening.DONE:
            found.append((event.turn, Status.COMPLETE))
        elif event.happening is Happening.FAILED:
            found.append((event.turn, Status.ATTEMPTED))
    return found


def _condition(check: Condition, events: Sequence[Event]) -> list[LabelChange]:
    found: list[LabelChange] = []
    named = False
    for event in events:
        if event.domain != check.domain:
            continue
        kind, met = event.happening, event.values.get(check.slot) == check.value
        named = named or (kind is Happening.NAMED and met)
        wrong = kind is Happening.DONE and check.slot in event.values and not met
        refused = kind is Happening.FAILED or (kind is Happening.UNMET and met)
        if (kind is Happening.DONE and met) or (kind is Happening.OFFERED and met and named):
            found.append((event.turn, Status.COMPLETE))
        elif named and (wrong or refused):
            found.append((event.turn, Status.ATTEMPTED))
    return found


def _fact(check: FactWanted, events: Sequence[Event]) -> list[LabelChange]:
    found: list[LabelChange] = []
    wanted, skipped = False, 0
    for event in events:
        if event.domain != check.domain:
            continue
        kind, same = event.happening, event.values.get("fact") == check.fact
        wanted = wanted or (kind is Happening.WANTED and same)
        skipped += kind is Happening.SKIPPED and same
        passed_over = kind is Happening.SKIPPED and same and skipped == _TOLD_ATTEMPTS
        if kind is Happening.TOLD and same:
            found.append((event.turn, Status.COMPLETE))
        elif passed_over or (kind is Happening.UNTOLD and same) or (kind is Happening.FAILED and wanted):
            found.append((event.turn, Status.ATTEMPTED))
    return found


def _choice(check: Choice, turns: Sequence[Turn]) -> list[LabelChange]:
    """A wish is voiced where what is preferred is said, and not as what it is preferred to."""
    for turn in turns:
        text = plain(turn.user)
        for sentence in re.split(r"[.!?;\n]", text):
            preferred = re.search(check.preferred, sentence)
            other = re.search(check.other, sentence)
            if preferred is None or _refused(sentence[: preferred.start()]):
                continue
            if (
                other is not None
                and other.start() < preferred.start()
                and not _refused(sentence[: other.start()])
            ):
                continue
            return [(turn.index, Status.ALIGNED)]
    return []


def _refused(before: str) -> bool:
    return (
        re.search(r"\b(no|not|don't|do not|without|than|instead of|rather than)\b[^,]*$", before) is not None
    )


def _about(check: About, events: Sequence[Event]) -> list[LabelChange]:
    for event in events:
        said = event.values.get(check.slot)
        if event.happening is not Happening.NAMED or event.domain or said is None:
            continue
        if not _agrees(check, said):
            return [(event.turn, Status.MISALIGNED)]
    return []


def _agrees(check: About, said: str) -> bool:
    if check.slot == "name":
        return same_name(check.value, said)
    if check.slot == "phone":
        return re.sub(r"\D", "", check.value) == re.sub(r"\D", "", said)
    return check.value == said

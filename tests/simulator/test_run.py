"""Whole conversations: with a scripted user, any agent, and a tracker that knows the truth."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from worlds import restaurant_goal

from tracker.conversation import Conversation, Message
from tracker.errors import InputError
from tracker.formats import read
from tracker.goal import SUCCESS, Category, Goal, Status
from tracker.simulator import Ending, Simulation, Steer, Temperament, generate_goals, simulate
from tracker.simulator.run import CANDIDATES
from tracker.simulator.scripted import Drift, ScriptedUser
from tracker.simulator.steering import Instruction
from tracker.state import ComponentState, GoalState


class FakeTracker:
    """Holds tasks for COMPLETE from a turn on, and rules for broken at an exclamation mark."""

    def __init__(self, complete_at: int = 3) -> None:
        self.complete_at = complete_at
        self.forks = 0

    def start(self, goal: Goal, *, opening: str | None = None) -> FakeSession:
        return FakeSession(self, goal, GoalState.start(goal))

    def update_many(self, updates: Sequence[tuple[FakeSession, str, str | None]]) -> list[GoalState]:
        return [session.update(user, assistant) for session, user, assistant in updates]


class FakeSession:
    def __init__(self, tracker: FakeTracker, goal: Goal, state: GoalState) -> None:
        self.tracker, self.goal, self.state = tracker, goal, state

    def update(self, user: str, assistant: str | None = None) -> GoalState:
        turn = self.state.turn + 1
        statuses = {}
        for component in self.goal:
            status = self.state[component.id].status
            if component.category in (Category.OBJECTIVE, Category.REQUIREMENT):
                status = Status.COMPLETE if turn >= self.tracker.complete_at else status
            elif component.category is Category.POLICY and "!" in user:
                status = Status.MISALIGNED
            statuses[component.id] = ComponentState(status, 1.0)
        self.state = GoalState(turn, statuses)
        return self.state

    def copy(self, components: Sequence[str] | None = None) -> FakeSession:
        self.tracker.forks += 1
        kept = set(components or ())
        goal = Goal.model_construct(text="", components=tuple(c for c in self.goal if c.id in kept))
        return FakeSession(self.tracker, goal, self.state)

    def close(self) -> None:
        return

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, *_: object) -> None:
        return


class Parrot:
    """A user that says what it was given, and remembers what it was told."""

    name = "parrot"
    redraws = 0

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.told: list[Instruction] = []
        self.said = 0

    def start(self, goal: Goal, *, random_state: str) -> Parrot:
        return self

    def propose(self, messages: Sequence[Message], instruction: Instruction, count: int = 1) -> list[str]:
        self.told.append(instruction)
        found = [self.texts[(self.said + n) % len(self.texts)] for n in range(count)]
        self.said += count
        return found

    def close(self) -> None:
        return


def success(simulations: Sequence[Simulation]) -> float:
    last = [
        (component, simulation.conversation.labelled_statuses(component.id)[-1])
        for simulation in simulations
        for component in simulation.conversation.goal
    ]
    return sum(status in SUCCESS[component.category] for component, status in last) / len(last)


@pytest.fixture(scope="module")
def good() -> list[Simulation]:
    user = ScriptedUser(Drift.never())
    return [simulate(goal, user=user) for goal in generate_goals(16, random_state=11)]


def test_a_user_that_does_not_drift_reaches_nearly_everything(good: list[Simulation]) -> None:
    assert success(good) > 0.9
    assert sum(simulation.ending is Ending.CLOSED for simulation in good) > 12


def test_one_that_drifts_does_not(good: list[Simulation]) -> None:
    user = ScriptedUser(Drift(forgets=0.5, contradicts=0.3, stops_early=0.3))
    drifted = [simulate(goal, user=user) for goal in generate_goals(16, random_state=11)]
    assert success(drifted) < success(good) - 0.1


def test_the_same_seed_gives_the_same_conversation(good: list[Simulation]) -> None:
    again = simulate(generate_goals(1, random_state=11)[0], user=ScriptedUser(Drift.never()))
    assert again.conversation == good[0].conversation


def test_the_output_is_a_native_file_with_labels(good: list[Simulation], tmp_path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("".join(json.dumps(simulation.as_json()) + "\n" for simulation in good))
    back = list(read(path))
    assert all(isinstance(one, Conversation) for one in back)
    assert [one.labels for one in back] == [simulation.conversation.labels for simulation in good]


def test_your_own_agent_is_a_function() -> None:
    def mine(messages: list[dict[str, str]]) -> str:
        return f"You said: {messages[-1]['content']}"

    simulation = simulate(restaurant_goal(), user=Parrot("Hello.", "Bye."), agent=mine)
    assert [turn.assistant for turn in simulation.conversation.turns] == [
        "You said: Hello.",
        "You said: Bye.",
    ]
    assert simulation.conversation.labels is None
    assert simulation.agent == "mine"


def test_an_agent_that_says_nothing_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing"):
        simulate(restaurant_goal(), user=Parrot("Hello."), agent=lambda messages: " ")


def test_the_turn_limit() -> None:
    simulation = simulate(restaurant_goal(), user=Parrot("Hello."), agent=Temperament.CRISP, turns=4)
    assert simulation.ending is Ending.CUT_OFF
    assert len(simulation.conversation.turns) == 4


def test_without_steering_the_user_decides_when_to_leave() -> None:
    user = Parrot("Hello.", "Goodbye.")
    simulation = simulate(restaurant_goal(), user=user, agent=Temperament.CRISP)
    assert simulation.ending is Ending.CLOSED
    assert [told.text for told in user.told] == ["", ""]


@pytest.mark.parametrize("steer", [Steer.STATE, Steer.PLAN])
def test_with_steering_the_tracker_does(steer: Steer) -> None:
    user = Parrot("A table, please. Goodbye.")
    tracker = FakeTracker(complete_at=3)
    simulation = simulate(restaurant_goal(), user=user, agent=Temperament.CRISP, steer=steer, tracker=tracker)
    texts = [turn.user for turn in simulation.conversation.turns]
    assert texts == ["A table, please."] * 3 + ["A table, please. Goodbye."]
    assert simulation.ending is Ending.CLOSED
    assert len(simulation.states) == 4


def test_a_user_that_will_not_stay_is_kept_anyway() -> None:
    simulation = simulate(
        restaurant_goal(),
        user=Parrot("Goodbye."),
        agent=Temperament.CRISP,
        steer=Steer.PLAN,
        tracker=FakeTracker(complete_at=2),
    )
    assert "Goodbye" not in simulation.conversation.turns[0].user
    assert simulation.conversation.turns[-1].user == "Goodbye."


def test_look_ahead_sends_the_candidate_that_keeps_the_rules() -> None:
    from tracker.simulator import checks

    rule = ("calm", Category.POLICY, "Never use an exclamation mark.", checks.never("x", checks.EXCLAMATION))
    tracker = FakeTracker(complete_at=2)
    simulation = simulate(
        restaurant_goal(rule),
        user=Parrot("A table!", "Now!", "A table, please."),
        agent=Temperament.CRISP,
        steer=Steer.LOOKAHEAD,
        tracker=tracker,
        turns=3,
    )
    assert all("!" not in turn.user for turn in simulation.conversation.turns)
    assert tracker.forks >= 3


def first_message(user: Parrot, steer: Steer = Steer.PLAN) -> str:
    """What a user sends first, under a plan that names the restaurant."""
    tracker = FakeTracker(complete_at=9)
    simulation = simulate(
        restaurant_goal(), user=user, agent=Temperament.CRISP, steer=steer, tracker=tracker, turns=1
    )
    return simulation.conversation.turns[0].user


def test_a_message_that_says_nothing_of_the_plan_is_drawn_again() -> None:
    user = Parrot("That is up to you.", "Yes, do that.", "Book a table at a restaurant.", "No.")
    user.redraws = 1
    assert first_message(user) == "Book a table at a restaurant."


def test_a_plan_that_the_user_is_not_told_chooses_nothing() -> None:
    texts = ("Goodbye.", "Yes, do that.", "Book a table at a restaurant.", "No.")
    for steer, sent in ((Steer.STATE, texts[1]), (Steer.PLAN, texts[2])):
        user = Parrot(*texts)
        user.redraws = 1
        assert first_message(user, steer) == sent


def test_what_is_drawn_in_vain_is_sent_all_the_same() -> None:
    user = Parrot("That is up to you.")
    user.redraws = 2
    assert first_message(user) == "That is up to you."
    assert user.said == 1 + 2 * CANDIDATES


def test_half_a_character_of_an_agent_is_no_text_and_no_end() -> None:
    simulation = simulate(restaurant_goal(), user=Parrot("Hello."), agent=lambda _: "Fine \ud83d", turns=1)
    assert simulation.conversation.messages[1].content == "Fine ?"


def test_steering_helps_the_scripted_user_by_what_it_reads() -> None:
    user = ScriptedUser(Drift(forgets=0.5, contradicts=0.0, stops_early=0.3))
    goals = generate_goals(12, random_state=11)
    alone = success([simulate(goal, user=user) for goal in goals])
    tracker = FakeTracker(complete_at=99)
    planned = success([simulate(goal, user=user, steer=Steer.PLAN, tracker=tracker) for goal in goals])
    assert planned > alone

"""Small goals, and conversations with the rule-based agent, for the simulator's tests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tracker.conversation import Message, Role, Turn
from tracker.goal import Category, Component, Goal
from tracker.simulator.agent import RuleAgent, Temperament
from tracker.simulator.checks import Condition, FactWanted, Task
from tracker.simulator.domains import DOMAINS
from tracker.simulator.goals import Check, SimulatedGoal, Trouble
from tracker.simulator.truth import true_labels
from tracker.simulator.world import World

Labels = dict[str, list[tuple[int, str]]]


def goal_of(*parts: tuple[str, Category, str, Check], troubles: Sequence[Trouble] = ()) -> SimulatedGoal:
    """A goal from ids, categories, texts and checks."""
    objective = next((name for name, category, *_ in parts if category is Category.OBJECTIVE), None)
    components = tuple(
        Component(
            id=name,
            category=category,
            text=text,
            objective=objective if category in (Category.REQUIREMENT, Category.PREFERENCE) else None,
        )
        for name, category, text, _ in parts
    )
    return SimulatedGoal(
        id="small",
        goal=Goal(text=" ".join(c.text for c in components), components=components),
        checks={name: check for name, _, _, check in parts},
        domains=("restaurant",),
        random_state="small",
        troubles=tuple(troubles),
    )


def restaurant_goal(
    *more: tuple[str, Category, str, Check], troubles: Sequence[Trouble] = ()
) -> SimulatedGoal:
    """A table for four at a Greek restaurant, and whether there is parking."""
    return goal_of(
        ("task", Category.OBJECTIVE, "Book a table at a restaurant.", Task("restaurant", {})),
        ("people", Category.REQUIREMENT, "The table is for four people.",
         Condition("restaurant", "people", "4")),
        ("food", Category.REQUIREMENT, "The restaurant serves Greek food.",
         Condition("restaurant", "cuisine", "Greek")),
        ("parking", Category.REQUIREMENT, "Find out whether there is parking.",
         FactWanted("restaurant", "parking")),
        *more,
        troubles=troubles,
    )  # fmt: skip


def trouble(name: str, **arguments: object) -> Trouble:
    """Something that goes wrong at the restaurant."""
    return partial(getattr(World, name), domain=DOMAINS["restaurant"], **arguments)


def talk(
    simulated: SimulatedGoal,
    *said: str,
    temperament: Temperament = Temperament.CRISP,
    leaves: bool = False,
) -> tuple[list[str], Labels]:
    """The agent's replies to what a user says, and the true labels."""
    world = simulated.world()
    agent = RuleAgent(world, temperament, random_state="small")
    messages: list[Message] = []
    for text in said:
        messages.append(Message(role=Role.USER, content=text))
        messages.append(Message(role=Role.ASSISTANT, content=agent.reply(messages)))
    turns = [
        Turn(number // 2 + 1, messages[number].content, messages[number + 1].content)
        for number in range(0, len(messages), 2)
    ]
    labels = true_labels(simulated, turns, world.events, closing=len(turns) if leaves else None)
    replies = [turn.assistant or "" for turn in turns]
    return replies, {name: [(turn, str(status)) for turn, status in found] for name, found in labels.items()}

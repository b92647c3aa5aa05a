"""Training data of the simulated user: conversations and labels become packs of what a user should say.

Knows which messages are worth learning and what steering would have told the user before them. Knows nothing
about weights; the words come from ``tracker.simulator.user`` and ``tracker.simulator.steering``, so that
training and simulating cannot drift apart.

A pack is one conversation with the roles turned round, and a branch for each message that is learned: what
the user is told, then the message. What it is told is made from the labels, the true state before the
message; the plan tells it to say what it went on to say. Messages by which a policy or profile turns
MISALIGNED are left out, and so is a goodbye that leaves a task INCOMPLETE: nobody should learn to drift.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracker.conversation import Conversation
from tracker.farewell import is_farewell
from tracker.goal import Category, Status
from tracker.output import TrackWriter
from tracker.prompt import Control
from tracker.simulator.goals import generate_goals
from tracker.simulator.run import simulate
from tracker.simulator.scripted import Drift, ScriptedUser
from tracker.simulator.speech import affirms, denies, leaves_open
from tracker.simulator.steering import Planner, Reply, Steer, instruct, says
from tracker.simulator.user import cue_pieces, message_pieces, setting_pieces
from tracker.state import ComponentState, GoalState
from tracker.vocabulary import Vocabulary
from training.command import exit_code
from training.data import Ids

SHARES: Mapping[Steer, float] = {Steer.NONE: 0.15, Steer.GOAL: 0.1, Steer.STATE: 0.25, Steer.PLAN: 0.5}
"""How often a message is learned with each kind of steering."""
_SPARE_TURNS = 6
"""At most so many more messages are said to be left than there were."""


@dataclass(frozen=True)
class UserPack:
    """One conversation's prefix, and branches with the message to learn at their end.

    ``prefix`` (prefix tokens,); ``branches[i]`` (its tokens,) stands behind the first ``visible[i]`` tokens
    of the prefix; its tokens from ``learned[i]`` on are the message and the token that ends it.
    """

    id: str
    prefix: Ids
    branches: tuple[Ids, ...]
    visible: Ids
    learned: tuple[int, ...]


def state_before(conversation: Conversation, turn: int) -> GoalState:
    """The true state before a turn, counted from 1, for certain."""
    states = {}
    for component in conversation.goal:
        statuses = conversation.labelled_statuses(component.id)
        status = component.start if turn == 1 else statuses[turn - 2]
        states[component.id] = ComponentState(status, 1.0)
    return GoalState(turn - 1, states)


def worth_learning(conversation: Conversation) -> list[int]:
    """The turns, counted from 1, whose user message is no drift."""
    tasks = [c for c in conversation.goal if c.category in (Category.OBJECTIVE, Category.REQUIREMENT)]
    kept = [c for c in conversation.goal if c.category in (Category.PROFILE, Category.POLICY)]
    labels = {c.id: conversation.labelled_statuses(c.id) for c in conversation.goal}
    turns = []
    for turn in conversation.turns:
        drifts = any(
            labels[c.id][turn.index - 1] is Status.MISALIGNED
            and (turn.index == 1 or labels[c.id][turn.index - 2] is Status.ALIGNED)
            for c in kept
        )
        unfinished = any(labels[c.id][turn.index - 1] is Status.INCOMPLETE for c in tasks)
        if not drifts and not (is_farewell(turn.user) and unfinished):
            turns.append(turn.index)
    return turns


def told(conversation: Conversation, steers: Mapping[int, Steer], spare: int) -> dict[int, str]:
    """What the user is told before the messages of some turns.

    Parameters
    ----------
    steers
        Turn → how it is steered there.
    spare
        Messages left beyond those of the conversation.
    """
    planner = Planner(conversation.goal)
    turns = conversation.turns
    texts = {}
    before = 1 if conversation.opening is not None else 0
    for turn in turns:
        state = state_before(conversation, turn.index)
        after = {c.id: conversation.labelled_statuses(c.id)[turn.index - 1] for c in conversation.goal}
        # What the message says, and what moves by it without having been said before.
        earlier = " ".join(one.user for one in turns[: turn.index - 1])
        spoken = {
            c.id
            for c in conversation.goal
            if c.category not in (Category.PROFILE, Category.POLICY)
            and (says(turn.user, c) or (after[c.id] != state[c.id].status and not says(earlier, c)))
        }
        plan = planner.plan(
            state,
            conversation.messages[: before + 2 * (turn.index - 1)],
            len(turns) - turn.index + 1 + spare,
            say=spoken,
            close=turn.index == len(turns) and is_farewell(turn.user),
            reply=replied(turn.user),
        )
        if turn.index in steers:
            texts[turn.index] = instruct(steers[turn.index], conversation.goal, state, plan).text
    return texts


def replied(message: str) -> list[Reply]:
    """Which of the planner's replies a message gives, if any."""
    if leaves_open(message):
        return [Reply.OPEN]
    if affirms(message):
        return [Reply.YES]
    return [Reply.NO] if denies(message) else []


def pack_user(
    conversation: Conversation, vocabulary: Vocabulary, *, branches: int, random_state: int | str
) -> UserPack | None:
    """A pack with at most so many messages to learn; ``None`` where there is nothing to learn."""
    chance = random.Random(f"{random_state}:{conversation.id}")
    turns = worth_learning(conversation)
    chosen = sorted(chance.sample(turns, min(branches, len(turns))))
    if not chosen:
        return None
    steers = dict(
        zip(chosen, chance.choices(list(SHARES), list(SHARES.values()), k=len(chosen)), strict=True)
    )
    texts = told(conversation, steers, chance.randint(0, _SPARE_TURNS))
    prefix = vocabulary.tokens(setting_pieces(conversation.goal.text))
    before = 1 if conversation.opening is not None else 0
    starts: list[int] = []
    for position, message in enumerate(conversation.messages):
        if (position - before) % 2 == 0:
            starts.append(len(prefix))
        prefix += vocabulary.tokens(message_pieces([message]))
    rows: list[Ids] = []
    learned: list[int] = []
    for turn in chosen:
        cue = vocabulary.tokens(cue_pieces(texts[turn]))
        said = vocabulary.tokens([conversation.turns[turn - 1].user, Control.CLOSE])
        rows.append(np.array([*cue, *said], dtype=np.int64))
        learned.append(len(cue))
    # Nothing looks at what comes after the last message that is learned.
    visible = [starts[turn - 1] for turn in chosen]
    return UserPack(
        id=conversation.id,
        prefix=np.array(prefix[: max(visible)], dtype=np.int64),
        branches=tuple(rows),
        visible=np.array(visible, dtype=np.int64),
        learned=tuple(learned),
    )


def with_goal_text(conversations: Sequence[Conversation]) -> list[Conversation]:
    """Those whose goal has a text, which a user cannot do without."""
    return [conversation for conversation in conversations if conversation.goal.text.strip()]


def write_simulated(path: Path, *, goals: int, random_state: int) -> int:
    """Write conversations of a scripted user that does not drift; how many there are.

    They teach a user to say what the plan names, in the simulator's own world. Their goals are drawn from
    another seed than those that anything is measured on.
    """
    user = ScriptedUser(Drift.never())
    with TrackWriter(path) as writer:
        for simulated in generate_goals(goals, random_state=random_state):
            writer.write_line(simulate(simulated, user=user, steer=Steer.NONE, turns=12).as_json())
        return writer.written


def main() -> None:
    parser = argparse.ArgumentParser(description="Write conversations of a user that does not drift.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--goals", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1_000_000)
    given = parser.parse_args()
    print(write_simulated(given.output, goals=given.goals, random_state=given.seed), "conversations")


if __name__ == "__main__":
    sys.exit(exit_code(main))

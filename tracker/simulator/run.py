"""One simulated conversation from its first message to its end, with its truth.

Knows the order of things: the user is told something, speaks, the agent answers, the tracker looks. Knows
nothing about how any of them does it.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import JsonValue

from tracker.conversation import Conversation, Message, Role, whole_characters
from tracker.errors import InputError
from tracker.formats.native import conversation_to_json
from tracker.goal import Category, Goal
from tracker.simulator.agent import Agent, AgentFunction, FunctionAgent, RuleAgent, Temperament
from tracker.simulator.goals import SimulatedGoal
from tracker.simulator.steering import (
    Candidate,
    Instruction,
    Plan,
    Planner,
    Steer,
    admissible,
    follows,
    instruct,
    on_course,
    says,
)
from tracker.simulator.truth import true_labels
from tracker.simulator.user import SimulatedUser, Speaker
from tracker.simulator.world import World
from tracker.state import GoalState
from tracker.tracking import GoalTracker

TURNS = 10
"""The most messages of a user, where nothing else is said."""
CANDIDATES = 3
"""Messages that look-ahead chooses from, and that are drawn side by side where one is drawn again."""
_AGAIN = 2
"""A message that holds nothing but a goodbye that comes too early is drawn again so often."""
_STAYS = "I am not done yet. What else do you need from me?"
"""What is sent where a user will not stay."""


class Ending(StrEnum):
    """How a conversation came to its end."""

    CLOSED = "closed"
    """The user took its leave, or the tracker let it."""
    CUT_OFF = "cut-off"
    """The turns were used up."""


@dataclass(frozen=True)
class Seconds:
    """Where the time of a conversation went."""

    user: float
    agent: float
    steering: float
    """Tracking, planning and every candidate after the first."""


@dataclass(frozen=True)
class Simulation:
    """A simulated conversation and what is known about it."""

    conversation: Conversation
    """Its labels are the truth; ``None`` where the agent keeps no log that it could be read from."""
    steer: Steer
    ending: Ending
    states: tuple[GoalState, ...]
    """What the tracker said after each turn, where it was asked."""
    seconds: Seconds
    user: str
    agent: str

    def as_json(self) -> dict[str, JsonValue]:
        """A line of a native file, with what is known of the simulation under ``simulation``."""
        states: list[JsonValue] = [state.as_json() for state in self.states]
        return {
            **conversation_to_json(self.conversation),
            "simulation": {
                "steer": str(self.steer),
                "ending": str(self.ending),
                "user": self.user,
                "agent": self.agent,
                "seconds": {
                    "user": round(self.seconds.user, 3),
                    "agent": round(self.seconds.agent, 3),
                    "steering": round(self.seconds.steering, 3),
                },
                "states": states,
            },
        }


_BY_THE_USER = frozenset({Category.PROFILE, Category.POLICY, Category.PREFERENCE})

Watcher = Callable[[str, str, GoalState | None], None]
"""Is handed each turn when it is over: the user's message, the agent's, and the state where it is tracked."""


def simulate(
    simulated: SimulatedGoal,
    *,
    user: SimulatedUser,
    agent: Temperament | Agent | AgentFunction | None = None,
    steer: Steer = Steer.NONE,
    tracker: GoalTracker | None = None,
    turns: int = TURNS,
    candidates: int = CANDIDATES,
    watch: Watcher | None = None,
) -> Simulation:
    """Let a user pursue a goal.

    Parameters
    ----------
    agent
        A temperament of the rule-based agent, drawn by the goal's seed where nothing is said; or an agent of
        your own, as an object with ``reply`` or as a function of chat messages. Only the rule-based agent
        acts in the goal's world: conversations with another have no labels.
    steer, tracker
        Steering from ``state`` on needs a tracker.
    turns
        Messages of the user's before the conversation is cut off.
    candidates
        Messages that look-ahead draws for each that is sent.

    Raises ``InputError`` where the agent answers with nothing, and ``ContextLengthError`` where the
    conversation does not fit a model's context.
    """
    if steer.tracks and tracker is None:
        raise ValueError(f"steering by {steer} needs a tracker")
    world = simulated.world()
    answering = _agent(agent, simulated, world)
    speaker = user.start(simulated.goal, random_state=simulated.random_state)
    tracked = _Tracked(tracker, simulated.goal) if tracker is not None and steer.tracks else None
    try:
        dialogue = _Dialogue(simulated.goal, speaker, tracked, steer, candidates, user.redraws)
        closing = dialogue.run(answering, turns, watch)
    finally:
        speaker.close()
        if tracked is not None:
            tracked.session.close()
    conversation = Conversation(
        id=simulated.id,
        goal=simulated.goal,
        messages=tuple(dialogue.messages),
        source="simulated",
        domain=" and ".join(simulated.domains),
    )
    if isinstance(answering, RuleAgent):
        labels = true_labels(simulated, conversation.turns, world.events, closing=closing)
        conversation = replace(conversation, labels=labels)
    world.close()
    return Simulation(
        conversation=conversation,
        steer=steer,
        ending=Ending.CUT_OFF if closing is None else Ending.CLOSED,
        states=tuple(dialogue.states),
        seconds=Seconds(dialogue.user_s, dialogue.agent_s, dialogue.steering_s),
        user=user.name,
        agent=_name(answering),
    )


class _Tracked:
    """The conversation as the tracker follows it."""

    def __init__(self, tracker: GoalTracker, goal: Goal) -> None:
        self.session = tracker.start(goal)
        self._tracker = tracker
        # A message can move these and nothing else: an objective takes an answer of the agent's.
        self._spoken_for = [c.id for c in goal if c.category in _BY_THE_USER]

    def on_course(self, texts: Sequence[str]) -> list[float]:
        """How well the goal stands if each of some messages is said; all of them are read in one batch."""
        if not self._spoken_for:
            return [0.0] * len(texts)
        with ExitStack() as forks:
            said = [(forks.enter_context(self.session.copy(self._spoken_for)), text, None) for text in texts]
            scores = []
            for (fork, _, _), state in zip(said, self._tracker.update_many(said), strict=True):
                if isinstance(state, InputError):
                    raise state
                scores.append(on_course(fork.goal, state))
        return scores


class _Dialogue:
    """A conversation under way."""

    def __init__(
        self,
        goal: Goal,
        speaker: Speaker,
        tracked: _Tracked | None,
        steer: Steer,
        candidates: int,
        redraws: int,
    ) -> None:
        self.messages: list[Message] = []
        self.states: list[GoalState] = []
        self.user_s = self.agent_s = self.steering_s = 0.0
        self._goal = goal
        self._speaker = speaker
        self._tracked = tracked
        self._steer = steer
        self._candidates = candidates
        self._redraws = redraws
        self._planner = Planner(goal)

    def run(self, agent: Agent, turns: int, watch: Watcher | None) -> int | None:
        """Speak until the user leaves; the turn at which it did, or ``None``."""
        for turn in range(1, turns + 1):
            message, closes = self._next(turns - turn + 1)
            self.messages.append(Message(role=Role.USER, content=message))
            began = time.perf_counter()
            reply = agent.reply(self.messages)
            if not isinstance(reply, str) or not reply.strip():
                raise InputError("the agent answered with nothing; expected a message")
            reply = whole_characters(reply)
            self.agent_s += time.perf_counter() - began
            self.messages.append(Message(role=Role.ASSISTANT, content=reply))
            began = time.perf_counter()
            state = None
            if self._tracked is not None:
                state = self._tracked.session.update(message, reply)
                self.states.append(state)
            self.steering_s += time.perf_counter() - began
            if watch is not None:
                watch(message, reply, state)
            if closes:
                return turn
        return None

    def _next(self, turns_left: int) -> tuple[str, bool]:
        """The user's next message, and whether it is the last."""
        began = time.perf_counter()
        plan, instruction = Plan(), Instruction()
        if self._steer is not Steer.NONE:
            tracked = self._tracked
            state = GoalState.start(self._goal) if tracked is None else tracked.session.state
            plan = self._planner.plan(state, self.messages, turns_left)
            instruction = instruct(self._steer, self._goal, state, plan)
        count = self._candidates if self._steer is Steer.LOOKAHEAD else 1
        spoke = time.perf_counter()
        texts = self._speaker.propose(self.messages, instruction, count)
        chose = time.perf_counter()
        # Candidates may be drawn side by side: one even share is the user's, the others are steering's.
        self.user_s += (chose - spoke) / count
        usable = self._usable(texts, instruction, plan)
        best = usable[0] if usable else None
        if len(usable) > 1:
            # A plan that the user was not told is no reason to prefer one of its messages.
            told = instruction.plan or Plan()
            scores = self._scores([candidate.text for candidate in usable], told)
            best = usable[scores.index(max(scores))]
        self.steering_s += time.perf_counter() - began - (chose - spoke) / count
        return (_STAYS, False) if best is None else (best.text, best.closes)

    def _usable(self, texts: Sequence[str], instruction: Instruction, plan: Plan) -> list[Candidate]:
        """The candidates that may be sent: those that follow the plan, or any where none does.

        Where nothing is left of them, or none follows what the user was told, more are drawn.
        """
        told = instruction.plan
        drawn = list(texts)
        for again in itertools.count():
            usable = [c for c in (admissible(text, self._steer, plan) for text in drawn) if c.text]
            following = [c for c in usable if told is None or follows(c.text, told)]
            if following or again >= (self._redraws if usable else max(self._redraws, _AGAIN)):
                break
            drawn += self._speaker.propose(self.messages, instruction, CANDIDATES if self._redraws else 1)
        return following or usable

    def _scores(self, texts: Sequence[str], plan: Plan) -> list[float]:
        """How well each of some messages keeps to the plan, and with look-ahead to the goal."""
        kept = [0.0] * len(texts)
        if self._tracked is not None and self._steer is Steer.LOOKAHEAD:
            kept = self._tracked.on_course(texts)
        return [
            score + sum(says(text, component) for component in plan.say)
            for score, text in zip(kept, texts, strict=True)
        ]


def _agent(
    agent: Temperament | Agent | AgentFunction | None, simulated: SimulatedGoal, world: World
) -> Agent:
    if agent is None:
        agent = random.Random(f"temperament:{simulated.random_state}").choice(list(Temperament))
    if isinstance(agent, Temperament):
        return RuleAgent(world, agent, random_state=simulated.random_state)
    if hasattr(agent, "reply"):
        return agent
    return FunctionAgent(agent)


def _name(agent: Agent) -> str:
    if isinstance(agent, RuleAgent):
        return str(agent.temperament)
    if isinstance(agent, FunctionAgent):
        return getattr(agent.function, "__name__", "function")
    return str(getattr(agent, "name", type(agent).__name__))

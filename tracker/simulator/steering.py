"""What a simulated user is told before each message, and which of its candidate messages is sent.

Knows goals, states and words; decides what is open, what comes next, which rules are due and when the
conversation may end. Knows nothing about how a user speaks or how states are tracked.

    none       the goal stands at the beginning, and that is all
    goal       the goal's text again before each message
    state      how each component of the goal stands
    plan       what is settled, what to say next, which rules are due, whether to stop
    lookahead  the plan; of several candidate messages the one is sent that keeps most on course: profiles,
               policies and preferences as the tracker sees them if it is sent, and of what the plan names
               what the message says

Under a plan, a message that says nothing of what the plan names is drawn again.

The first two end when the user says goodbye. The others end when the tracker holds every objective and
requirement for COMPLETE or ATTEMPTED (or one has been pursued in vain for long): a goodbye before that is
taken out of the message, and after that the user is told to take its leave.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tracker.conversation import Message, Role
from tracker.farewell import is_farewell, without_farewell
from tracker.goal import SUCCESS, Category, Component, Goal, Status
from tracker.state import GoalState

PATIENCE = 4
"""An objective is given up after so many turns in which nothing moved and nothing was left to say."""
_PATIENCE_AFTERWARDS = 2
"""The same for what is left of an objective that is settled itself."""
_TIMES = 3
"""A thing that was to be said so often counts as said."""
_TIMES_AGAIN = 2
"""A thing that was said is said again so often, at most, where the agent asks for more."""
_AT_ONCE = (2, 4)
"""The least and the most things to say in one message, where there are so many."""
_TO_FINISH = 2
"""Turns that an objective takes after all is said."""


class Steer(StrEnum):
    NONE = "none"
    GOAL = "goal"
    STATE = "state"
    PLAN = "plan"
    LOOKAHEAD = "lookahead"

    @property
    def tracks(self) -> bool:
        """Whether the tracker is needed."""
        return self not in (Steer.NONE, Steer.GOAL)


class Reply(StrEnum):
    """What answers a question of the agent's that the goal has no answer to, in the user's words."""

    YES = "Yes, go ahead."
    NO = "No, thank you."
    OPEN = "That is up to you."


@dataclass(frozen=True)
class Plan:
    """What to do next; components stand in the order of the goal."""

    done: tuple[Component, ...] = ()
    refused: tuple[Component, ...] = ()
    open: tuple[Component, ...] = ()
    """Objectives and requirements that are neither, and preferences that were not voiced."""
    say: tuple[Component, ...] = ()
    """What to say in this message."""
    answer: tuple[Component, ...] = ()
    """What answers the agent's question."""
    reply: Reply | None = None
    """What answers it where no component does."""
    asked: bool = False
    """The agent's last message ends with a question."""
    rules: tuple[Component, ...] = ()
    """Policies that hold at all times."""
    due: tuple[Component, ...] = ()
    """Policies whose moment has come."""
    about: tuple[Component, ...] = ()
    close: bool = False
    """Everything is settled: take leave now. Before that, do not."""
    turns_left: int = 0


@dataclass(frozen=True)
class Instruction:
    """What a user is told before a message."""

    text: str = ""
    """For users that read: empty for nothing."""
    goal: Goal | None = None
    """Where the goal is told again."""
    state: GoalState | None = None
    """Where the state is told."""
    plan: Plan | None = None
    """Where the plan is told."""


class Planner:
    """Makes the plan of each turn of one conversation, and remembers what was pursued how often."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._told: Counter[str] = Counter()
        self._given_up: set[str] = set()
        self._idle = 0
        """Turns since something moved, or something new was to be said."""
        self._at_hand: str | None = None
        """The objective that was spoken of last."""
        self._reminded: set[str] = set()
        """Rules for the moment before something is done that have been due."""
        self._before: GoalState = GoalState.start(goal)

    def plan(
        self,
        state: GoalState,
        messages: Sequence[Message],
        turns_left: int,
        *,
        say: Iterable[str] | None = None,
        close: bool | None = None,
        reply: Iterable[Reply] | None = None,
    ) -> Plan:
        """The plan for the user's next message.

        Parameters
        ----------
        messages
            The conversation so far.
        turns_left
            Messages that the user may still send, this one among them.
        say, close, reply
            Ids of what to say, whether to leave, and at most one reply, where they are known better than by
            rule: training tells a user to do what it went on to do.
        """
        goal = self._goal
        tasks = [c for c in goal if c.category in (Category.OBJECTIVE, Category.REQUIREMENT)]
        wishes = [c for c in goal if c.category is Category.PREFERENCE]
        policies = [c for c in goal if c.category is Category.POLICY]
        open_tasks = [c for c in tasks if state[c.id].status is Status.INCOMPLETE]
        unvoiced = [c for c in wishes if state[c.id].status is Status.MISALIGNED]
        last = messages[-1].content if messages and messages[-1].role is Role.ASSISTANT else ""
        said = " ".join(m.content for m in messages if m.role is Role.USER)
        moved = any(state[c.id].status != self._before[c.id].status for c in goal)
        more = _asks_for_more(last)
        if say is not None:
            chosen = [c for c in goal if c.id in set(say)]
        else:
            chosen = self._choose([*open_tasks, *unvoiced], said, turns_left, more=more)
            self._idle = 0 if moved or chosen else self._idle + 1
            if self._gives_up(open_tasks, more=more):
                chosen = self._choose([*open_tasks, *unvoiced], said, turns_left, more=more)
        failed = any(
            state[c.id].status is Status.ATTEMPTED and self._before[c.id].status is Status.INCOMPLETE
            for c in tasks
        )
        self._before = state
        moments = {c.id: _moment(c.text) for c in policies}
        if close is None:
            # A rule for refusals that has just come into force is followed first.
            reacts = failed and _Moment.REFUSAL in moments.values()
            close = not reacts and all(c.id in self._given_up for c in open_tasks)
        self._told.update(c.id for c in chosen)
        come = {
            _Moment.ALWAYS: False,
            _Moment.REFUSAL: failed or _REFUSAL.search(last) is not None,
            _Moment.BEFORE: _OFFER.search(last) is not None,
            _Moment.END: close,
        }
        due = tuple(c for c in policies if come[moments[c.id]])
        first = {c.id for c in due if moments[c.id] is _Moment.BEFORE} - self._reminded
        self._reminded |= first
        # What belongs to another task than the one spoken of last answers no question about that one.
        known = [c for c in goal if self._at_hand in (None, c.id, c.objective) or _is_free(c)]
        # A wish can be said along with the yes; what has to be met, and what goes before, cannot.
        ready = not first and all(c.category is Category.PREFERENCE for c in chosen)
        replies = _replies(known, last, ready=ready) if reply is None else reply
        if chosen:
            self._at_hand = chosen[-1].objective or chosen[-1].id
        return Plan(
            done=tuple(c for c in tasks if state[c.id].status is Status.COMPLETE),
            refused=tuple(c for c in tasks if state[c.id].status is Status.ATTEMPTED),
            open=(*open_tasks, *unvoiced),
            say=() if close else tuple(chosen),
            answer=tuple(answers(known, last)),
            reply=next(iter(replies), None),
            asked=last.rstrip().endswith("?"),
            rules=tuple(c for c in policies if moments[c.id] is _Moment.ALWAYS),
            due=due,
            about=tuple(c for c in goal if c.category is Category.PROFILE),
            close=close,
            turns_left=turns_left,
        )

    def _choose(
        self, open_: Sequence[Component], said: str, turns_left: int, *, more: bool
    ) -> list[Component]:
        """What to say next: of the first objective that has any, what has not been said.

        The fewer turns are left for it, the more at once. What is left of a settled objective is said once
        before the next one. An agent that asks for ``more`` is not at work on what it was told of: that is
        said again, and then what comes next.
        """
        words = _words(said)
        mine = [c for c in open_ if c.id not in self._given_up]
        at_hand = {c.id for c in mine if c.category is Category.OBJECTIVE}

        def waits(component: Component) -> bool:
            left_over = component.objective is not None and component.objective not in at_hand
            if _is_said(component, words):
                again = more and not left_over and component.category is not Category.PREFERENCE
                return again and self._told[component.id] < _TIMES_AGAIN
            return self._told[component.id] < (1 if left_over and at_hand else _TIMES)

        waiting = [c for c in mine if waits(c)]
        objectives = sum(c.category is Category.OBJECTIVE for c in mine)
        pace = math.ceil(len(waiting) / max(1, turns_left - _TO_FINISH * objectives))
        least, most = _AT_ONCE
        for owner in self._owners(mine):
            own = [c for c in mine if owner in (c.id, c.objective)]
            unsaid = [c for c in own if c in waiting]
            if unsaid:
                return unsaid[: min(max(pace, least), most)]
            if owner in at_hand and not more:
                # All of it was said: the agent is at work, or did not understand.
                return []
        return []

    def _gives_up(self, open_tasks: Sequence[Component], *, more: bool) -> bool:
        """Give up what has been pursued in vain for long; whether something was.

        That is the objective at hand, or all that is open where the agent asks for ``more`` and was told
        everything.
        """
        mine = [c for c in open_tasks if c.id not in self._given_up]
        owner = next(iter(self._owners(mine)), None)
        unsettled = any(c.id == owner for c in mine)
        patience = 1 if more else PATIENCE if unsettled else _PATIENCE_AFTERWARDS
        if not mine or self._idle < patience:
            return False
        self._given_up |= {c.id for c in mine if more or owner in (c.id, c.objective)}
        self._idle = 0
        return True

    def _owners(self, components: Sequence[Component]) -> list[str | None]:
        """The objectives of some components, in the order of the goal; ``None`` for what has none."""
        owners = [c.id if c.category is Category.OBJECTIVE else c.objective for c in components]
        order: list[str | None] = [c.id for c in self._goal if c.category is Category.OBJECTIVE]
        return [owner for owner in (*order, None) if owner in owners]


def instruct(steer: Steer, goal: Goal, state: GoalState, plan: Plan) -> Instruction:
    """Turn the state into what the user is told."""
    if steer is Steer.NONE:
        return Instruction()
    if steer is Steer.GOAL:
        return Instruction(text=f"Remember your goal. {goal.text}", goal=goal)
    if steer is Steer.STATE:
        return Instruction(text=_state_text(goal, state, plan), state=state)
    return Instruction(text=_plan_text(plan), state=state, plan=plan)


@dataclass(frozen=True)
class Candidate:
    """A message that might be sent."""

    text: str
    closes: bool
    """It says goodbye."""


def admissible(text: str, steer: Steer, plan: Plan) -> Candidate:
    """A message as it may be sent: without a goodbye where it is too early for one."""
    leaves = is_farewell(text)
    if not steer.tracks:
        return Candidate(text, leaves)
    if not leaves or plan.close:
        # Told to leave, any message is the last one.
        return Candidate(text, plan.close)
    return Candidate(without_farewell(text), False)


def on_course(goal: Goal, state: GoalState) -> float:
    """How many components the tracker holds for on course: the sum of their probabilities of success."""
    total = 0.0
    for component in goal:
        believed = state[component.id]
        succeeds = believed.status in SUCCESS[component.category]
        total += believed.probability if succeeds else 1 - believed.probability
    return total


def says(text: str, component: Component) -> bool:
    """Whether a message says what a component says, by the words that they share."""
    return _is_said(component, _words(text))


def follows(text: str, plan: Plan) -> bool:
    """Whether a message says any of what the plan names, where it names something; of tasks, if there are."""
    tasks = [component for component in plan.say if component.category is not Category.PREFERENCE]
    wanted = tasks or plan.say
    return not wanted or any(says(text, component) for component in wanted)


# When rules are due


class _Moment(StrEnum):
    ALWAYS = "always"
    REFUSAL = "refusal"
    BEFORE = "before"
    END = "end"


_REFUSAL = re.compile(
    r"\b(sorry|(i|we) (cannot|can't)|unable|not possible|unfortunately|no longer|fully booked)\b", re.I
)
_OFFER = re.compile(r"\b(shall i|would you like me|do you want me|should i)\b", re.I)
_END = re.compile(r"\b(last message|good ?bye|before you leave|end the (chat|conversation)|closing)\b", re.I)
_CONDITIONAL = re.compile(r"^(if|when|whenever|should)\b", re.I)
_BEFORE = re.compile(r"^before\b", re.I)


def _moment(text: str) -> _Moment:
    if _END.search(text):
        return _Moment.END
    if _CONDITIONAL.search(text):
        return _Moment.REFUSAL
    return _Moment.BEFORE if _BEFORE.search(text) else _Moment.ALWAYS


# What to say


_SMALL = re.compile(
    # What a user may leave out, or turn round, and still have said the thing.
    r"(an?|and|any|are|as|at|be|by|do|for|from|get|has|have|if|in|is|its?|know|no|not|of|on|or|than|that|the|them|"
    r"there|they|this|to|want|was|what|when|where|whether|which|will|with|would|you|your|find|out|book|rather|"
    r"much|can|could|please|more|said|should|i|my|me|we|our)"
)
_HINTS = (
    (r"\bday\b", r"day\b"),
    (r"\bwhat time\b", r"\d:\d\d"),
    (r"\bmorning\b", r"\bmorning\b|\bevening\b|\bafternoon\b"),
    (r"\bpeople\b|\btravellers\b", r"\b(people|person)\b"),
    (r"\bnights\b", r"\bnights?\b"),
    (r"\bname\b", r"^(your name|you are called|you are [A-Z])"),
    (r"\bphone\b", r"\bphone number is\b"),
    (r"\bmember\b", r"\bmember\b"),
    (r"\bhow old\b|\byour age\b", r"\byears old\b"),
    (r"\border number\b", r"\border\b"),
    (r"\bcard\b|\bvoucher\b|\brefund\b", r"\brefund is|\brefund has"),
    (r"\bdelivered\b", r"\bdelivered\b"),
    (r"\b(begin|leave from|depart)\b", r"\bfrom\b"),
    (r"\bwould you rather\b", r"^you would\b"),
    (r"\bcost\b|\bbudget\b", r"\b(euros|cheap|expensive|priced)\b"),
    (r"\bpart of town\b", r"\bin the\b"),
)


def _is_free(component: Component) -> bool:
    """Whether a component belongs to no task."""
    return component.objective is None and component.category is not Category.OBJECTIVE


def _words(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[\w:-]+", text.lower())}


def _is_said(component: Component, words: set[str]) -> bool:
    wanted = {word for word in _words(component.text) if not _SMALL.fullmatch(word)}
    return bool(wanted) and len(wanted & words) >= 0.7 * len(wanted)


def answers(components: Iterable[Component], message: str) -> list[Component]:
    """The components that answer the agent's questions, by what is asked for."""
    hints = [hint for question in _questions(message) for hint in _hints(question)]
    return [component for component in components if _answer_by(component, hints)][: _AT_ONCE[0]]


def _questions(message: str) -> list[str]:
    return re.findall(r"[^.!?]*\?", message.lower())


def _hints(question: str) -> list[str]:
    return [answer for asked, answer in _HINTS if re.search(asked, question)]


def _answer_by(component: Component, hints: Iterable[str]) -> bool:
    return (
        component.category is not Category.POLICY
        and not component.text.startswith("Find out")
        and any(re.search(hint, component.text, re.I) for hint in hints)
    )


_EXTRA = re.compile(r"\badd\b|\binstead\b", re.I)
_GO_AHEAD = re.compile(
    rf"{_OFFER.pattern}|\b(do you still|are you (\w+ )?sure|is that (ok|okay|right|correct|fine))\b", re.I
)
_WHAT_ELSE = re.compile(r"\b(else|help|do for you)\b", re.I)
_FOR_MORE = re.compile(r"\b(anything|something|what) else\b", re.I)


def _asks_for_more(message: str) -> bool:
    """Whether the agent has nothing to do any more: all that it asks is what else there is."""
    questions = _questions(message)
    return bool(questions) and all(_FOR_MORE.search(question) for question in questions)


def _replies(known: Sequence[Component], message: str, *, ready: bool) -> list[Reply]:
    """How to answer an agent's questions beside what components say; the last question is the nearest.

    ``known`` are the components that may answer, ``ready`` says whether nothing has to be said before a yes.
    """
    found: list[Reply] = []
    for question in reversed(_questions(message)):
        if _EXTRA.search(question):
            found.append(Reply.NO)
        elif _GO_AHEAD.search(question):
            found += [Reply.YES] if ready else []
        elif not _WHAT_ELSE.search(question) and not any(_answer_by(c, _hints(question)) for c in known):
            found.append(Reply.OPEN)
    return found


# The words that a user reads


def _state_text(goal: Goal, state: GoalState, plan: Plan) -> str:
    lines = ["How your goal stands:"]
    lines += [f"- {c.text} ({_STANDING[c.category][state[c.id].status]})" for c in goal]
    return "\n".join([*lines, _ending(plan)])


def _plan_text(plan: Plan) -> str:
    lines = [
        _listed("About you:", plan.about),
        _listed("Rules:", plan.rules),
        _listed("Done:", plan.done),
        _listed("Refused:", plan.refused),
        _ending(plan),
        # What is nearest to the message is followed best.
        _listed("Now:", plan.due),
        _answer_text(plan) if plan.asked and not plan.close else "",
        _listed("Say next:", plan.say),
    ]
    return "\n".join(line for line in lines if line)


def _listed(heading: str, components: Sequence[Component]) -> str:
    return f"{heading} {' '.join(c.text for c in components)}" if components else ""


def _answer_text(plan: Plan) -> str:
    texts = [component.text for component in plan.answer] + ([plan.reply] if plan.reply else [])
    return f"Answer: {' '.join(texts)}" if texts else ""


def _ending(plan: Plan) -> str:
    if plan.close:
        return "Everything is settled. Say goodbye now."
    return f"Do not say goodbye yet. You have {plan.turns_left} messages left."


_KEPT = {Status.ALIGNED: "kept", Status.MISALIGNED: "broken"}
_TASK = {Status.INCOMPLETE: "open", Status.ATTEMPTED: "refused", Status.COMPLETE: "done"}
_STANDING = {
    Category.PROFILE: _KEPT,
    Category.POLICY: _KEPT,
    Category.OBJECTIVE: _TASK,
    Category.REQUIREMENT: _TASK,
    Category.PREFERENCE: {Status.MISALIGNED: "not said yet", Status.ALIGNED: "said"},
}

"""A simulated user in code: it says its goal's components one after the other, and drifts at given rates.

Knows how to turn a goal's sentences into a user's, and a few kinds of question. It stands in for a language
model where speed counts: tests, demonstrations, training text. It drifts because it is told to, and comes
back on course because it reads what steering tells it: figures taken with it say nothing about how much
steering helps a real model.

What it drifts in, by chance and for each component on its own: it forgets a component from the start, says
another value than it should, or takes its leave before it is done. A restated goal brings a forgotten
component back in some turns, a told state in most, and a plan whenever it names the component.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tracker.conversation import Message, Role
from tracker.goal import KEPT, Category, Component, Goal
from tracker.simulator.steering import Instruction, Plan, answers

_READS_GOAL = 0.25
_READS_STATE = 0.6
"""How likely a forgotten component comes back in a turn, by what the user is told."""
_HELLO = ("Hello.", "Hi.", "Hello there.", "Hi there.", "Good day.")
_YES = (
    "Yes, go ahead.",
    "Yes, do that.",
    "That works for me, go ahead.",
    "Yes, that is fine.",
    "Sure, go ahead.",
)
_ANY = (
    "Any will do, you choose.",
    "I do not mind, you choose.",
    "It does not matter to me.",
    "That is up to you.",
    "Whatever suits you.",
)
_NO = ("No.", "No, I do not need that.", "No, not that.", "No, leave that out.")
_SECRET = ("I would rather not say.", "I do not want to give that.", "I will keep that to myself.")
_BYE = ("Goodbye.", "That is all. Goodbye.", "Bye.", "That is everything. Goodbye.")
_THANKS = ("Thank you.", "Thanks for your help.", "Thank you for your time.")
_OPEN_QUESTION = re.compile(r"\b(else|add|help|do for you)\b")
"""What holds up nothing."""
_OTHER_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Drift:
    """How likely the user leaves its course."""

    forgets: float = 0.25
    """For each component, at the start."""
    contradicts: float = 0.08
    """For each thing that is said."""
    stops_early: float = 0.1
    """For each message from the third on."""

    @classmethod
    def never(cls) -> Drift:
        return cls(0.0, 0.0, 0.0)


class ScriptedUser:
    """A rule-based user that drifts."""

    def __init__(self, drift: Drift | None = None) -> None:
        self.drift = Drift() if drift is None else drift

    name = "scripted"
    redraws = 0

    def start(self, goal: Goal, *, random_state: str) -> ScriptedSpeaker:
        return ScriptedSpeaker(goal, self.drift, random.Random(f"scripted:{random_state}"))

    def close(self) -> None:
        return None


class ScriptedSpeaker:
    """One conversation of a scripted user."""

    def __init__(self, goal: Goal, drift: Drift, chance: random.Random) -> None:
        self._goal = goal
        self._drift = drift
        self._chance = chance
        self._forgotten = {
            component.id
            for component in goal
            if component.category is not Category.PROFILE and chance.random() < drift.forgets
        }
        self._said: set[str] = set()
        self._owner: str | None = None
        """The objective that was spoken of last."""
        self._proposed: dict[str, tuple[set[str], str | None]] = {}
        """What was proposed last, and what would have been said with it."""

    def propose(self, messages: Sequence[Message], instruction: Instruction, count: int = 1) -> list[str]:
        sent = next((each.content for each in reversed(messages) if each.role is Role.USER), None)
        if sent in self._proposed:
            self._said, self._owner = self._proposed[sent]
        self._read(instruction)
        last = messages[-1].content if messages and messages[-1].role is Role.ASSISTANT else ""
        answering = answers(self._goal, last)
        said, owner = set(self._said), self._owner
        proposed = []
        self._proposed.clear()
        for _ in range(count):
            self._said, self._owner = set(said), owner
            proposed.append(self._message(last, answering, instruction.plan, first=not messages))
            self._proposed[proposed[-1]] = set(self._said), self._owner
        return proposed

    def close(self) -> None:
        return None

    def _read(self, instruction: Instruction) -> None:
        plan = instruction.plan
        named = set() if plan is None else {c.id for c in (*plan.say, *plan.rules, *plan.due, *plan.answer)}
        chance = _READS_STATE if instruction.state else _READS_GOAL if instruction.goal else 0.0
        self._forgotten = {
            identifier
            for identifier in sorted(self._forgotten)
            if identifier not in named and self._chance.random() >= chance
        }
        if plan is not None:
            # What the plan says again was not taken in by the agent.
            self._said -= {c.id for c in plan.say}

    def _message(self, last: str, answers: Sequence[Component], plan: Plan | None, *, first: bool) -> str:
        said = set(self._said)
        leaves = self._chance.random() < self._drift.stops_early and len(self._said) > 2
        if plan is not None:
            leaves = plan.close
        parts: list[str] = [self._chance.choice(_HELLO)] if first else []
        if not leaves:
            parts += self._reaction(last) or self._answer(last, answers)
            parts += [self._say(component) for component in self._next(plan, last)]
            if first and self._forgets("before the agent asks for it", "name") and self._name():
                parts.append(self._name())
            if not parts:
                waits = last.rstrip().endswith("?") and not _OPEN_QUESTION.search(last)
                parts = [self._chance.choice(_YES)] if waits else []
        if leaves or not parts:
            if plan is not None and not plan.close:
                parts = ["Could you look again?"]
            else:
                parts = [*self._closing(), self._chance.choice(_BYE)]
        text = self._styled(" ".join(dict.fromkeys(parts)))
        # What a rule about length left no room for is said another time.
        words = len(text.split())
        if words < len(" ".join(dict.fromkeys(parts)).split()) - 1:
            new = [c for c in self._goal if c.id in self._said - said]
            self._said -= {c.id for c in new if spoken(c).lower()[:25] not in text.lower()}
        return text

    def _next(self, plan: Plan | None, last: str) -> list[Component]:
        """What has not been said and is remembered, of the first objective that has any; at most two.

        While the agent waits for an answer, nothing new is begun.
        """
        pending = [
            component
            for component in self._goal
            if component.category not in KEPT and component.id not in self._said | self._forgotten
        ]
        if plan is not None and plan.say:
            pending = [component for component in plan.say if component.id not in self._said]
        if not pending:
            return []
        owner = pending[0].objective or pending[0].id
        waits = last.rstrip().endswith("?") and not _OPEN_QUESTION.search(last)
        if plan is None and waits and self._owner not in (None, owner):
            return []
        return [c for c in pending if owner in (c.id, c.objective)][:2]

    def _say(self, component: Component) -> str:
        self._said.add(component.id)
        self._owner = component.objective or component.id
        text = spoken(component)
        if self._keeps("Do not give the order number"):
            text = re.sub(r" [A-Z]-\d{4}", "", text)
        if self._chance.random() < self._drift.contradicts:
            for day in _OTHER_DAYS:
                if day in text:
                    other = self._chance.choice([o for o in _OTHER_DAYS if o != day])
                    return text.replace(day, other)
        return text

    def _reaction(self, last: str) -> list[str]:
        """What a rule of the goal demands after a refusal."""
        if not re.search(r"\b(sorry|cannot)\b", last):
            return []
        parts = []
        for text in self._remembered():
            if re.search(r"\bask for a reference number\b", text):
                parts.append("Can you give me a reference number?")
            elif match := re.match(r"If (?P<what>.+?), ask for (?P<other>.+)\.$", text):
                value = re.findall(r"\w[\w:]*", match["what"])
                if any(word in last for word in value if len(word) > 3):
                    parts.append(f"Then I ask for {match['other']}.")
        return parts

    def _answer(self, last: str, answers: Sequence[Component]) -> list[str]:
        """Answers to the agent's questions, by what is asked."""
        lower = last.lower()
        if "?" not in last:
            return []
        parts = []
        for question in re.findall(r"[^.!?]*\?", lower):
            if "add " in question or "instead" in question:
                parts.append("Yes, please add it." if self._forgets("extra") else self._chance.choice(_NO))
            elif "phone number" in question:
                secret = self._keeps("Never give your phone number")
                own = [] if secret else [c for c in answers if "phone number is" in c.text]
                parts += [self._personal(c) for c in own] or [self._chance.choice(_SECRET)]
            elif "name" in question or "member" in question or "how old" in question:
                key = {"name": r"name|called", "member": "member", "how old": "years old"}
                wanted = next(pattern for word, pattern in key.items() if word in question)
                own = [c for c in answers if re.search(wanted, c.text) and c.category is Category.PROFILE]
                default = "No." if "member" in question else self._chance.choice(_SECRET)
                parts += [self._personal(c) for c in own] or [default]
            elif "would you rather" in question:
                wishes = [c for c in self._goal if c.category is Category.PREFERENCE]
                parts += [self._say(c) for c in wishes if _same_choice(c.text, question)]
            elif "order number" in question:
                parts += self._codes()
            elif re.search(r"\b(another|without that)\b", question):
                parts.append(self._chance.choice(_ANY))
            elif re.search(r"\b(sure|shall i|do you still)\b", question):
                parts += [] if self._next(None, last) else [self._chance.choice(_YES)]
            elif "else" not in question and "help" not in question and "do for you" not in question:
                own = [
                    c
                    for c in answers
                    if c.category in (Category.REQUIREMENT, Category.OBJECTIVE)
                    and c.id not in self._forgotten
                    and self._owner in (None, c.id, c.objective)
                ]
                parts += [self._say(c) for c in own] or [self._chance.choice(_ANY)]
        return parts

    def _codes(self) -> list[str]:
        codes = [re.search(r"\b[A-Z]-\d{4}\b", component.text) for component in self._goal]
        return [f"It is {code[0]}." for code in codes if code] or ["I do not have it here."]

    def _personal(self, component: Component) -> str:
        named = "name" in component.text or "called" in component.text
        if named and self._chance.random() < self._drift.contradicts:
            return "My name is Max Ferris."
        return spoken(component)

    def _name(self) -> str:
        return next(
            (
                spoken(c)
                for c in self._goal
                if c.category is Category.PROFILE and re.match(r"Your name|You are called", c.text)
            ),
            "",
        )

    def _closing(self) -> list[str]:
        parts = []
        if self._keeps("written confirmation"):
            parts.append("Can I have a written confirmation?")
        if not self._keeps("Never thank"):
            parts.append(self._chance.choice(_THANKS))
        # A question would keep the agent waiting: the goodbye stands last.
        return parts

    def _remembered(self) -> list[str]:
        return [c.text for c in self._goal if c.category is Category.POLICY and c.id not in self._forgotten]

    def _keeps(self, words: str) -> bool:
        """Whether there is a rule with these words, and it is remembered."""
        return any(words in text for text in self._remembered())

    def _forgets(self, *words: str) -> bool:
        """Whether there is a rule with these words, and it is forgotten."""
        rules = [c for c in self._goal if c.category is Category.POLICY and c.id in self._forgotten]
        return any(all(word in rule.text for word in words) for rule in rules)

    def _styled(self, text: str) -> str:
        """The text in the style that the remembered rules demand, and not in that of the forgotten ones."""
        if self._keeps("Say please in every") or (self._forgets("Never say please")):
            text = text if "please" in text.lower() else f"{text} Please."
        if self._keeps("Never thank"):
            text = re.sub(r"\s*Thank[^.]*\.", "", text)
        if self._forgets("exclamation mark"):
            text = text.replace(".", "!", 1)
        if self._forgets("contractions"):
            text = text.replace("I would", "I'd")
        if match := re.search(r"at most (\d+) words", " ".join(self._remembered())):
            text = _shortened(text, int(match[1]))
        if self._forgets("greeting"):
            text = text.removeprefix(next((f"{hello} " for hello in _HELLO if text.startswith(hello)), ""))
        return text.lower() if self._keeps("lower case") else text


def spoken(component: Component) -> str:
    """A component's sentence as its user would say it."""
    text = component.text
    if component.category is Category.OBJECTIVE:
        return f"I would like to {text[0].lower()}{_first_person(text[1:])}"
    if text.startswith("Find out "):
        return f"Can you tell me {_first_person(text.removeprefix('Find out ')).rstrip('.')}?"
    text = re.sub(r"^You are called ", "My name is ", text)
    return _first_person(text)


def _same_choice(wish: str, question: str) -> bool:
    """Whether a wish answers a question between two things: it names both."""
    choices = re.findall(r"[a-z-]+", question.removeprefix("would you rather").lower())
    shared = [word for word in choices if len(word) > 4 and word in wish.lower() and word != "would"]
    return len(set(shared) - {"rather", "reminded", "message", "confirmation"}) >= 2


def _first_person(text: str) -> str:
    for second, first in (
        (r"\bYou are\b", "I am"),
        (r"\byou are\b", "I am"),
        (r"\bYour\b", "My"),
        (r"\byour\b", "my"),
        (r"\bYou\b", "I"),
        (r"\byou\b", "I"),
    ):
        text = re.sub(second, first, text)
    return text


def _shortened(text: str, most: int) -> str:
    """Whole sentences, as many as there is room for; the first is cut where even it is too long."""
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        if len(" ".join([*kept, sentence]).split()) <= most:
            kept.append(sentence)
    return " ".join(kept) or " ".join(text.split()[:most])

"""The rule-based agent: offline, over the simulated world, in one of four temperaments.

Knows how a request goes: ask for what is missing, offer, confirm, carry out, or fail. Knows nothing about the
user's goal. What it understands and does is logged in the world, turn by turn; that log is what the truth of
a conversation is read from.

    crisp      short, asks for two things at once
    chatty     talks much, asks about wishes, sells extras
    stubborn   wants everything confirmed twice, tries to talk the user out of it
    forgetful  forgets what it was told, passes over questions
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from tracker.conversation import Message, Role
from tracker.simulator.domains import DOMAINS, PERSONAL, Domain, Failure
from tracker.simulator.speech import accepts, plain
from tracker.simulator.understanding import Heard, understand
from tracker.simulator.world import Event, Happening, Offer, Values, World


class Agent(Protocol):
    """Anything that answers a user: the messages so far, the user's last, give the next one."""

    def reply(self, messages: Sequence[Message]) -> str: ...


AgentFunction = Callable[[list[dict[str, str]]], str]
"""An agent as a plain function of chat messages, ``{"role": "user" | "assistant", "content": ...}``."""


@dataclass(frozen=True)
class FunctionAgent:
    """Somebody's own agent, given as a function."""

    function: AgentFunction

    def reply(self, messages: Sequence[Message]) -> str:
        return self.function([{"role": str(m.role), "content": m.content} for m in messages])


class Temperament(StrEnum):
    CRISP = "crisp"
    CHATTY = "chatty"
    STUBBORN = "stubborn"
    FORGETFUL = "forgetful"


@dataclass
class _Request:
    """How far one request has come."""

    domain: Domain
    values: dict[str, str] = field(default_factory=dict)
    """What the user wants, as far as the agent remembers; in the order in which it was named."""
    facts: list[str] = field(default_factory=list)
    """Questions that wait for an answer."""
    skipped: set[str] = field(default_factory=set)
    offer: Offer | None = None
    stated: dict[str, str] = field(default_factory=dict)
    """The values that the last offer was stated with."""
    unmet: str | None = None
    """The slot that cannot be had and that the user has to say something about."""
    insists: bool = False
    """The user will not do without it."""
    accepted: bool = False
    sure: bool = False
    """Has been asked twice, by an agent that asks twice."""
    wish_asked: bool = False
    outcome: Happening | None = None
    done: Values = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.outcome is None


class RuleAgent:
    """An agent for one conversation; the same seed and messages give the same replies.

    Parameters
    ----------
    world
        What can be had; what happens is logged there.
    """

    def __init__(
        self, world: World, temperament: Temperament = Temperament.CRISP, *, random_state: int | str = 0
    ) -> None:
        self.world = world
        self.temperament = temperament
        self._chance = random.Random(f"agent:{temperament}:{random_state}")
        self._requests: dict[str, _Request] = {}
        self._active: str | None = None
        self._awaited: tuple[str, ...] = ()
        self._promoted: str | None = None
        """The domain whose extra has just been offered."""
        self._personal: dict[str, str] = {}
        self._asked: set[str] = set()
        self._reminded = False
        self._turn = 0

    def reply(self, messages: Sequence[Message]) -> str:
        """Answer the last message, which is the user's."""
        self._turn = sum(message.role is Role.USER for message in messages)
        text = messages[-1].content
        heard = understand(text, active=self._active, awaited=self._awaited)
        awaited, self._awaited = self._awaited, ()
        parts = self._take(heard, text, awaited)
        request = self._requests.get(self._active) if self._active else None
        # A goodbye ends it, save where the same message still agrees to what is on the table.
        leaves = heard.farewell and not heard.named and not heard.wanted and not heard.domains
        if leaves and not (request and request.open and request.stated and heard.affirms):
            return " ".join([*parts, self._say("goodbye")])
        if heard.reference:
            parts.append(f"The reference number of this chat is C-{self._chance.randint(1000, 9999)}.")
        if heard.confirmation:
            parts.append("You will get a confirmation in writing.")
        parts += self._answers(heard)
        if request is not None:
            parts += self._go_on(request, heard, awaited)
        if not parts:
            parts.append(self._say("hello" if request is None else "else"))
        return " ".join(parts)

    # What the user said

    def _take(self, heard: Heard, text: str, awaited: Sequence[str]) -> list[str]:
        """Put what was heard where it belongs, and log it."""
        parts: list[str] = []
        if self._promoted is not None:
            if accepts(plain(text)):
                self._log(Happening.BOUGHT, self._promoted)
                parts.append(f"I have added {DOMAINS[self._promoted].extra}.")
            self._promoted = None
        if heard.personal:
            self._personal |= heard.personal
            self._log(Happening.NAMED, "", heard.personal)
        for name in dict.fromkeys([*heard.domains, *heard.named, *heard.wanted]):
            request = self._requests.setdefault(name, _Request(DOMAINS[name]))
            self._log(Happening.RAISED, name)
            if values := heard.named.get(name):
                self._log(Happening.NAMED, name, values)
                for slot, value in values.items():
                    if request.open:
                        # Named anew: it comes last in the order, which tells whom to blame.
                        request.values.pop(slot, None)
                        request.values[slot] = value
            for fact in heard.wanted.get(name, ()):
                self._log(Happening.WANTED, name, {"fact": fact})
                if fact not in request.facts:
                    request.facts.append(fact)
        raised = [name for name in heard.domains if self._requests[name].open]
        current = self._requests.get(self._active) if self._active else None
        if heard.domains and self._active not in heard.domains:
            self._active = (raised or list(heard.domains))[0]
        elif raised and (current is None or not current.open):
            self._active = raised[0]
        return parts

    def _answers(self, heard: Heard) -> list[str]:
        """Answers to questions about what is on the table already."""
        parts: list[str] = []
        for name in heard.wanted:
            request = self._requests[name]
            if request.offer is None:
                if request.outcome is Happening.FAILED:
                    parts += self._facts(request)
                continue
            if self.temperament is Temperament.FORGETFUL and self._chance.random() < 0.4:
                fact = request.facts[-1]
                if fact not in request.skipped:
                    request.skipped.add(fact)
                    request.facts.remove(fact)
                    self._log(Happening.SKIPPED, name, {"fact": fact})
            parts += self._facts(request)
        return parts

    def _facts(self, request: _Request) -> list[str]:
        parts = []
        for fact in request.facts:
            if request.offer is None or not self.world.knows(request.domain, fact):
                self._log(Happening.UNTOLD, request.domain.name, {"fact": fact})
                wanted = request.domain.fact(fact).wanted[0].format(noun=request.domain.noun)
                about = wanted if wanted.startswith(_ASKING) else f"what {wanted} is"
                parts.append(f"I am sorry, I cannot tell you {_whose(about)}.")
            else:
                self._log(Happening.TOLD, request.domain.name, {"fact": fact})
                parts.append(request.offer.facts[fact])
        request.facts = []
        return parts

    # What the agent does about a request

    def _go_on(self, request: _Request, heard: Heard, awaited: Sequence[str]) -> list[str]:
        if not request.open:
            return self._afterwards(request, heard)
        self._settle(request, heard, awaited)
        if self.temperament is Temperament.FORGETFUL and request.offer is None:
            self._forget(request, heard)
        missing = [
            slot
            for slot in (*request.domain.identity, *request.domain.details)
            if slot.name not in request.values
        ]
        if missing:
            return self._ask_for(request, missing)
        failure = self.world.failure(request.domain)
        if failure is not None and failure is not Failure.ERROR:
            return self._fail(request, request.domain.failures[failure])
        offers = self.world.offers(request.domain, request.values)
        if not offers:
            return self._none(request, heard)
        if not request.accepted or request.stated != request.values:
            return self._offer(request, offers)
        return self._carry_out(request, failure)

    def _settle(self, request: _Request, heard: Heard, awaited: Sequence[str]) -> None:
        """Take a yes, a no or an "any" as what it answers."""
        named = heard.named.get(request.domain.name, {})
        if request.unmet is not None:
            slot = request.unmet
            if slot not in named and (heard.affirms or heard.leaves_open):
                # A forgetful agent may have lost it by itself.
                request.values.pop(slot, None)
                request.unmet = None
                if slot in {detail.name for detail in request.domain.details}:
                    request.values[slot] = self._any_value(request, slot)
            elif slot in named and named[slot] != request.stated.get(slot):
                request.unmet = None
            request.insists = heard.denies or slot in named
            return
        details = {slot.name: slot for slot in request.domain.details}
        for slot in awaited:
            if slot in details and slot not in request.values and (heard.leaves_open or heard.denies):
                request.values[slot] = self._any_value(request, slot)
        changed = any(request.stated.get(slot) != value for slot, value in named.items())
        if request.stated and not changed and heard.affirms:
            request.accepted = True
        elif changed:
            request.accepted = False
        elif request.stated and heard.denies and not request.accepted and not heard.wanted:
            request.offer = None

    def _any_value(self, request: _Request, slot: str) -> str:
        values = list(request.domain.slot(slot).values)
        self._chance.shuffle(values)
        possible = (
            value for value in values if self.world.offers(request.domain, request.values | {slot: value})
        )
        return next(possible, values[0])

    def _forget(self, request: _Request, heard: Heard) -> None:
        named = heard.named.get(request.domain.name, {})
        details = [
            slot.name
            for slot in request.domain.details
            if slot.name in request.values and slot.name not in named
        ]
        if details and self._chance.random() < 0.3:
            del request.values[self._chance.choice(details)]

    def _ask_for(self, request: _Request, missing: Sequence[object]) -> list[str]:
        slots = [slot for slot in (*request.domain.identity, *request.domain.details) if slot in missing]
        asked = slots if self.temperament is Temperament.CRISP else slots[:2]
        self._awaited = tuple(slot.name for slot in asked)
        for slot in asked:
            self._log(Happening.ASKED, request.domain.name, {"slot": slot.name})
        questions = [slot.question for slot in asked]
        return [self._say("ask"), *questions] if self._fills() else questions

    def _none(self, request: _Request, heard: Heard) -> list[str]:
        """Nothing can be had: say whose fault it is, and offer to go on without it."""
        identity = {slot.name for slot in request.domain.identity}
        asked = {name: value for name, value in request.values.items() if name in identity}
        if asked and not self.world.offers(request.domain, asked):
            # The user's own mistake: nothing is refused, so nothing is logged.
            for name in asked:
                del request.values[name]
            self._awaited = tuple(asked)
            named = self._phrases(request.domain, asked)
            return [f"I cannot find anything for this: {named}. Could you check that?"]
        candidates = [slot for slot in reversed(request.values) if slot not in identity]
        culprit = next(
            (
                slot
                for slot in candidates
                if self.world.offers(
                    request.domain, {name: v for name, v in request.values.items() if name != slot}
                )
            ),
            candidates[0] if candidates else None,
        )
        if culprit is not None and request.unmet == culprit and not request.insists:
            return [_without(culprit)]
        if culprit is None or request.unmet == culprit:
            return self._fail(
                request, f"I am sorry, then I cannot help you: I have no such {request.domain.noun}."
            )
        slot, value = request.domain.slot(culprit), request.values[culprit]
        request.unmet = culprit
        request.accepted = False
        request.stated = {culprit: value}
        self._log(Happening.UNMET, request.domain.name, {culprit: value})
        reason = slot.fill(slot.unmet or "I have nothing with {value}", value)
        return [f"I am sorry, {_lower_first(reason)}.", _without(slot.name)]

    def _offer(self, request: _Request, offers: Sequence[Offer]) -> list[str]:
        kept = request.offer if request.offer in offers else None
        if kept is not None and request.stated == request.values:
            return [*self._facts(request), *self._confirm(request)]
        request.offer = kept or self._chance.choice(list(offers))
        request.stated = dict(request.values)
        request.unmet = None
        request.accepted = False
        self._log(Happening.OFFERED, request.domain.name, request.stated)
        parts = [f"{self._say('offer')} {self._what(request, request.stated)}.", *self._facts(request)]
        parts += self._wish(request)
        if self.temperament is Temperament.STUBBORN and request.domain.retention and not request.sure:
            request.sure = True
            parts.append(f"I could give you {request.domain.retention}. Do you still want me to go on?")
        else:
            parts += self._confirm(request)
        return parts

    def _confirm(self, request: _Request) -> list[str]:
        """Ask for a yes, and with it for what the agent must know about the user."""
        needed = [need for need in request.domain.needs if need not in self._asked | self._personal.keys()]
        self._awaited = tuple(needed)
        self._asked |= set(needed)
        for need in needed:
            self._log(Happening.ASKED, "", {"slot": need})
        return [request.domain.confirm, *(PERSONAL[need] for need in needed)]

    def _wish(self, request: _Request) -> list[str]:
        asks = {Temperament.CRISP: 0.0, Temperament.CHATTY: 1.0}.get(self.temperament, 0.5)
        if request.wish_asked or self._chance.random() >= asks:
            return []
        request.wish_asked = True
        return [self._chance.choice(request.domain.wishes).question]

    def _carry_out(self, request: _Request, failure: Failure | None) -> list[str]:
        if self.temperament is Temperament.STUBBORN and not request.sure:
            request.sure = True
            return ["Are you quite sure? It cannot be changed later on."]
        if "name" not in self._personal and not self._reminded:
            # A name is asked for twice, and done without after that.
            self._reminded = True
            self._asked.discard("name")
            return self._confirm(request)[1:]
        if failure is not None:
            return self._fail(request, request.domain.failures[failure])
        values = dict(request.values) | dict(self.world.mistakes(request.domain))
        request.outcome, request.done = Happening.DONE, values
        self._log(Happening.DONE, request.domain.name, values)
        reference = f"{request.domain.name[0].upper()}{self._chance.randint(10_000, 99_999)}"
        parts = [request.domain.done.format(what=self._what(request, values), reference=reference)]
        parts += self._promote(request.domain)
        return parts + ([] if self._promoted else self._next())

    def _promote(self, domain: Domain) -> list[str]:
        sells = {Temperament.CRISP: 0.3, Temperament.FORGETFUL: 0.3}.get(self.temperament, 0.9)
        if not domain.extra or self._chance.random() >= sells:
            return []
        self._promoted = domain.name
        self._log(Happening.PROMOTED, domain.name)
        return [f"Would you like to add {domain.extra}?"]

    def _fail(self, request: _Request, reason: str) -> list[str]:
        request.outcome = Happening.FAILED
        identity = {slot.name for slot in request.domain.identity}
        known = {name: value for name, value in request.values.items() if name in identity}
        self._log(Happening.FAILED, request.domain.name, known)
        request.facts = []
        return [reason, *self._next()]

    def _next(self) -> list[str]:
        """Turn to what else the user has spoken of."""
        waiting = next((request for request in self._requests.values() if request.open), None)
        if waiting is None:
            return [self._say("else")]
        self._active = waiting.domain.name
        return [f"Now to the {waiting.domain.noun}.", *self._go_on(waiting, Heard(), ())]

    def _afterwards(self, request: _Request, heard: Heard) -> list[str]:
        """What can be said about a request that is over."""
        named = heard.named.get(request.domain.name, {})
        if not named:
            return [] if self._others_open() is None else self._next()
        if request.outcome is Happening.FAILED:
            self._log(Happening.UNMET, request.domain.name, named)
            return ["As I said, I cannot do that."]
        same = {slot: value for slot, value in named.items() if request.done.get(slot) == value}
        other = {slot: value for slot, value in named.items() if slot not in same}
        parts = []
        if same:
            self._log(Happening.OFFERED, request.domain.name, same)
            parts.append(f"Yes, it is {self._phrases(request.domain, same)}.")
        if other:
            self._log(Happening.UNMET, request.domain.name, other)
            parts.append("I am sorry, that cannot be changed any more.")
        return parts

    def _others_open(self) -> _Request | None:
        return next((request for request in self._requests.values() if request.open), None)

    # Words

    def _what(self, request: _Request, values: Values) -> str:
        name = request.offer.name if request.offer is not None else request.domain.noun
        phrases = self._phrases(request.domain, values)
        return f"{name}, {phrases}" if phrases else name

    def _phrases(self, domain: Domain, values: Values) -> str:
        return ", ".join(
            slot.fill(slot.stated, values[slot.name]) for slot in domain.slots if slot.name in values
        )

    def _fills(self) -> bool:
        return self.temperament is Temperament.CHATTY

    def _say(self, occasion: str) -> str:
        chatty = self.temperament is Temperament.CHATTY
        return self._chance.choice((_CHATTY if chatty else _PLAIN)[occasion])

    def _log(self, happening: Happening, domain: str, values: Mapping[str, str] | None = None) -> None:
        self.world.log(Event(self._turn, happening, domain, values or {}))


_ASKING = ("whether", "what", "when", "where", "which", "how", "from which", "until", "by what")
_PLAIN = {
    "hello": ("How can I help you?", "What can I do for you?"),
    "else": ("Is there anything else?", "Anything else?"),
    "goodbye": ("Goodbye.", "Thank you. Goodbye."),
    "offer": ("I can offer you this:", "This is possible:"),
}
_CHATTY = {
    "hello": (
        "Hello there, and a warm welcome! It is lovely to hear from you. What can I do for you today?",
    ),
    "else": (
        "That was a pleasure. Is there anything else that I may do for you today?",
        "I do like it when things come together. Is there anything else?",
    ),
    "goodbye": ("It was lovely to talk to you. All the best, and goodbye!",),
    "ask": (
        "With pleasure, that is what I am here for.",
        "Oh, how nice. I just need one more thing from you.",
        "Wonderful, we will find something good.",
    ),
    "offer": (
        "I have had a good look around, and I think that you will like this:",
        "Well, what do we have here? This should be right for you:",
    ),
}


def _whose(about: str) -> str:
    """What a user is told about: "your" journey, not "you" have to."""
    return about.replace("you have to", "you would have to")


def _lower_first(reason: str) -> str:
    return reason if reason.startswith(("I ", *_PROPER)) else reason[0].lower() + reason[1:]


_PROPER: tuple[str, ...] = tuple(
    value
    for domain in DOMAINS.values()
    for slot in domain.slots
    for value in slot.values
    if value[0].isupper()
)


def _without(slot: str) -> str:
    if slot in ("day", "time", "part"):
        return f"Would another {'part of the day' if slot == 'part' else slot} do, or shall I choose one?"
    return "Shall I look without that, or would you like something else?"

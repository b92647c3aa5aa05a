"""What a component is about, put so that a rule of conduct can speak of it.

Knows the few sentence forms that goals use and how to turn them: "You would rather sit outside." becomes
"say that you would rather sit outside", "Find out what it costs." becomes "ask what it costs". A sentence
that fits no form gives nothing. Knows nothing about conversations, labels or the rules themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tracker.goal import Category, Component


class Form(StrEnum):
    FACT = "fact"
    """Something to say: "that you are moving"."""
    QUESTION = "question"
    """Something to ask: "whether it rains"."""
    REQUEST = "request"
    """Something to ask for: "a room at the back"."""
    TOPIC = "topic"
    """Something to speak of: "your sister"."""
    DATUM = "datum"
    """Something to give: "your customer number"."""


VERBS: MappingProxyType[Form, tuple[str, ...]] = MappingProxyType(
    {
        Form.FACT: ("say", "mention", "tell the agent", "let the agent know", "say", "mention"),
        Form.QUESTION: ("ask", "ask the agent", "ask", "enquire"),
        Form.REQUEST: ("ask for", "request", "ask the agent for"),
        Form.TOPIC: ("mention", "bring up", "speak of", "refer to"),
        Form.DATUM: ("give", "state", "tell the agent", "mention"),
    }
)


@dataclass(frozen=True)
class Matter:
    """One thing that a user may speak of."""

    form: Form
    thing: str
    """What stands behind the verb: a clause for facts and questions, else a noun phrase."""
    told: str
    """The words that are heard where the user speaks of it: the thing itself, or the datum's value."""
    component: Component

    def put(self, verb: str, when: str = "") -> str:
        """The verb, the thing and an adverbial, each where English wants it."""
        clause = self.form in (Form.FACT, Form.QUESTION)
        parts = (verb, when, self.thing) if clause else (verb, self.thing, when)
        return " ".join(part for part in parts if part)


_LONGEST = 20
"""Words; a longer clause is not something that a rule would say."""
_PLAIN_STARTS = re.compile(
    r"(?:You|Your|The|There|A|An|No|All|Both|Nobody|Nothing|One|Two|Three|Everything|Somebody|Breakfast)\b"
)
_OPAQUE = re.compile(r"\b(?:it|they|he|she|this|that one|these|those)\b", re.I)
_SEVERAL = re.compile(r"[.;:?!]\s|;|\bif you\b|^If\b|\band (?:do|ask|say|never)\b")
_QUESTION_WORD = re.compile(
    r"(?:(?:by|until|on|in|at|from|for|to|with) (?:what|which|when|whom)"
    r"|whether|what|when|where|which|who|whose|whom|how|why|if)\b"
)
_FIND_OUT = re.compile(r"^Find out (?P<rest>.+)$")
_WISH_FOR = re.compile(
    r"^You would (?:rather|like to|sooner|prefer to|like)(?: have| get| be given)? "
    r"(?P<rest>(?:an?|the|some) .+)$"
)
_GET = re.compile(r"^Get (?P<rest>(?:an?|the|some|two|three) .+)$")
_SUBJECT = re.compile(
    r"^(?P<rest>(?:Your|The) (?:[a-z-]+ )?[a-z-]{3,}) "
    r"(?:is|are|was|were|has|have|had|must|should|costs?|goes|comes?|starts?|begins?|lasts?|lives?|works?|wants?"
    r"|needs?|gets?|takes?|shows?|includes?|names?|covers?|ends?|can|may|will)\b"
)
_LAST = re.compile(r"\b(?P<rest>(?:your|the) (?:[a-z-]+ )?[a-z-]{4,})$")
_NOT_A_NOUN = re.compile(
    r"(?:only|first|last|next|other|same|most|least|whole|new|old|best|one|two|more|free|late|early|names|\w+ly)$"
    r"|(?:.* )?(?:costs?|gets?|comes?|goes|go|works?|wants?|needs?|takes?|lasts?|starts?|begins?)$"
    r"|(?:.* )?(?:have|you|both)$"
)
_NAME = re.compile(
    r"^(?:You are|Your name is|You are called|Your name's) (?P<value>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)+)"
)
_DATUM = re.compile(
    r"\b(?:[Yy]our |the |with )?(?P<what>(?:[a-z]+[ -])?(?:number|id|code|reference|PIN|pin|e-?mail address"
    r"|phone|address|postcode))"
    r"(?: is)?,? (?P<value>[\w.@-]*[\d@_][\w@-]*(?:\.[\w@-]+)*)"
)


def matters(component: Component) -> Iterator[Matter]:
    """Every form that a profile, requirement or preference fits; none for policies and objectives."""
    text = component.text.strip()
    if component.category in (Category.POLICY, Category.OBJECTIVE) or not text.endswith("."):
        return
    text = text[:-1]
    if _SEVERAL.search(text) or "." in re.sub(r"\S*[\d@]\S*|\b(?:Dr|Mr|Mrs|Ms|St|M)\.", "", text):
        return
    yield from _data(component, text)
    if len(text.split()) <= _LONGEST:
        yield from _clauses(component, text)
        yield from _topics(component, text)


def task(objective: Component) -> str | None:
    """An objective as it stands behind "you can": "Get it mended." gives "get it mended"."""
    text = objective.text.strip().removesuffix(".")
    verb = re.match(
        r"(?:Get|Have|Find|Book|Order|Cancel|Reserve|Buy|Move|Exchange|Return|Switch|Arrange|Rent|Extend|Change"
        r"|Register|Apply|Join|Borrow|Renew|Sell|Enrol|Open|Close)\b",
        text,
    )
    fits = verb is not None and len(text.split()) <= _LONGEST and not _SEVERAL.search(text)
    return text[0].lower() + text[1:] if fits else None


def _clauses(component: Component, text: str) -> Iterator[Matter]:
    asked = _FIND_OUT.match(text)
    if asked is not None:
        if _QUESTION_WORD.match(asked["rest"]):
            yield Matter(Form.QUESTION, asked["rest"], asked["rest"], component)
        elif re.match(r"(?:the|your|an?)\b", asked["rest"]):
            yield Matter(Form.QUESTION, f"about {asked['rest']}", asked["rest"], component)
        return
    got = _GET.match(text) if component.category is Category.REQUIREMENT else _WISH_FOR.match(text)
    if got is not None and not re.search(r"\b(?:than|instead|to be|better)\b", got["rest"]):
        yield Matter(Form.REQUEST, got["rest"], got["rest"], component)
    if _PLAIN_STARTS.match(text) and not (
        component.category is Category.REQUIREMENT and _OPAQUE.search(text)
    ):
        yield Matter(Form.FACT, f"that {text[0].lower()}{text[1:]}", text, component)


def _topics(component: Component, text: str) -> Iterator[Matter]:
    if component.category is Category.PREFERENCE:
        return
    for found in (_SUBJECT.match(text), _LAST.search(text)):
        if found is not None and _NOT_A_NOUN.search(found["rest"]) is None:
            thing = found["rest"][0].lower() + found["rest"][1:]
            yield Matter(Form.TOPIC, thing, thing, component)


def _data(component: Component, text: str) -> Iterator[Matter]:
    if component.category is not Category.PROFILE:
        return
    name = _NAME.match(text)
    if name is not None:
        yield Matter(Form.DATUM, "your name", name["value"], component)
        yield Matter(Form.DATUM, "your surname", name["value"].split()[-1], component)
    for found in _DATUM.finditer(text):
        what = re.sub(r"^(?:and|or|is|with|the|in|at|by|on|to|of|has|have|was|live|for) ", "", found["what"])
        yield Matter(Form.DATUM, f"your {what}", found["value"], component)

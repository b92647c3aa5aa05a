"""MultiWOZ 2.x files in the manner of ``data.json``: dialogues by id, each with the goal its user was given.

Knows the layout and the phrases of MultiWOZ's goals (Budzianowski et al. 2018, arXiv 1810.00278), which come
out of templates, so that they can be split into components without guessing. The split follows
``goal.message``, which is what the user read: the slots beside it (``info``, ``fail_info``, ``book``) name
values that the message does not mention, and miss "the same day as the booking". A goal in other words is
split like any free text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, ValidationError

from tracker.conversation import Conversation, Message, Role
from tracker.decomposition import Decomposer
from tracker.errors import InputError
from tracker.goal import Category, Component, Goal
from tracker.source import Source
from tracker.validation import Text, field_path, input_error

# --- the file -----------------------------------------------------------------------------------------------

_DOMAINS = frozenset({"taxi", "police", "hospital", "hotel", "attraction", "train", "restaurant", "bus"})


class _Entry(BaseModel):
    text: Text


class _Goal(BaseModel):
    message: Annotated[
        list[Text],
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
        Field(min_length=1),
    ]


class _Dialogue(BaseModel):
    goal: dict[str, JsonValue]
    log: Annotated[list[_Entry], Field(min_length=1)]


def recognises(value: JsonValue) -> bool:
    """Whether a file's first value is an object of dialogues."""
    first = next(iter(value.values()), None) if isinstance(value, dict) else None
    return isinstance(first, dict) and "log" in first


def conversations(
    source: Source, *, goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    """Yield a conversation per dialogue, its goal split from the message unless ``goal`` is given.

    Raises ``InputError`` when the file is not an object.
    """
    record = source.only()
    if not isinstance(record.value, dict):
        raise InputError("expected an object of dialogues", source=source.path, line=record.line)
    return _conversations(source, record.value, goal, decomposer)


def _conversations(
    source: Source, dialogues: dict[str, JsonValue], goal: Goal | None, decomposer: Decomposer
) -> Iterator[Conversation | InputError]:
    for name, value in dialogues.items():
        try:
            yield _conversation(name, value, goal, decomposer)
        except InputError as error:
            yield error.at(source=source.path, line=source.first.line)


def _conversation(name: str, value: JsonValue, given: Goal | None, decomposer: Decomposer) -> Conversation:
    try:
        dialogue = _Dialogue.model_validate(value)
    except ValidationError as error:
        raise input_error(error, within=name) from None
    return Conversation(
        id=f"multiwoz-{name.removesuffix('.json')}",
        goal=_goal(dialogue.goal, f"{name}.goal", decomposer) if given is None else given,
        messages=tuple(_messages(dialogue.log, f"{name}.log")),
        source="multiwoz",
        domain="+".join(key for key, slots in dialogue.goal.items() if key in _DOMAINS and slots),
    )


def _messages(log: Sequence[_Entry], within: str) -> Iterator[Message]:
    """The log's messages; user and agent take turns in it, the user first."""
    for position, entry in enumerate(log):
        if not entry.text.strip():
            raise InputError("empty", field=field_path((position, "text"), within))
        yield Message(role=Role.ASSISTANT if position % 2 else Role.USER, content=entry.text.strip())


def _goal(value: dict[str, JsonValue], within: str, decomposer: Decomposer) -> Goal:
    try:
        message = _Goal.model_validate(value).message
    except ValidationError as error:
        raise input_error(error, within=within) from None
    sentences = [plain for sentence in message if (plain := _TAG.sub("", sentence).strip())]
    if not sentences:
        raise InputError("empty", field=f"{within}.message")
    text = " ".join(
        sentence if sentence.endswith((".", "?", "!")) else f"{sentence}." for sentence in sentences
    )
    split = split_goal(text)
    return decomposer.decompose(text) if split is None else split


# --- the goal -----------------------------------------------------------------------------------------------

_TAG = re.compile(r"<[^<>]*>")
_SENTENCE_END = re.compile(r"\.\s+(?=[A-Z])")
"""Values are in lower case, so a capital letter begins a sentence of the template."""

_SEEKS = re.compile(
    r"(?:(?P<fact>You .+) and are|You are)(?: also)? looking for (?P<what>(?!information)\w.*)"
)
_BOOKS_TAXI = re.compile(r"You (?:also )?want to (?P<what>book a taxi.*)")
_PARTICULAR = re.compile(r"an? particular (?P<thing>.+)")
_NAME = re.compile(r"Its name is called (?P<name>.+)")
_CONDITION = re.compile(r"The (?P<thing>\w+) (?P<rest>(?:should|does|has|have|is).*)")
_NEXT_CONDITION = re.compile(r" and (?=should |does|has |have )")
_OTHERWISE = re.compile(r"If there is no such (?P<thing>.+?),? how about one that (?P<rest>.+)")
_BOOKS = re.compile(
    r"Once you find the (?P<thing>\w+) you want to (?:book (?P<what>it|a table)|make a booking) (?P<rest>.+)"
)
_BOOKING_FAILS = re.compile(r"If the booking fails,? how about (?P<rest>.+)")
_GETS = re.compile(r"Make sure you get (?P<facts>.+)")
_NEXT_FACT = re.compile(r", and |, | and ")
_LEAVES = re.compile(r"You want to (?P<rest>leave .+)")
_ARRIVES = re.compile(r"You want to make sure it arrives (?:at )?(?P<rest>.+)")

_THINGS: MappingProxyType[str, str] = MappingProxyType(
    {"place to stay": "hotel", "place to dine": "restaurant", "places to go": "attraction"}
)
"""What the message looks for, and how it calls the same thing later."""


@dataclass(frozen=True)
class _Draft:
    category: Category
    text: str


def split_goal(text: str) -> Goal | None:
    """Split a goal in MultiWOZ's own phrases; ``None`` when it does not speak of looking for anything.

    One objective for each thing that the user looks for, with the booking where there is one; its conditions,
    facts to get and alternatives are requirements; what to ask for when a booking fails is a policy.
    """
    drafts: list[_Draft] = []
    segment: list[str] = []
    for sentence in _SENTENCE_END.split(text.strip().removesuffix(".")):
        if _SEEKS.fullmatch(sentence) or _BOOKS_TAXI.fullmatch(sentence):
            drafts += _segment(segment)
            segment = [sentence]
        elif segment:
            segment.append(sentence)
        else:
            drafts.append(_Draft(Category.PROFILE, sentence))
    if not segment:
        return None
    drafts += _segment(segment)
    return Goal(text=text, components=tuple(_numbered(drafts)))


def _segment(sentences: Sequence[str]) -> Iterator[_Draft]:
    """The components of all that is said about one thing; the first sentence says what it is."""
    if not sentences:
        return
    opening, *rest = sentences
    taxi = _BOOKS_TAXI.fullmatch(opening)
    if taxi:
        yield _Draft(Category.OBJECTIVE, f"B{taxi['what'][1:]}")
        thing = "taxi"
    else:
        found = _SEEKS.fullmatch(opening)
        what = found["what"] if found else opening
        if found and found["fact"]:
            yield _Draft(Category.PROFILE, found["fact"])
        thing = _thing(what)
        yield _Draft(Category.OBJECTIVE, _objective(what, thing, rest))
    for sentence in rest:
        yield from _details(sentence, thing)


def _thing(what: str) -> str:
    if particular := _PARTICULAR.fullmatch(what):
        return particular["thing"]
    for phrase, thing in _THINGS.items():
        if phrase in what:
            return thing
    words = [word for word in what.split() if word not in ("a", "an", "the")]
    return words[0] if words else what


def _objective(what: str, thing: str, rest: Sequence[str]) -> str:
    name = next((found["name"] for sentence in rest if (found := _NAME.fullmatch(sentence))), None)
    booking = next((found for sentence in rest if (found := _BOOKS.fullmatch(sentence))), None)
    sought = f"the {thing} called {name}" if name and _PARTICULAR.fullmatch(what) else what
    return f"Find {sought}" + (f" and book {booking['what'] or 'it'}" if booking else "")


def _details(sentence: str, thing: str) -> Iterator[_Draft]:
    """The components of one sentence about ``thing``; a sentence in other words is a requirement as it is."""
    if _NAME.fullmatch(sentence):
        return
    if found := _BOOKING_FAILS.fullmatch(sentence):
        yield _Draft(Category.POLICY, f"If the {thing} booking fails, you ask for {found['rest']}")
    elif found := _CONDITION.fullmatch(sentence):
        for condition in _NEXT_CONDITION.split(found["rest"]):
            yield _Draft(Category.REQUIREMENT, f"The {found['thing']} {condition}")
    elif found := _OTHERWISE.fullmatch(sentence):
        text = f"If there is no such {found['thing']}, it should be one that {found['rest']}"
        yield _Draft(Category.REQUIREMENT, text)
    elif found := _BOOKS.fullmatch(sentence):
        booked = "table" if found["what"] == "a table" else f"{found['thing']} booking"
        yield _Draft(Category.REQUIREMENT, f"The {booked} should be {found['rest']}")
    elif found := _GETS.fullmatch(sentence):
        for fact in _NEXT_FACT.split(found["facts"]):
            yield _Draft(Category.REQUIREMENT, _fact(fact, thing))
    elif found := _LEAVES.fullmatch(sentence):
        yield _Draft(Category.REQUIREMENT, f"The {thing} should {found['rest']}")
    elif found := _ARRIVES.fullmatch(sentence):
        yield _Draft(Category.REQUIREMENT, f"The {thing} should arrive at {found['rest']}")
    else:
        yield _Draft(Category.REQUIREMENT, sentence)


def _fact(fact: str, thing: str) -> str:
    if fact.startswith("whether they have "):
        return f"Find out whether the {thing} has {fact.removeprefix('whether they have ')}"
    fact = fact.removeprefix("the ")
    if fact == "reference number":
        return f"Get the reference number of the {thing} booking"
    return f"Get the {fact}" if thing in fact.split() else f"Get the {fact} of the {thing}"


def _numbered(drafts: Sequence[_Draft]) -> Iterator[Component]:
    """Components with their ids; a requirement belongs to the objective before it."""
    counts: Counter[Category] = Counter()
    for draft in drafts:
        counts[draft.category] += 1
        owned = draft.category is Category.REQUIREMENT
        yield Component(
            id=f"{draft.category}-{counts[draft.category]}",
            category=draft.category,
            text=f"{draft.text.removesuffix('.')}.",
            objective=f"{Category.OBJECTIVE}-{counts[Category.OBJECTIVE]}" if owned else None,
        )

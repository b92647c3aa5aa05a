"""What the rule-based agent takes from a user's message: the requests, values, facts and answers in it.

Knows the words of the domains and how small models write (case, typos, numbers as words). Knows nothing about
what the agent has said, save the one question that it waits to have answered, and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tracker.farewell import is_farewell, sentences
from tracker.simulator.domains import DOMAINS, Domain, Slot
from tracker.simulator.speech import (
    affirms,
    denies,
    find_words,
    leaves_open,
    plain,
    times,
    with_digits,
)

_CODE = re.compile(r"\b([a-z])\s?-?\s?(\d{4})\b")
_PHONE = re.compile(r"\b\d{3}[ -]?\d{4}\b")
_NAME = re.compile(
    r"\b(?:(?:[Mm]y name is|[Mm]y name's|[Nn]ame:|[Uu]nder the name(?: of)?|[Tt]he name is) (?=[A-Za-z])"
    # "Call me when it is done", "a hotel under budget".
    r"|(?:[Cc]all me|[Uu]nder) (?=[A-Z]))([\w'-]{2,}(?: [A-Z][\w'-]+)?)"
)
_SELF = re.compile(r"\b(?:[Tt]his is|[Ii] am|[Ii]'m) ([A-Z][\w'-]+(?: [A-Z][\w'-]+)?)")
_LOWER_NAME = re.compile(r"\b(?:my name is|my name's|name:|i am called) ([a-z][\w'-]+(?: [a-z][\w'-]+)?)")
_CAPITALISED = re.compile(r"[A-Z][\w'-]+(?: [A-Z][\w'-]+)?")
_NO_NAME = frozenset(
    {
        "yes",
        "no",
        "sure",
        "thanks",
        "thank",
        "please",
        "hello",
        "hi",
        "ok",
        "okay",
        "the",
        "i",
        "it",
        "my",
        "book",
        "a",
        "an",
        "any",
        "this",
        "that",
        *("all", "back", "excellent", "fine", "good", "great", "here", "how", "if", "just", "lovely", "not"),
        *("perfect", "so", "sorry", "what", "when", "where", "wonderful"),
    }
)
_MEMBER = re.compile(r"\b(member|club)\b")
_NO_MEMBER = re.compile(r"\b(not|n't|never|no)\b[^.!?]*\b(member|club)\b")
_BUDGET = re.compile(
    r"(?:no more than|not more than|at most|up to|under|below|less than|max(?:imum)?(?: of)?"
    r"|budget(?: is| of)?) ?€?(\d{2,4})|(\d{2,4}) ?(?:euros?|eur|€) (?:at most|max|or less)"
)
_COUNTED = {
    "people": re.compile(
        r"\b(\d) ?(?:people|persons?|guests?|of us|adults?|travell?ers?|passengers?|tickets?|seats?)\b"
        r"|\b(?:table|party|group|room|ticket|tickets) (?:for|of) (\d)\b|\bwe are (\d)\b"
        r"|\bfor (\d)(?= on| at|[.!?]|$)"
    ),
    "nights": re.compile(r"\b(\d) ?nights?\b"),
}
_ALONE = re.compile(r"\b(just me|only me|for myself|alone|by myself|just myself|single person)\b")
_REFERENCE = re.compile(r"\b(reference|case|ticket) number\b")
_CONFIRMATION = re.compile(r"\bconfirmation\b")
_GREETING = re.compile(r"\b(good|nice|great|lovely) (morning|afternoon|evening|day)\b")
_QUESTION_OPENING = re.compile(
    r"\b(what|which|when|where|whether|how|is there|are there|does|do you know|find out"
    r"|can you tell|could you tell|tell me|know|i need|give me)\b"
)


@dataclass(frozen=True)
class Heard:
    """What was understood."""

    domains: tuple[str, ...] = ()
    """The requests that the message speaks of by name, in its order."""
    named: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Domain → slot → value."""
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Domain → facts."""
    personal: Mapping[str, str] = field(default_factory=dict)
    """What the user said about themself."""
    affirms: bool = False
    denies: bool = False
    leaves_open: bool = False
    farewell: bool = False
    reference: bool = False
    """Asks for a reference number."""
    confirmation: bool = False
    """Asks for a confirmation in writing."""


def understand(text: str, *, active: str | None = None, awaited: Collection[str] = ()) -> Heard:
    """Read a message.

    Parameters
    ----------
    active
        The domain that is being talked about; what names no other belongs to it.
    awaited
        The slots and personal details that the agent has just asked for: a bare number or name answers them.
    """
    domains: list[str] = []
    named: dict[str, dict[str, str]] = {}
    wanted: dict[str, tuple[str, ...]] = {}
    current = active
    for sentence in sentences(text):
        lower = with_digits(_GREETING.sub("", plain(sentence)))
        for domain in DOMAINS.values():
            if re.search(domain.triggers, plain(sentence)) and _begins(domain, current, plain(sentence)):
                current = domain.name
                if current not in domains:
                    domains.append(current)
                break
        if current is None:
            continue
        domain = DOMAINS[current]
        values = _values(domain, lower, sentence, awaited)
        if values:
            named.setdefault(current, {}).update(values)
        facts = tuple(
            fact.name for fact in domain.facts if re.search(fact.words, plain(sentence)) and _asks(sentence)
        )
        if facts:
            wanted[current] = (*wanted.get(current, ()), *facts)
    lower = plain(text)
    return Heard(
        domains=tuple(domains),
        named=named,
        wanted=wanted,
        personal=_personal(text, awaited),
        affirms=affirms(lower),
        denies=denies(lower),
        leaves_open=leaves_open(lower),
        farewell=is_farewell(text),
        reference=_REFERENCE.search(lower) is not None,
        confirmation=any(_CONFIRMATION.search(plain(part)) and "?" in part for part in sentences(text)),
    )


def _begins(domain: Domain, current: str | None, lower: str) -> bool:
    """Whether a trigger changes the subject: a weak one, like "buy", only where its object is named."""
    if current is None or current == domain.name:
        return True
    if domain.name == "cancel":
        # "Can I cancel the booking?" is a question about something else.
        return _CODE.search(lower) is not None or re.search(r"\border\b", lower) is not None
    if domain.name == "return":
        return re.search(r"\border\b", lower) is not None
    if domain.name == "shop":
        return re.search(r"\b(buy|purchase|order an?|new)\b", lower) is not None
    # "A room with a table" speaks of the room: what is meant is what it is for.
    return not re.search(DOMAINS[current].triggers, lower)


def _values(domain: Domain, lower: str, sentence: str, awaited: Collection[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for slot in domain.slots:
        value = _value(slot, lower, awaited)
        if value is not None:
            values[slot.name] = value
    if domain.name == "train":
        values = {name: value for name, value in values.items() if name not in ("origin", "destination")}
        values |= _journey(domain, lower, awaited)
    return values


def _value(slot: Slot, lower: str, awaited: Collection[str]) -> str | None:
    if slot.name == "code":
        code = _CODE.search(lower)
        return f"{code[1].upper()}-{code[2]}" if code else None
    if slot.name == "time":
        found = times(lower)
        return found[-1] if found else None
    if slot.name == "budget":
        budget = _BUDGET.search(lower)
        bare = re.search(r"\b(\d{2,4})\b", lower) if "budget" in awaited else None
        if budget:
            return str(budget[1] or budget[2])
        return bare[1] if bare else None
    if slot.name in _COUNTED:
        if slot.name == "people" and _ALONE.search(lower):
            return "1"
        counted = [next(filter(None, match.groups())) for match in _COUNTED[slot.name].finditer(lower)]
        if counted:
            return str(counted[-1])
        bare = re.search(r"(?<![\d:-])\b(\d)\b(?![\d:-])", lower) if slot.name in awaited else None
        return bare[1] if bare else None
    places = {
        value: place
        for value in slot.values
        if (place := find_words((value, *slot.also.get(value, ())), lower)) is not None
    }
    if "expensive" in places and re.search(r"\b(inexpensive|(not|less|too) expensive)\b", lower):
        del places["expensive"]
    # "moderately priced" and its like hold others inside them; the one that comes first is meant.
    return min(places, key=lambda value: places[value]) if places else None


def _journey(domain: Domain, lower: str, awaited: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    cities = domain.identity[0].values
    mentioned = [city for city in cities if find_words((city,), lower) is not None]
    for name, words in (
        ("origin", r"(?:from|leaving|departing|starting in)"),
        ("destination", r"(?:to|for|in)"),
    ):
        for city in mentioned:
            if re.search(rf"\b{words} (?:the )?{_stem(city)}", lower):
                found.setdefault(name, city)
    asked = [name for name in ("origin", "destination") if name in awaited]
    if len(mentioned) == 1 and not found and asked:
        found[asked[0]] = mentioned[0]
    return found


def _stem(city: str) -> str:
    return re.escape(city.lower()[:4])


def _asks(sentence: str) -> bool:
    """Whether a sentence that holds a fact's words asks for it: a question, or the request to find it out."""
    return "?" in sentence or _QUESTION_OPENING.search(plain(sentence)) is not None


def _personal(text: str, awaited: Collection[str]) -> dict[str, str]:
    personal: dict[str, str] = {}
    lower = plain(text)
    straight = text.replace("’", "'")
    match = _NAME.search(straight) or _LOWER_NAME.search(straight) or _SELF.search(straight)
    if match and match[1].split()[0].lower() not in _NO_NAME:
        personal["name"] = match[1]
    if "name" not in personal and "name" in awaited:
        names = [
            name
            for name in _CAPITALISED.findall(straight)
            if name.split()[0].lower() not in _NO_NAME and not re.search(r"'", name)
        ]
        words = straight.strip(" .!").split()
        if 1 <= len(words) <= 2 and all(word.isalpha() for word in words):
            if words[0].lower() not in _NO_NAME:
                personal["name"] = " ".join(words)
        elif double := [name for name in names if " " in name]:
            personal["name"] = double[0]
    phone = _PHONE.search(text)
    if phone and ("phone" in awaited or re.search(r"\b(my|me)\b", lower)):
        personal["phone"] = re.sub(r"\D", "", phone[0])
    if _NO_MEMBER.search(lower):
        personal["member"] = "no"
    elif _MEMBER.search(lower) and re.search(r"\b(i am|i'm|yes|as a|being a|my)\b", lower):
        personal["member"] = "yes"
    elif "member" in awaited and denies(lower):
        personal["member"] = "no"
    elif "member" in awaited and affirms(lower):
        personal["member"] = "yes"
    old = re.search(
        r"\b(\d{1,3}) ?(?:years?|yrs?)[ -]?(?:old|of age)\b|\b(?:i am|i'm|aged) (\d{2})\b(?!:)", lower
    )
    bare = re.search(r"(?<![\d:-])\b(\d{2})\b(?![\d:-])", lower) if "age" in awaited else None
    if old:
        personal["age"] = next(filter(None, old.groups()))
    elif bare:
        personal["age"] = bare[1]
    return personal

"""Reads MultiWOZ 2.1 as packaged in ConvLab-2: annotated dialogues, their values and their databases.

Knows the annotation's names and quirks and how a value may be worded. Knows nothing about goals' components,
labels or models. None of MultiWOZ's text stands here: the data come from paths that the caller gives. A slot
has one name everywhere, the one that the goals and databases use (``pricerange``, ``leaveAt``, ``trainID``).

Budzianowski et al. 2018 (arXiv 1810.00278), Eric et al. 2020 (arXiv 1907.01669).
"""

from __future__ import annotations

import difflib
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from tracker.conversation import Message, Role
from tracker.errors import InputError
from tracker.validation import input_error

_SLOTS = {
    "Price": "pricerange",
    "Area": "area",
    "Food": "food",
    "Name": "name",
    "Type": "type",
    "Stars": "stars",
    "Internet": "internet",
    "Parking": "parking",
    "People": "people",
    "Day": "day",
    "Stay": "stay",
    "Time": "time",
    "Leave": "leaveAt",
    "Arrive": "arriveBy",
    "Depart": "departure",
    "Dest": "destination",
    "Addr": "address",
    "Phone": "phone",
    "Post": "postcode",
    "Fee": "entrance fee",
    "Ref": "reference",
    "Ticket": "price",
    "Id": "trainID",
    "Car": "car type",
    "Choice": "choice",
}
DOMAINS = ("restaurant", "hotel", "attraction", "train", "taxi")
VENUES = ("restaurant", "hotel", "attraction")
INFO = {
    "restaurant": ("food", "area", "pricerange"),
    "hotel": ("area", "pricerange", "stars", "type", "parking", "internet"),
    "attraction": ("area", "type"),
    "train": ("departure", "destination", "day", "leaveAt", "arriveBy"),
    "taxi": ("departure", "destination", "leaveAt", "arriveBy"),
}

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SAME = {
    "center": "centre",
    "moderately": "moderate",
    "moderately priced": "moderate",
    "mid priced": "moderate",
    "inexpensive": "cheap",
    "guest house": "guesthouse",
    "guesthouses": "guesthouse",
    "guest houses": "guesthouse",
    "hotels": "hotel",
    "swimming pool": "swimmingpool",
    "night club": "nightclub",
    "concert hall": "concerthall",
    "multiple sports": "mutliple sports",
    "king's lynn": "kings lynn",
    "london king's cross": "london kings cross",
    "bishop's stortford": "bishops stortford",
    "london kings cross station": "london kings cross",
    "just me": "1",
    "myself": "1",
    "free": "yes",
}
Row = Mapping[str, str]
"""A venue or a train: slot → value, as normal as ``normal`` makes it."""
TIME = re.compile(r"\b([01]?\d|2[0-3])\s?:\s?([0-5]\d)(?:\s?([ap])\.?\s?m\b)?")


def normal(value: str) -> str:
    """A slot value in one spelling: lower case, digits for number words, ``hh:mm`` for times."""
    value = re.sub(r"\s+", " ", value.lower().strip().replace(" 's", "'s"))
    time = TIME.fullmatch(value)
    if time:
        return _clock(time)
    value = re.sub(r"^the ", "", value)
    if value in _NUMBERS:
        return str(_NUMBERS.index(value))
    value = re.sub(r"^(\d+) (people|person|nights?|stars?|guests?|tickets?)$", r"\1", value)
    return _SAME.get(value, value)


def _clock(match: re.Match[str]) -> str:
    hour = int(match[1])
    if match[3] == "p" and hour < 12:
        hour += 12
    return f"{hour:02d}:{match[2]}"


def times_in(text: str) -> list[str]:
    """The times of day in a text as ``hh:mm``, in order."""
    return [_clock(match) for match in TIME.finditer(text)]


@dataclass(frozen=True)
class Act:
    """One slot of one dialogue act, such as Hotel-Inform Area north."""

    domain: str
    intent: str
    slot: str
    value: str


@dataclass(frozen=True)
class Exchange:
    """One turn of an annotated dialogue."""

    index: int
    user: str
    reply: str
    asked: tuple[Act, ...]
    """The user's acts."""
    answered: tuple[Act, ...]
    """The agent's acts; Booking acts carry the domain that they are about."""
    belief: Mapping[str, Mapping[str, str]]
    """Domain → slot → value as the annotation has it after the user's message."""
    references: Mapping[str, tuple[str, ...]]
    """Domain → reference numbers of the bookings that stand, in lower case."""

    @property
    def unannotated(self) -> bool:
        """Whether nobody annotated the reply, so that its silence means nothing."""
        return not self.answered

    def heard(self, domain: str, *intents: str) -> list[Act]:
        """The agent's acts in a domain, of these intents or of any."""
        return [a for a in self.answered if a.domain == domain and (not intents or a.intent in intents)]

    def said(self, domain: str, *intents: str) -> list[Act]:
        """The user's acts in a domain, of these intents or of any."""
        return [a for a in self.asked if a.domain == domain and (not intents or a.intent in intents)]


class _Place(BaseModel):
    """What the annotation believes about one domain after a turn."""

    semi: dict[str, JsonValue] = {}
    book: dict[str, JsonValue] = {}


class Utterance(BaseModel):
    """One message of an annotated log."""

    text: str
    dialog_act: dict[str, list[tuple[str, JsonValue]]] = {}
    metadata: dict[str, _Place] = {}


class Annotated(BaseModel):
    """One annotated dialogue as it stands in the file: user and agent take turns in ``log``."""

    goal: dict[str, JsonValue]
    log: list[Utterance]


def _acts(raw: Mapping[str, Sequence[tuple[str, JsonValue]]], booking: str | None) -> tuple[Act, ...]:
    acts = []
    for name, slots in raw.items():
        domain, _, intent = name.lower().partition("-")
        if domain == "booking":
            if booking is None:
                continue
            domain, intent = booking, f"booking-{intent}"
        for slot, value in slots:
            key = _SLOTS.get(slot, slot.lower())
            if domain == "train" and slot == "Time":
                key = "duration"
            # "none" is how the annotation says that the hotel has it: there is no word to point at.
            if key in ("internet", "parking") and value == "none":
                value = "yes"
            acts.append(Act(domain, intent, key, normal(str(value))))
    return tuple(acts)


def exchanges(log: Sequence[Utterance]) -> tuple[Exchange, ...]:
    """The turns of an annotated log; a last user message without a reply is left out."""
    turns: list[Exchange] = []
    booking: str | None = None
    for index in range(0, len(log) - 1, 2):
        user, agent = log[index], log[index + 1]
        asked = _acts(user.dialog_act, None)
        spoken = [act.domain for act in asked if act.domain in ("hotel", "restaurant")]
        names = (name.lower().partition("-")[0] for name in agent.dialog_act)
        spoken += [name for name in names if name in ("hotel", "restaurant")]
        if spoken:
            booking = spoken[0]
        belief: dict[str, dict[str, str]] = {}
        references: dict[str, tuple[str, ...]] = {}
        for domain, place in agent.metadata.items():
            slots = {**place.semi, **{k: v for k, v in place.book.items() if k != "booked"}}
            belief[domain] = {k: normal(str(v)) for k, v in slots.items() if v not in ("", "not mentioned")}
            bookings = [mapping(one) for one in sequence(place.book.get("booked"))]
            references[domain] = tuple(
                str(one["reference"]).lower() for one in bookings if "reference" in one
            )
        answered = _acts(agent.dialog_act, booking)
        turns.append(Exchange(index // 2 + 1, user.text, agent.text, asked, answered, belief, references))
    return tuple(turns)


def messages_of(turns: Sequence[Exchange]) -> tuple[Message, ...]:
    """What was said, a message each, on one line; a message of nothing becomes an ellipsis."""
    return tuple(
        Message(role=role, content=" ".join(text.split()) or "…")
        for turn in turns
        for role, text in ((Role.USER, turn.user), (Role.ASSISTANT, turn.reply))
    )


_WORDS = {
    ("area", "centre"): r"cent(?:re|er|ral)\w*",
    ("pricerange", "moderate"): r"moderate\w*|mid-?\s?(?:range|priced)|medium|reasonabl\w+|average",
    ("pricerange", "cheap"): r"cheap\w*|inexpensive\w*|budget|low\w*|affordab\w+",
    ("pricerange", "expensive"): r"expensive|pricey|upscale|high\w*|fancy|luxur\w+|nice\w*",
    ("parking", "yes"): r"park\w*",
    ("parking", "no"): r"park\w*",
    ("internet", "yes"): r"internet|wi\s?-?\s?fi",
    ("internet", "no"): r"internet|wi\s?-?\s?fi",
    ("type", "guesthouse"): r"guest\s?-?\s?houses?|b\s?&\s?b|bed and breakfasts?",
    ("type", "swimmingpool"): r"swim\w*|pools?",
    ("type", "concerthall"): r"concert\w*",
    ("type", "nightclub"): r"night\s?-?\s?clubs?|clubs?",
    ("type", "mutliple sports"): r"multiple sports?|sport\w*",
    ("type", "architecture"): r"architectur\w*|churche?s?",
    ("type", "entertainment"): r"entertain\w*",
    ("type", "theatre"): r"theat(?:re|er)s?",
    ("type", "boat"): r"boat\w*|punt\w*",
    ("type", "cinema"): r"cinemas?|movies?|films?",
    ("type", "museum"): r"museums?|galler\w+",
    ("people", "1"): r"alone|by myself|just me|only me|one|1|single|solo",
}


def mentions(text: str, slot: str, value: str) -> bool:
    """Whether a text speaks of a slot value; generous, so that its absence can be trusted."""
    text = text.lower().replace(" 's", "'s")
    if slot in ("leaveAt", "arriveBy", "time"):
        return value in times_in(text) or value.lstrip("0") in text
    pattern = _WORDS.get((slot, value))
    if pattern is None and value.isdigit() and int(value) < len(_NUMBERS):
        pattern = f"{value}|{_NUMBERS[int(value)]}"
    if pattern is None:
        pattern = re.escape(value) + "s?"
    return re.search(rf"\b(?:{pattern})\b", text) is not None


class Databases:
    """The venues and trains that the dialogues speak of, read from a folder of ``<domain>_db.json``.

    Raises ``InputError`` where a file is missing or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.rows: dict[str, list[Row]] = {}
        for domain in (*VENUES, "train"):
            path = folder / f"{domain}_db.json"
            try:
                raw = TypeAdapter(list[dict[str, JsonValue]]).validate_json(path.read_bytes())
            except OSError as error:
                raise InputError(f"expected a database of {domain}s: {error}", source=path) from error
            except ValidationError as error:
                raise input_error(error, source=path) from error
            self.rows[domain] = [
                {key: normal(value) for key, value in row.items() if isinstance(value, str)} for row in raw
            ]
        self._names = {domain: {bare(row["name"]): row for row in self.rows[domain]} for domain in VENUES}
        self._trains: dict[str, list[Row]] = {}
        for row in self.rows["train"]:
            self._trains.setdefault(row["trainID"], []).append(row)

    def named(self, domain: str, name: str) -> Row | None:
        """The venue that a name in a dialogue means, or ``None`` when that is not plain."""
        names = self._names.get(domain, {})
        wanted = bare(name)
        if not wanted:
            return None
        if wanted in names:
            return names[wanted]
        near = [row for known, row in names.items() if wanted in known or known in wanted]
        if len(near) == 1 and len(wanted) > 4:
            return near[0]
        close = difflib.get_close_matches(wanted, names, n=2, cutoff=0.85)
        return names[close[0]] if len(close) == 1 else None

    def in_text(self, domain: str, text: str) -> list[Row]:
        """The venues whose whole name stands in a text."""
        text = f" {bare(text)} "
        names = self._names.get(domain, {}).items()
        found = {name: row for name, row in names if f" {name} " in text and len(name) > 5}
        return [
            row for name, row in found.items() if not any(name != other and name in other for other in found)
        ]

    def train(self, train_id: str, wanted: Mapping[str, str], times: Sequence[str]) -> Row | None:
        """The train of an id; ids recur, so what is wanted and the times told with it must single it out."""
        rows = self._trains.get(train_id.lower(), [])
        fitting = [
            r for r in rows if all(r[k] == wanted.get(k, r[k]) for k in ("departure", "destination", "day"))
        ]
        if len(fitting) > 1:
            fitting = [r for r in fitting if r["leaveAt"] in times or r["arriveBy"] in times]
        return fitting[0] if len(fitting) == 1 else None

    def values(self, domain: str, slot: str) -> list[str]:
        """The values that a slot takes in the database, in order of spelling."""
        found = {row.get(slot, "?") for row in self.rows[domain]}
        return sorted(v for v in found if v not in ("?", "", "none", "mutliple sports", "-") and len(v) < 24)


def bare(name: str) -> str:
    """A name for comparison: letters and digits only, without articles and words for the kind of venue."""
    name = re.sub(
        r"[^a-z0-9 ]+", " ", name.lower().replace("'s", "s").replace(" 's", "s").replace("&", " and ")
    )
    name = re.sub(r"\bguest house\b", "guesthouse", name)
    name = (
        re.sub(r"\b(?:the|restaurant|hotel|college)\b", " ", name)
        if not re.fullmatch(r"\s*the \w+\s*", name)
        else name
    )
    return re.sub(r"\s+", " ", name).strip()


def read_dialogues(path: Path) -> dict[str, Annotated]:
    """The annotated dialogues of a ``.json``, or of a ``.zip`` that holds one, by id.

    Raises ``InputError`` where the file cannot be read or holds something else.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if name.endswith(".json")]
                if len(names) != 1:
                    raise InputError(
                        f"expected one JSON file in the archive, found {len(names)}", source=path
                    )
                raw = archive.read(names[0])
        else:
            raw = path.read_bytes()
        return TypeAdapter(dict[str, Annotated]).validate_json(raw)
    except ValidationError as error:
        raise input_error(error, source=path) from error
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"expected annotated dialogues: {error}", source=path) from error


def mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()

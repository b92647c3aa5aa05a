"""The simulated world: a small database made from a seed, and a log of what happens in it.

Knows tables, availability, deliberate failures and events. Knows nothing about conversations: who says what,
and how it is understood, is the agent's business.

Every kind of request has a table of what is on offer (SQLite, in memory or in a file). ``unavailable`` holds
details that an offer cannot be had with (a restaurant that is full on Friday), ``faults`` what goes wrong on
purpose. ``events`` is the log that the true outcome of a goal is read from.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import permutations
from pathlib import Path
from types import MappingProxyType

from tracker.simulator.domains import DOMAINS, Domain, Failure

Values = Mapping[str, str]
"""Slot → value."""

_PRICE = "price_in_euros"
_MOST_PER_DOMAIN = 24
_ORDERS = 10


class Happening(StrEnum):
    """What the log tells of."""

    NAMED = "named"
    """The user named values, as the agent understood them."""
    WANTED = "wanted"
    """The user asked for a fact."""
    RAISED = "raised"
    """The user spoke of a kind of request."""
    ASKED = "asked"
    """The agent asked the user for a slot, or for something personal."""
    OFFERED = "offered"
    """The agent stated an offer with these values."""
    UNMET = "unmet"
    """The agent said that a value cannot be had."""
    DONE = "done"
    """The request was carried out with these values."""
    FAILED = "failed"
    """The whole request failed."""
    TOLD = "told"
    """The agent told a fact."""
    UNTOLD = "untold"
    """The agent said that it does not know a fact."""
    SKIPPED = "skipped"
    """The agent passed over a question for a fact."""
    PROMOTED = "promoted"
    """The agent offered an extra."""
    BOUGHT = "bought"
    """The user took the extra."""


@dataclass(frozen=True)
class Event:
    """One thing that happened in a turn."""

    turn: int
    """Counted from 1."""
    happening: Happening
    domain: str
    """Empty for what concerns no single request."""
    values: Values = field(default_factory=dict)
    """Slots with their values; a fact stands under ``fact``, a slot that was asked for under ``slot``."""


@dataclass(frozen=True)
class Offer:
    """A row of what can be had."""

    id: int
    domain: str
    name: str
    values: Values
    """Identity and attributes."""
    facts: Values
    """The sentence that answers each fact."""


class World:
    """What can be had, what goes wrong, and what happened; ``generate`` makes one from a seed.

    Parameters
    ----------
    path
        Where the database lies; in memory where nothing is said.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = sqlite3.connect(":memory:" if path is None else path)
        for domain in DOMAINS.values():
            columns = ", ".join(f'"{name}" TEXT NOT NULL' for name in _columns(domain))
            self._database.execute(f'CREATE TABLE "{domain.name}" (id INTEGER PRIMARY KEY, {columns})')
        self._database.executescript(
            """
            CREATE TABLE unavailable (domain TEXT, offer INTEGER, slot TEXT, value TEXT);
            CREATE TABLE faults (domain TEXT PRIMARY KEY, failure TEXT);
            CREATE TABLE mistakes (domain TEXT, slot TEXT, value TEXT, PRIMARY KEY (domain, slot));
            CREATE TABLE withheld (domain TEXT, fact TEXT, PRIMARY KEY (domain, fact));
            CREATE TABLE events (turn INTEGER, happening TEXT, domain TEXT, details TEXT);
            """
        )

    @classmethod
    def generate(cls, random_state: int | str, *, path: Path | None = None) -> World:
        """A world full of invented things; the same seed gives the same."""
        world, chance = cls(path), random.Random(f"world:{random_state}")
        for domain in DOMAINS.values():
            for row in _rows(domain, chance):
                world._insert(domain, row)
        world._database.commit()
        return world

    def offers(self, domain: Domain, wanted: Values | None = None) -> list[Offer]:
        """What can be had with all the values ``wanted``; a budget is met by anything that is no dearer."""
        wanted = wanted or {}
        known = {slot.name for slot in domain.slots}
        matches = [
            offer
            for offer in self._all(domain)
            if all(self._meets(offer, slot, value) for slot, value in wanted.items() if slot in known)
        ]
        return matches

    def restrict(self, domain: Domain, slot: str, value: str) -> None:
        """See to it that nothing can be had with this value."""
        for offer in self._all(domain):
            self._database.execute(
                "INSERT INTO unavailable VALUES (?, ?, ?, ?)", (domain.name, offer.id, slot, value)
            )

    def break_down(self, domain: Domain, failure: Failure) -> None:
        """Let every request of a domain fail."""
        self._database.execute("INSERT OR REPLACE INTO faults VALUES (?, ?)", (domain.name, failure))

    def confuse(self, domain: Domain, slot: str, value: str) -> None:
        """Let requests of a domain be carried out with a wrong value."""
        self._database.execute("INSERT OR REPLACE INTO mistakes VALUES (?, ?, ?)", (domain.name, slot, value))

    def withhold(self, domain: Domain, fact: str) -> None:
        """Let the agent not know a fact."""
        self._database.execute("INSERT OR REPLACE INTO withheld VALUES (?, ?)", (domain.name, fact))

    def failure(self, domain: Domain) -> Failure | None:
        row = self._database.execute("SELECT failure FROM faults WHERE domain = ?", (domain.name,)).fetchone()
        return None if row is None else Failure(row[0])

    def mistakes(self, domain: Domain) -> Values:
        """The wrong values that a request of the domain is carried out with."""
        rows = self._database.execute(
            "SELECT slot, value FROM mistakes WHERE domain = ?", (domain.name,)
        ).fetchall()
        return dict(rows)

    def knows(self, domain: Domain, fact: str) -> bool:
        row = self._database.execute(
            "SELECT 1 FROM withheld WHERE domain = ? AND fact = ?", (domain.name, fact)
        ).fetchone()
        return row is None

    def log(self, event: Event) -> None:
        self._database.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?)",
            (event.turn, event.happening, event.domain, json.dumps(dict(event.values))),
        )

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything that happened, in order."""
        rows = self._database.execute("SELECT turn, happening, domain, details FROM events ORDER BY rowid")
        return tuple(
            Event(turn, Happening(happening), domain, json.loads(details))
            for turn, happening, domain, details in rows
        )

    def close(self) -> None:
        self._database.commit()
        self._database.close()

    def _all(self, domain: Domain) -> list[Offer]:
        names = _columns(domain)
        columns = ", ".join(f'"{name}"' for name in names)
        rows = self._database.execute(f'SELECT id, {columns} FROM "{domain.name}" ORDER BY id').fetchall()
        facts = {fact.name for fact in domain.facts}
        offers = []
        for number, *cells in rows:
            row = dict(zip(names, cells, strict=True))
            offers.append(
                Offer(
                    id=number,
                    domain=domain.name,
                    name=row.pop("name"),
                    facts=MappingProxyType(
                        {name.removeprefix("fact_"): row[name] for name in row if name.startswith("fact_")}
                    ),
                    values=MappingProxyType(
                        {name: value for name, value in row.items() if not name.startswith("fact_")}
                    ),
                )
            )
        assert all(set(offer.facts) == facts for offer in offers)
        return offers

    def _meets(self, offer: Offer, slot: str, value: str) -> bool:
        if slot == "budget":
            met = not value.isdecimal() or int(offer.values[_PRICE]) <= int(value)
        else:
            met = offer.values.get(slot, value) == value
        return met and not self._unavailable(offer, slot, value)

    def _unavailable(self, offer: Offer, slot: str, value: str) -> bool:
        row = self._database.execute(
            "SELECT 1 FROM unavailable WHERE domain = ? AND offer = ? AND slot = ? AND value = ?",
            (offer.domain, offer.id, slot, value),
        ).fetchone()
        return row is not None

    def _insert(self, domain: Domain, row: Mapping[str, str]) -> None:
        names = _columns(domain)
        places = ", ".join("?" * len(names))
        columns = ", ".join(f'"{name}"' for name in names)
        self._database.execute(
            f'INSERT INTO "{domain.name}" ({columns}) VALUES ({places})', [row[name] for name in names]
        )


def _columns(domain: Domain) -> list[str]:
    """The columns of a domain's table, without the id."""
    slots = [slot.name for slot in (*domain.identity, *domain.attributes)]
    slots = [_PRICE if name == "budget" else name for name in slots]
    return ["name", *slots, *(f"fact_{fact.name}" for fact in domain.facts)]


def _rows(domain: Domain, chance: random.Random) -> list[dict[str, str]]:
    """Rows of a domain's table: every identity with some attributes, none twice the same way."""
    rows = []
    identities = _identities(domain, chance)
    names = list(domain.names)
    chance.shuffle(names)
    for position, identity in enumerate(identities):
        row = dict(identity)
        for slot in domain.attributes:
            if slot.name == "budget":
                # Prices begin below the lowest budget, so that every budget has something.
                row[_PRICE] = str(chance.choice((19, 28, 39, 52, 75)))
            elif len(slot.values) == 1:
                # What one can only have or not have.
                row[slot.name] = slot.values[0] if chance.random() < 0.6 else ""
            else:
                row[slot.name] = chance.choice(slot.values)
        for fact in domain.facts:
            row[f"fact_{fact.name}"] = chance.choice(fact.answers)
        row["name"] = names[position % len(names)]
        rows.append(row)
    return rows


def _identities(domain: Domain, chance: random.Random) -> Sequence[dict[str, str]]:
    names = [slot.name for slot in domain.identity]
    if names == ["code"]:
        codes = chance.sample(range(1000, 10_000), _ORDERS)
        return [{"code": f"{chance.choice('BFKMRT')}-{number}"} for number in codes]
    if names == ["origin", "destination"]:
        pairs = permutations(domain.identity[0].values, 2)
        return [{"origin": a, "destination": b} for a, b in pairs for _ in range(3)]
    if names:
        return [{names[0]: value} for value in domain.identity[0].values for _ in range(4)]
    return [{} for _ in range(_MOST_PER_DOMAIN)]

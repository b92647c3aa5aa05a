"""Weakly labelled conversations from MultiWOZ: goals cut into components, labelled from dialogue acts.

Knows which components a dialogue is given: those of its own goal, conditions whose value nobody ever speaks
of, facts and tasks that never come up, and habits. The labels are ``training.acts``', the words
``training.phrases``'. Knows nothing about models or training. The output holds MultiWOZ's text: keep it out
of the repository.

``python -m training.weak val.json.zip --output weak.jsonl --exclude judged.jsonl``
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tracker.conversation import Conversation, check_labels
from tracker.errors import InputError
from tracker.goal import Category, Component, Goal, Status
from tracker.source import open_source
from training import phrases
from training.acts import Dialogue, Label, joined, meets
from training.command import ClickCommand
from training.data import write_labelled
from training.habits import SPEAKS_OF, habits
from training.multiwoz import (
    DOMAINS,
    INFO,
    VENUES,
    Annotated,
    Databases,
    exchanges,
    mapping,
    mentions,
    messages_of,
    read_dialogues,
    sequence,
    times_in,
)

SOURCE = "multiwoz-weak"
"""The ``source`` of every conversation written here."""

Labeller = Callable[[str, str, str], Label | None]
"""Domain, slot and value of a condition to its label, ``None`` where it is open."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_QUARTERS = tuple(f"{hour:02d}:{minute:02d}" for hour in range(6, 23) for minute in (0, 15, 30, 45))
_FURTHER_FACTS = {
    "restaurant": ("phone", "postcode", "address"),
    "hotel": ("phone", "postcode", "address", "parking", "internet"),
    "attraction": ("phone", "postcode", "address", "entrance fee"),
    "train": ("trainID", "duration", "price"),
    "taxi": (),
}

# How often a component is drawn, or drawn in another form. Chosen so that open components stay a minority
# and each form of sentence that people write occurs.
_OTHER_VALUE, _IN_ONE_SENTENCE, _ROUTE_IN_ONE, _FACTS_IN_ONE = 0.2, 0.4, 0.5, 0.35
_SAME_AS_ELSEWHERE, _BETWEEN_PLACES, _ASIDE, _FURTHER_FACT = 0.6, 0.5, 0.3, 0.5
_WISH, _OTHER_WISH, _ABSENT = 0.6, 0.5, 0.25


@dataclass(frozen=True)
class Draft:
    """A component without an id."""

    category: Category
    text: str
    label: Label
    domain: str | None = None
    """The domain of the objective that it is or belongs to."""


class Drafts:
    """Draws the components of one dialogue; what is drawn depends on the seed and the dialogue alone."""

    def __init__(self, dialogue: Dialogue, seed: int) -> None:
        self._dialogue = dialogue
        self._random = random.Random(f"{seed} {dialogue.id}")
        self._drafts: list[Draft] = []
        sentences = " ".join(str(sentence) for sentence in sequence(dialogue.goal.get("message")))
        self._message = re.sub(r"<[^>]+>", "", sentences).lower()

    def draw(self) -> list[Draft]:
        """The sure components of the dialogue: profiles, policies, then each objective with its own."""
        for category, text, label in habits(self._dialogue, self._random):
            self._add(category, text, label)
        self._drafts.sort(key=lambda draft: draft.category is not Category.PROFILE)
        for domain in DOMAINS:
            if self._dialogue.goal.get(domain):
                self._task(domain)
        self._untouched()
        return self._drafts

    def _add(self, category: Category, text: str, label: Label | None, domain: str | None = None) -> None:
        text = text[0].upper() + text[1:]
        if label is not None and all(draft.text != text for draft in self._drafts):
            self._drafts.append(Draft(category, text, label, domain))

    def _say(self, domain: str, slot: str, value: str) -> str:
        wording = self._random.choice(phrases.CONDITION[domain, slot])
        return wording.format(phrases.spoken(slot, value), value)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    # --- one domain

    def _task(self, domain: str) -> None:
        info, first = self._dialogue.goal_of(domain, "info"), self._dialogue.goal_of(domain, "fail_info")
        book = {
            slot: value
            for slot, value in self._dialogue.goal_of(domain, "book").items()
            if (domain, slot) in phrases.CONDITION
        }
        first_book = {s: v for s, v in self._dialogue.goal_of(domain, "fail_book").items() if s in book}
        if first.get("name", info.get("name")) == info.get("name"):
            self._objective(domain, info.get("name"), bool(book))
        self._conditions(domain, info, first)
        self._booking(domain, book, first_book)
        self._asides(domain, {*info.values(), *first.values()})
        self._facts(domain, bool(book))
        if domain in VENUES and self._chance(_WISH):
            self._wish(domain, info)

    def _objective(self, domain: str, name: str | None, book: bool) -> None:
        texts: Sequence[str]
        if name is not None:
            texts = (phrases.BOOK_CALLED if book else phrases.CALLED)[domain]
        else:
            texts = (phrases.BOOK if book or domain == "taxi" else phrases.FIND)[domain]
        places = [place for place in VENUES if self._dialogue.goal.get(place)]
        if domain == "taxi" and len(places) == 2 and self._ride_is_known() and self._chance(_BETWEEN_PLACES):
            text = self._random.choice(phrases.BETWEEN).format(*self._random.sample(places, 2))
        else:
            text = self._random.choice(texts).format(phrases.spoken("name", name or ""))
        label = self._dialogue.objective(domain, book=book, name=name)
        self._add(Category.OBJECTIVE, text, label, domain)

    def _ride_is_known(self) -> bool:
        """Whether the goal wants a taxi between its places and the booked one has both ends."""
        booked = self._dialogue.booked("taxi")
        if not booked or "between the two places" not in self._message:
            return False
        return {"departure", "destination"} <= set(self._dialogue.turns[booked - 1].belief.get("taxi", {}))

    def _conditions(self, domain: str, info: Mapping[str, str], first: Mapping[str, str]) -> None:
        label = self._dialogue.booking if domain == "taxi" else self._dialogue.requirement
        route = {slot: info[slot] for slot in ("departure", "destination") if slot in info}
        in_one = domain == "train" and len(route) == 2 and self._chance(_ROUTE_IN_ONE)
        if in_one:
            self._together(domain, route, label)
        for slot, value in info.items():
            if (domain, slot) not in phrases.CONDITION or value == "no" or (in_one and slot in route):
                continue
            before = first.get(slot, value)
            self._condition(domain, slot, before, label)
            if before != value and slot in phrases.INSTEAD:
                instead = phrases.INSTEAD[slot].format(phrases.spoken(slot, value))
                text = self._random.choice(phrases.FALLBACK).format(instead)
                if self._dialogue.failed_before(domain, slot, value):
                    self._add(Category.REQUIREMENT, text, label(domain, slot, value), domain)

    def _booking(self, domain: str, book: Mapping[str, str], first: Mapping[str, str]) -> None:
        label = self._dialogue.booking
        wanted = {**book, **first}
        forms = [form for place, form in phrases.JOINT if place == domain and set(form) <= set(wanted)]
        in_one = self._random.choice(forms) if forms and self._chance(_IN_ONE_SENTENCE) else ()
        for slot, value in wanted.items():
            if slot not in in_one:
                self._condition(domain, slot, value, label)
        if in_one:
            self._together(domain, {slot: wanted[slot] for slot in in_one}, label)
        for slot in first:
            if slot != "people":
                self._instead(domain, slot, book[slot])

    def _condition(self, domain: str, slot: str, value: str, label: Labeller) -> None:
        """A condition as the goal has it, as the same as elsewhere, or with a value that nobody speaks of."""
        alike = self._alike(domain, slot, value, label)
        if alike is not None and self._chance(_SAME_AS_ELSEWHERE):
            text = self._random.choice(phrases.SAME_AS[slot]).format(
                phrases.BOOKED[domain], phrases.BOOKED[alike]
            )
            self._add(Category.REQUIREMENT, text, label(domain, slot, value), domain)
            return
        other = self._other(domain, slot, value) if self._chance(_OTHER_VALUE) else None
        if other is not None:
            self._add(Category.REQUIREMENT, self._say(domain, slot, other), (), domain)
        else:
            text = self._say(domain, slot, value)
            self._add(Category.REQUIREMENT, text, label(domain, slot, value), domain)

    def _alike(self, domain: str, slot: str, value: str, label: Labeller) -> str | None:
        """The domain that was booked before with the same value, where the goal wants the same."""
        wording = {"people": "same group", "day": "same day"}.get(slot)
        if wording is None or wording not in self._message:
            return None
        mine = label(domain, slot, value)
        for other in phrases.BOOKED:
            if other == domain or self._dialogue.goal_of(other, "book").get(slot) != value:
                continue
            theirs = self._dialogue.booking(other, slot, value)
            if mine and theirs and mine[-1][1] is theirs[-1][1] is Status.COMPLETE and theirs[-1] <= mine[-1]:
                return other
        return None

    def _together(self, domain: str, values: Mapping[str, str], label: Labeller) -> None:
        """Several conditions in one sentence, now and then one of them with a value that nobody speaks of."""
        labels = [one for slot, value in values.items() if (one := label(domain, slot, value)) is not None]
        if len(labels) < len(values):
            return
        shown, whole = dict(values), joined(labels)
        failed = any(status is Status.ATTEMPTED for _, status in whole)
        if not failed and self._chance(_OTHER_VALUE):
            changed = self._random.choice(list(values))
            other = self._other(domain, changed, values[changed])
            if other is not None:
                shown[changed], whole = other, ()
        wording = self._random.choice(phrases.JOINT[domain, tuple(values)])
        text = wording.format(**{slot: phrases.spoken(slot, value) for slot, value in shown.items()})
        self._add(Category.REQUIREMENT, text, whole, domain)

    def _instead(self, domain: str, slot: str, value: str) -> None:
        """What is to be booked where the first wish cannot be."""
        failed = [turn.index for turn in self._dialogue.turns if turn.heard(domain, "booking-nobook")]
        start = self._dialogue.named(domain, slot, value)
        if start is not None and (not failed or start <= failed[0]):
            return
        text = self._random.choice(phrases.REBOOK).format(phrases.spoken(slot, value), domain)
        self._add(Category.REQUIREMENT, text, self._dialogue.booking(domain, slot, value), domain)

    def _asides(self, domain: str, known: Collection[str]) -> None:
        """Conditions that the user named although the goal has another or none; above all failed ones."""
        if domain not in VENUES:
            return
        seen = set(known)
        for act in (act for turn in self._dialogue.turns for act in turn.said(domain, "inform")):
            slot, value = act.slot, act.value
            if slot not in INFO[domain] or slot in ("parking", "internet") or value in seen:
                continue
            if value not in self._dialogue.databases.values(domain, slot):
                continue
            seen.add(value)
            label = self._dialogue.requirement(domain, slot, value)
            if label and (label[0][1] is Status.ATTEMPTED or self._chance(_ASIDE)):
                self._add(Category.REQUIREMENT, self._say(domain, slot, value), label, domain)

    def _facts(self, domain: str, book: bool) -> None:
        goal = self._dialogue.goal[domain]
        asked = [str(slot) for slot in sequence(goal.get("reqt") if isinstance(goal, dict) else ())]
        single = [slot for slot in asked if slot in phrases.FACTS]
        if len(single) > 1 and self._chance(_FACTS_IN_ONE):
            pair = self._random.sample(single, 2)
            if self._fact(domain, pair):
                single = [slot for slot in single if slot not in pair]
        further = [slot for slot in _FURTHER_FACTS[domain] if slot not in asked]
        if further and self._chance(_FURTHER_FACT):
            single.append(self._random.choice(further))
        for slot in single:
            self._fact(domain, [slot])
        if book and domain in phrases.BOOKING:
            text = self._random.choice(phrases.REFERENCE).format(phrases.BOOKING[domain])
            self._add(Category.REQUIREMENT, text, self._dialogue.fact(domain, "reference"), domain)

    def _fact(self, domain: str, slots: Sequence[str]) -> bool:
        labels = [label for slot in slots if (label := self._dialogue.fact(domain, slot)) is not None]
        if len(labels) < len(slots):
            return False
        names = " and ".join(phrases.FACTS[slot] for slot in slots)
        text = self._random.choice(phrases.LEARN).format(names, domain)
        self._add(Category.REQUIREMENT, text, joined(labels), domain)
        return True

    def _wish(self, domain: str, info: Mapping[str, str]) -> None:
        """A soft wish: a value that the user voices, or one that nobody speaks of."""
        slot = self._random.choice([slot for slot in INFO[domain] if slot in phrases.WISH])
        offered = slot in ("parking", "internet")
        value = info.get(slot, "yes" if offered else None)
        label: Label | None = ()
        if not offered and (value is None or self._chance(_OTHER_WISH)):
            value = self._other(domain, slot, value)
        elif value is not None:
            label = self._voiced(domain, slot, value)
        if value is None or value == "no":
            return
        text = self._random.choice(phrases.WISH[slot]).format(phrases.spoken(slot, value), domain)
        self._add(Category.PREFERENCE, text, label, domain)

    def _voiced(self, domain: str, slot: str, value: str) -> Label | None:
        start = self._dialogue.named(domain, slot, value)
        if start is None:
            return () if self._dialogue.silent(domain, slot, value) else None
        before = self._dialogue.turns[: max(start - 1, 0)]
        if start == 0 or any(mentions(turn.reply, slot, value) for turn in before):
            return None
        return ((start, Status.ALIGNED),)

    # --- what never comes up

    def _untouched(self) -> None:
        """A task of a domain that the dialogue never touches, with one condition."""
        turns = self._dialogue.turns
        for domain in self._random.sample(DOMAINS, len(DOMAINS)):
            spoken_of = any(SPEAKS_OF[domain].search(turn.user.lower()) for turn in turns)
            if self._dialogue.goal.get(domain) or self._dialogue.talked(domain) or spoken_of:
                continue
            if not self._chance(_ABSENT):
                continue
            texts = (phrases.BOOK if domain == "taxi" else phrases.FIND)[domain]
            self._add(Category.OBJECTIVE, self._random.choice(texts), (), domain)
            if domain in VENUES:
                slot = self._random.choice(("area", "type" if domain == "attraction" else "pricerange"))
                value = self._other(domain, slot, None)
                if value is not None:
                    self._add(Category.REQUIREMENT, self._say(domain, slot, value), (), domain)
            return

    def _other(self, domain: str, slot: str, value: str | None) -> str | None:
        """Another value of a slot that nobody speaks of and that nothing offered meets, or ``None``."""
        values = list(self._values(domain, slot))
        self._random.shuffle(values)
        rows = [row for turn in self._dialogue.turns for row in self._dialogue.offered(domain, turn)[0]]
        for other in values:
            met = slot in INFO[domain] and any(meets(domain, row, slot, other) for row in rows)
            if other != value and not met and self._dialogue.silent(domain, slot, other):
                return other
        return None

    def _values(self, domain: str, slot: str) -> Sequence[str]:
        if slot == "day":
            return _DAYS
        if slot in ("people", "stay"):
            return [str(number) for number in range(1, 9 if slot == "people" else 6)]
        if slot in ("leaveAt", "arriveBy", "time"):
            return self._times(domain, slot)
        if domain == "taxi" or slot in ("parking", "internet"):
            return ()
        return self._dialogue.databases.values(domain, slot)

    def _times(self, domain: str, slot: str) -> Sequence[str]:
        """Times of day; for a train only those that no time in the dialogue meets, since they are limits."""
        texts = [text for turn in self._dialogue.turns for text in (turn.user, turn.reply)]
        spoken_of = [time for text in texts for time in times_in(text)]
        if domain != "train" or not spoken_of:
            return _QUARTERS
        if slot == "leaveAt":
            return [time for time in _QUARTERS if time > max(spoken_of)]
        return [time for time in _QUARTERS if time < min(spoken_of)]


def weak_conversation(dialogue: Dialogue, seed: int) -> Conversation | None:
    """A dialogue with its drawn components and their labels; ``None`` where nothing about it is sure."""
    drafts = Drafts(dialogue, seed).draw()
    if not drafts:
        return None
    counts: Counter[Category] = Counter()
    ids: list[str] = []
    for draft in drafts:
        counts[draft.category] += 1
        ids.append(f"{draft.category}-{counts[draft.category]}")
    objectives = {
        d.domain: one for d, one in zip(drafts, ids, strict=True) if d.category is Category.OBJECTIVE
    }
    components = tuple(
        Component(
            id=one,
            category=draft.category,
            text=draft.text,
            objective=None if draft.category is Category.OBJECTIVE else objectives.get(draft.domain),
        )
        for draft, one in zip(drafts, ids, strict=True)
    )
    labels = {one: draft.label for draft, one in zip(drafts, ids, strict=True)}
    goal = Goal(text=" ".join(component.text for component in components), components=components)
    check_labels(goal, dict(labels), len(dialogue.turns))
    domain = "+".join(domain for domain in DOMAINS if dialogue.goal.get(domain))
    return Conversation(dialogue.id, goal, messages_of(dialogue.turns), labels, source=SOURCE, domain=domain)


def weak_conversations(
    annotated: Mapping[str, Annotated], databases: Databases, *, seed: int = 0, exclude: Iterable[str] = ()
) -> Iterator[Conversation]:
    """Weakly labelled conversations of annotated dialogues, in the order of their ids.

    Parameters
    ----------
    exclude
        Ids that must not come out, as MultiWOZ has them or with a source before them (``multiwoz-SNG0001``).
    """
    barred = {one.rpartition("-")[2].removesuffix(".json") for one in exclude}
    for name in sorted(annotated):
        one = name.removesuffix(".json")
        if one in barred:
            continue
        turns = exchanges(annotated[name].log)
        if not turns:
            continue
        dialogue = Dialogue(f"multiwoz-{one}", annotated[name].goal, turns, databases)
        weak = weak_conversation(dialogue, seed)
        if weak is not None:
            yield weak


def _ids(path: Path) -> Iterator[str]:
    """The ids of a file of conversations, whatever else its values hold. Raises ``InputError``."""
    for record in open_source(path):
        if isinstance(record, InputError):
            raise record
        one = mapping(record.value).get("id")
        if not isinstance(one, str):
            raise InputError("expected a conversation with an id", source=path, line=record.line)
        yield one


@click.command(cls=ClickCommand)
@click.argument("annotated", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--databases",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of <domain>_db.json.  [default: db beside ANNOTATED]",
)
@click.option(
    "--exclude",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of conversations that must not come out; may be given again.",
)
@click.option("--seed", default=0, show_default=True)
def main(annotated: Path, output: Path, databases: Path | None, exclude: Sequence[Path], seed: int) -> None:
    """Write weakly labelled conversations from ANNOTATED MultiWOZ dialogues, one a line."""
    barred = [one for path in exclude for one in _ids(path)]
    known = Databases(databases or annotated.parent / "db")
    weak = list(weak_conversations(read_dialogues(annotated), known, seed=seed, exclude=barred))
    write_labelled(weak, output)
    counts: Counter[tuple[str, str]] = Counter()
    for conversation in weak:
        for component in conversation.goal:
            changes = (conversation.labels or {})[component.id]
            counts[component.category, "→".join((component.start, *(status for _, status in changes)))] += 1
    for (category, way), count in sorted(counts.items()):
        click.echo(f"{category:12} {way:32} {count:6}")
    click.echo(f"{'all':12} {'':32} {counts.total():6}")


if __name__ == "__main__":
    main()

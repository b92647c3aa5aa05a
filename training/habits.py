"""Policies and profiles of MultiWOZ users that dialogue acts decide: when a size is told, what comes first.

Knows acts and a few rules of behaviour; every rule gives nothing where acts and text leave it open. Rules
that can be read off any text (greetings, thanks, lengths) are ``training.exact``'s. Knows nothing about the
rest of a goal, files or models.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from tracker.goal import Category, Status
from training import phrases
from training.acts import ASKS, REFUSING, Dialogue, Label
from training.multiwoz import VENUES, mentions

Habit = tuple[Category, str, Label]
"""A category, a sentence and its label."""

SPEAKS_OF = {
    "restaurant": re.compile(r"restaurant|food|eat|din(?:e|ing|ner)|lunch|meal|table|cuisine"),
    "hotel": re.compile(r"hotel|guest\s?house|stay|room|lodg|accom|night|b&b|bed and"),
    "attraction": re.compile(
        r"attraction|museum|colleg|visit|see\b|things to do|places? to go|entertain|theat|cinema|park\b|pool"
        r"|boat"
    ),
    "train": re.compile(r"train|rail|station"),
    "taxi": re.compile(r"tax|cab\b|car\b|ride"),
}
"""Words of a message that may bring up a domain; generous, so that their absence can be trusted."""

_SIZE = re.compile(r"how many|number of|party|people|guests|passengers|travell?ers|tickets|\bwho\b")
_COMPANY = re.compile(r"\b(?:myself|alone|us|we|our|my|me and|just me|people|persons?)\b")
_BOOKING = re.compile(r"\bbook|reserv|ticket|\bseats?\b")


def habits(dialogue: Dialogue, rng: random.Random) -> Iterator[Habit]:
    """The policies and profiles of a dialogue that are sure, with drawn wordings and values."""
    for policy in (
        _size_when_asked(dialogue, rng),
        _price_first(dialogue, rng),
        _one_after_the_other(dialogue, rng),
        _second_try(dialogue, rng),
    ):
        if policy is not None:
            yield (Category.POLICY, *policy)
    for profile in (_company(dialogue, rng), _purse(dialogue, rng)):
        if profile is not None:
            yield (Category.PROFILE, *profile)


def _broken(turn: int | None) -> Label:
    return () if turn is None else ((turn, Status.MISALIGNED),)


def _size_when_asked(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """The size of the party is kept back until the agent asks for it."""
    text = rng.choice(phrases.SIZE_WHEN_ASKED)
    asked = False
    for turn in dialogue.turns:
        told = [act.value for act in turn.asked if (act.slot, act.intent) == ("people", "inform")]
        if told and asked:
            return text, ()
        if told:
            return (text, _broken(turn.index)) if mentions(turn.user, "people", told[0]) else None
        if _SIZE.search(turn.user.lower()):
            return None
        spoken_of = any(act.slot == "people" for act in turn.answered)
        if spoken_of or _SIZE.search(turn.reply.lower()):
            asked = any(act.slot == "people" and act.intent.endswith("request") for act in turn.answered)
            if not asked:
                return None
    believed = any("people" in slots for slots in dialogue.turns[-1].belief.values())
    hinted = any(_COMPANY.search(turn.user.lower()) for turn in dialogue.turns)
    return None if believed or hinted else (text, ())


def _price_first(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """What the train costs is asked before it is booked."""
    booked = dialogue.booked("train")
    if not dialogue.goal_of("train", "book") or not booked:
        return None
    text = rng.choice(phrases.PRICE_FIRST)
    before = dialogue.turns[:booked]
    asked = [turn.index for turn in before if any(a.slot == "price" for a in turn.said("train", "request"))]
    if asked:
        return (text, ()) if asked[0] < booked else None
    told = any(act.slot == "price" for turn in before[:-1] for act in turn.heard("train"))
    if told or any(ASKS["price"].search(turn.user.lower()) for turn in before):
        return None
    orders = [turn.index for turn in before if _BOOKING.search(turn.user.lower())]
    return (text, _broken(booked)) if orders == [booked] else None


def _one_after_the_other(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """One kind of place is spoken of before the other."""
    firsts: dict[str, int] = {}
    for turn in dialogue.turns:
        for domain in VENUES:
            if turn.said(domain, "inform", "request"):
                firsts.setdefault(domain, turn.index)
    if len(firsts) < 2:
        return None
    one, two = rng.sample(sorted(firsts), 2)
    earlier, later = sorted((one, two), key=firsts.__getitem__)
    until = dialogue.turns[: firsts[earlier]]
    hinted = any(SPEAKS_OF[later].search(turn.user.lower()) for turn in until) or any(
        SPEAKS_OF[earlier].search(turn.user.lower()) for turn in until[:-1]
    )
    if firsts[one] == firsts[two] or hinted:
        return None
    text = rng.choice(phrases.IN_ORDER).format(one, two)
    return text, _broken(None if earlier == one else firsts[two])


def _second_try(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """What is asked for when a booking fails, as the goal has it."""
    for domain in ("restaurant", "hotel"):
        book, first = dialogue.goal_of(domain, "book"), dialogue.goal_of(domain, "fail_book")
        slots = [
            slot for slot in ("time", "day", "stay") if first.get(slot, book.get(slot)) != book.get(slot)
        ]
        if len(slots) != 1:
            continue
        slot, wanted = slots[0], book[slots[0]]
        text = rng.choice(phrases.SECOND_TRY).format(domain, phrases.spoken(slot, wanted))
        failed = [turn.index for turn in dialogue.turns if turn.heard(domain, "booking-nobook")]
        if not failed:
            refused = any(REFUSING.search(t.reply.lower()) for t in dialogue.turns if t.heard(domain))
            return None if refused else (text, ())
        if len(failed) > 1 or failed[0] == len(dialogue.turns):
            return None
        following = dialogue.turns[failed[0]]
        given = [act.value for act in following.said(domain, "inform") if act.slot == slot]
        spoken_of = mentions(following.user, slot, wanted)
        if wanted in given and spoken_of:
            return text, ()
        return (text, _broken(following.index)) if given and wanted not in given and not spoken_of else None
    return None


def _company(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """How many travel together; half of the time another number than the user will tell."""
    told = [
        (turn, act.value)
        for turn in dialogue.turns
        for act in turn.asked
        if (act.slot, act.intent) == ("people", "inform")
    ]
    if len({number for _, number in told}) != 1:
        return None
    turn, number = told[0]
    if not number.isdigit() or not mentions(turn.user, "people", number):
        return None
    others = [str(size) for size in range(1, 9) if str(size) != number]
    shown = number if rng.random() < 0.5 else rng.choice(others)
    text = rng.choice(phrases.ALONE if shown == "1" else phrases.TOGETHER).format(shown)
    return text, _broken(None if shown == number else turn.index)


def _purse(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """A small purse, against the price ranges that the user asks for."""
    asked = [
        (turn, act.value)
        for turn in dialogue.turns
        for domain in ("restaurant", "hotel")
        for act in turn.said(domain, "inform")
        if act.slot == "pricerange"
    ]
    text = rng.choice(phrases.SMALL_PURSE)
    dear = next((turn for turn, value in asked if value == "expensive"), None)
    if dear is not None:
        return (text, _broken(dear.index)) if mentions(dear.user, "pricerange", "expensive") else None
    return (text, ()) if asked and all(value == "cheap" for _, value in asked) else None

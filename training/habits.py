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
from training.multiwoz import DOMAINS, VENUES, mentions

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


_ASKED_FOR = re.compile(
    r"\?|\b(?:need|require|know|tell|provide|give|have|confirm|specif\w+|prefer\w*|let me)\b", re.I
)
_THANKS = re.compile(r"thank|cheers|appreciate|\bthx\b", re.I)
_BYE = re.compile(
    r"\bbye\b|good ?bye|that(?:'s| is| will be|'ll be) all|have a (?:nice|good|great)|no,? that", re.I
)

_WRONG = 0.15
"""How often a profile says something else than the user will: judged profiles are seldom contradicted."""
_WRONG_PURSE = 0.1
"""The same where users who ask for dear places are given a small purse; of them there are many."""
_TOGETHER = 2
"""Policies of one kind that a dialogue is given at most."""
_BROKEN = 0.4
_SEEN_OFTEN = 0.2


def habits(dialogue: Dialogue, rng: random.Random) -> Iterator[Habit]:
    """The policies and profiles of a dialogue that are sure, with drawn wordings and values."""
    for policy in (
        _size_when_asked(dialogue, rng),
        _price_first(dialogue, rng),
        _one_after_the_other(dialogue, rng),
        _second_try(dialogue, rng),
        _another(dialogue, rng),
        _thanks(dialogue, rng),
    ):
        if policy is not None:
            yield (Category.POLICY, *policy)
    yield from ((Category.POLICY, *policy) for policy in _some(_telling(dialogue, rng), rng))
    yield from ((Category.POLICY, *policy) for policy in _some(_asking(dialogue, rng), rng))
    for profile in (_company(dialogue, rng), _purse(dialogue, rng), _kept_by_all(dialogue, rng)):
        if profile is not None:
            yield (Category.PROFILE, *profile)


def _broken(turn: int | None) -> Label:
    return () if turn is None else ((turn, Status.MISALIGNED),)


def _some(found: Iterator[tuple[str, Label]], rng: random.Random) -> list[tuple[str, Label]]:
    """A few of many policies, broken and kept ones mixed."""
    chances = list(found)
    rng.shuffle(chances)
    taken: list[tuple[str, Label]] = []
    while chances and len(taken) < _TOGETHER:
        broken = rng.random() < _BROKEN
        one = next((chance for chance in chances if bool(chance[1]) == broken), chances[0])
        chances.remove(one)
        taken.append(one)
    return taken


def _told(dialogue: Dialogue, domain: str, slot: str) -> tuple[str, int | None] | None:
    """The one value of a slot that the user tells and the turn at which it does; never is ``None`` for it.

    Nothing where act and text disagree, where there are several values, or where the agent names it before.
    """
    acts = [
        (turn, act.value)
        for turn in dialogue.turns
        for act in turn.said(domain, "inform")
        if act.slot == slot
    ]
    if not acts:
        wanted = {**dialogue.goal_of(domain, "info"), **dialogue.goal_of(domain, "book")}.get(slot)
        if wanted is None or not dialogue.silent(domain, slot, wanted):
            return None
        return wanted, None
    turn, value = acts[0]
    before = dialogue.turns[: turn.index - 1]
    spoken = any(mentions(text, slot, value) for t in before for text in (t.user, t.reply))
    if spoken or len({value for _, value in acts}) > 1 or not mentions(turn.user, slot, value):
        return None
    return value, turn.index


def _telling(dialogue: Dialogue, rng: random.Random) -> Iterator[tuple[str, Label]]:
    """Whether and when a value is told: never, in the first message, when asked, before another."""
    known: dict[tuple[str, str], tuple[str, int | None]] = {}
    for domain in DOMAINS:
        for slot in phrases.SLOTS:
            told = _told(dialogue, domain, slot)
            if told is not None:
                known[domain, slot] = told
    for (domain, slot), (value, turn) in known.items():
        words = phrases.SLOTS[slot], phrases.spoken(slot, value)
        yield rng.choice(phrases.NEVER_TELL).format(*words), _broken(turn)
        yield rng.choice(phrases.TELL_FIRST).format(*words), _broken(None if turn == 1 else 1)
        asked = None if turn is None else _asked(dialogue, domain, slot, turn)
        if turn is None or asked is not None:
            kept = turn is None or asked
            yield rng.choice(phrases.TELL_WHEN_ASKED).format(*words), _broken(None if kept else turn)
        for (_, slot_then), (value_then, turn_then) in known.items():
            if slot_then == slot or turn_then is None or turn == turn_then:
                continue
            early = turn is not None and turn < turn_then
            texts = (*words, phrases.SLOTS[slot_then], phrases.spoken(slot_then, value_then))
            yield rng.choice(phrases.TELL_BEFORE).format(*texts), _broken(None if early else turn_then)


def _asked(dialogue: Dialogue, domain: str, slot: str, turn: int) -> bool | None:
    """Whether the agent asked for a slot in the reply before a turn; ``None`` where that is not plain."""
    before = dialogue.turns[: turn - 1]
    if not before or not any(_ASKED_FOR.search(earlier.reply) for earlier in before):
        return False
    asked = any(act.slot == slot and act.intent.endswith("request") for act in before[-1].heard(domain))
    return True if asked else None


def _asking(dialogue: Dialogue, rng: random.Random) -> Iterator[tuple[str, Label]]:
    """Whether a fact is asked for: never, or before the end."""
    for domain in ("restaurant", "hotel", "attraction", "train"):
        for slot in (
            "phone",
            "postcode",
            "address",
            "entrance fee",
            "trainID",
            "duration",
            "price",
            "reference",
        ):
            if not dialogue.talked(domain) or (domain, slot) in (("train", "phone"), ("train", "address")):
                continue
            acts = [t.index for t in dialogue.turns if any(a.slot == slot for a in t.said(domain, "request"))]
            hints = [t.index for t in dialogue.turns if ASKS[slot].search(t.user.lower())]
            if hints and not (acts and acts[0] == hints[0]):
                continue
            if acts and not hints:
                continue
            words = phrases.FACTS[slot], domain
            turn = acts[0] if acts else None
            told = any(a.slot == slot for t in dialogue.turns for a in t.heard(domain))
            yield rng.choice(phrases.FACT_NEVER).format(*words), _broken(turn)
            if turn is not None:
                yield rng.choice(phrases.FACT_BEFORE_END).format(*words), ()
            elif not told and _BYE.search(dialogue.turns[-1].user):
                yield rng.choice(phrases.FACT_BEFORE_END).format(*words), _broken(len(dialogue.turns))


def _thanks(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """A word of thanks in the message that takes leave."""
    last = dialogue.turns[-1]
    if any(_BYE.search(turn.user) for turn in dialogue.turns[:-1]):
        return None
    text = rng.choice(phrases.THANK_AT_END)
    if _THANKS.search(last.user):
        # Nearly every user does: some of them are enough.
        return (text, ()) if rng.random() < _SEEN_OFTEN else None
    thanked = any(_THANKS.search(turn.user) for turn in dialogue.turns)
    return (text, _broken(last.index)) if _BYE.search(last.user) and not thanked else None


def _kept_by_all(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """A fact that a dialogue shows, or that nobody could contradict in it."""
    facts = [phrases.VISITING, phrases.CIVIL]
    if dialogue.talked("train") and dialogue.goal.get("train"):
        facts.append(phrases.BY_TRAIN)
    return rng.choice(rng.choice(facts)), ()


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


def _another(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """Which condition is given up when a booking fails: the time, the day, or the length of the stay."""
    for domain, slots in (("restaurant", ("time", "day")), ("hotel", ("day", "stay"))):
        failed = [turn.index for turn in dialogue.turns if turn.heard(domain, "booking-nobook")]
        if not failed or failed[0] == len(dialogue.turns):
            continue
        until, following = dialogue.turns[: failed[0]], dialogue.turns[failed[0]]
        before = {(a.slot, a.value) for turn in until for a in turn.said(domain, "inform")}
        new = {
            a.slot
            for a in following.said(domain, "inform")
            if a.slot in slots
            and (a.slot, a.value) not in before
            and mentions(following.user, a.slot, a.value)
        }
        if len(new) != 1:
            continue
        slot = rng.choice(slots)
        text = rng.choice(phrases.ANOTHER).format(domain, {"stay": "length of stay"}.get(slot, slot))
        return text, _broken(None if slot in new else following.index)
    return None


def _company(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """How many travel together; now and then another number than the user will tell."""
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
    shown = number if rng.random() >= _WRONG else rng.choice(others)
    text = rng.choice(phrases.ALONE if shown == "1" else phrases.TOGETHER).format(shown)
    return text, _broken(None if shown == number else turn.index)


def _purse(dialogue: Dialogue, rng: random.Random) -> tuple[str, Label] | None:
    """A small purse, seldom against the price ranges that the user asks for."""
    asked = [
        (turn, act.value)
        for turn in dialogue.turns
        for domain in ("restaurant", "hotel")
        for act in turn.said(domain, "inform")
        if act.slot == "pricerange"
    ]
    text = rng.choice(phrases.SMALL_PURSE)
    dear = next((turn for turn, value in asked if value == "expensive"), None)
    if dear is not None and rng.random() >= _WRONG_PURSE:
        return None
    if dear is not None:
        return (text, _broken(dear.index)) if mentions(dear.user, "pricerange", "expensive") else None
    return (text, ()) if asked and all(value == "cheap" for _, value in asked) else None

"""What dialogue acts say about a goal's component: the turns at which its status changes, or that it is open.

Knows the labelling rules as far as acts decide them without a judge. Every function that labels returns
``None`` where annotation and text leave room for taste or contradict each other; such a component is dropped
by the caller, never guessed. Knows nothing about sentences, files or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from tracker.conversation import LabelChange
from tracker.goal import Status
from training.multiwoz import (
    INFO,
    TIME,
    VENUES,
    Databases,
    Exchange,
    Row,
    bare,
    mapping,
    mentions,
    normal,
    times_in,
)

Label = tuple[LabelChange, ...]
"""The changes of one component."""

REFUSING = re.compile(
    r"unfortunately|\bsorry\b|apolog|n't (?:have|find|see|seem|appear|any|able|locate)"
    r"|(?:are|is|was|have|has|find|found|see) no\b(?! (?:fee|entrance|charge|cost|problem|need|admission))"
    r"|\bno such\b|unable|un(?:available|successful)|not (?:available|able|find|have|any|successful)|\bnone\b"
    r"|fail|can ?n[o']t|fully booked|all booked"
    r"|\bno (?:hotel|guest|restaurant|train|attraction|place|match|result|listing)"
)
"""Words with which a reply may refuse; where they stand without an act that says so, nothing is sure."""

_CLOSES = re.compile(
    r"any ?thing else (?:i|that i|we|you need|today)|with any ?thing else|need any ?thing else"
    r"|any other (?:question|help|assist)"
)
"""Words with which a refusing reply is done with the matter."""

_CHANGE = r"(?:another|different|other|change|new|alternat\w+|broaden|expand|else)[^.?!]*\b"
_ALTERNATIVES = {
    "area": re.compile(
        rf"{_CHANGE}(?:area|part|side|location|section|region)|(?:area|part|location)[^.?!]*instead"
    ),
    "food": re.compile(rf"{_CHANGE}(?:foods?|cuisines?|type of restaurant|kind of restaurant)\b"),
    "pricerange": re.compile(rf"{_CHANGE}(?:price|budget)"),
    "type": re.compile(
        rf"{_CHANGE}(?:attraction|type of (?:lodg|accom|place|hotel|attrac|venue)\w*|kind of|type|category)\b"
    ),
    "stars": re.compile(rf"{_CHANGE}(?:star|rating)"),
    "time": re.compile(rf"{_CHANGE}time|\btime[^.?!]*(?:instead|work)|later|earlier"),
    "day": re.compile(rf"{_CHANGE}(?:day|date)"),
    "stay": re.compile(
        r"short(?:er|en)|length|fewer|less nights|number of nights|different (?:stay|duration)"
    ),
    "people": re.compile(rf"{_CHANGE}(?:number of (?:people|guests)|party size|group size)|smaller"),
}
"""How a refusing reply words the condition in which it could give way."""

_LACKING = re.compile(
    r"(?:n't|not|no) (?:currently )?"
    r"(?:have|list|show|know|see|given|find|provide|available|sure|information|info|include)\w*"
    r"|unknown|unavailable|unsure|no (?:information|info|data|listing|listed)"
)
ASKS = {
    "phone": re.compile(r"phone|contact|\bcall\b|\bnumber\b"),
    "postcode": re.compile(r"post\s?-?code|zip|postal"),
    "address": re.compile(r"address|where .* (?:located|it)|location|directions"),
    "entrance fee": re.compile(r"fee|entrance|admission|entry|cost|price|how much|charge|free"),
    "area": re.compile(r"\barea|part of|side of|located|where|location"),
    "type": re.compile(r"\btype|kind|what is it|hotel or"),
    "food": re.compile(r"food|cuisine|serve"),
    "pricerange": re.compile(r"price|cost|expensive|cheap|how much"),
    "stars": re.compile(r"\bstars?\b|rating|rated"),
    "parking": re.compile(r"parking|\bpark\b"),
    "internet": re.compile(r"internet|wi\s?-?\s?fi"),
    "car type": re.compile(r"\bcar\b|vehicle|type|model|make|colou?r|look for"),
    "trainID": re.compile(r"\bid\b|train number|train 's number|identification"),
    "duration": re.compile(r"travel time|duration|long|minutes|trip time|journey time"),
    "price": re.compile(r"price|cost|how much|fare|fee|pounds|expensive"),
    "leaveAt": re.compile(r"depart|leav|what time"),
    "arriveBy": re.compile(r"arriv|get (?:there|in)|what time"),
    "reference": re.compile(r"reference|confirmation|\bref\b|booking number"),
}
"""Words that a message which asks for a fact has; generous, so that their absence can be trusted."""

_SHOWS = {
    "phone": re.compile(r"\b0 ?\d(?:[ -]?\d){7,10}\b|\b\d{10,11}\b"),
    "postcode": re.compile(r"\bcb ?\d\d? ?,? ?\d[a-z]{2}\b|\bcb\d{1,3}[a-z]{2}\b|\bpe\d+\w+"),
    "entrance fee": re.compile(r"free|fee|pound|£|gbp|charge|admission|\d+\.\d\d|no cost"),
    "parking": re.compile(r"park"),
    "internet": re.compile(r"internet|wi\s?-?\s?fi"),
    "trainID": re.compile(r"\btr ?\d{4}\b"),
    "duration": re.compile(r"minute|hour|\bmins?\b"),
    "price": re.compile(r"pound|£|gbp|\d+\.\d+|euro|\$|dollar|total|fee|cost"),
    "car type": re.compile(r"toyota|skoda|bmw|honda|ford|audi|lexus|volvo|volkswagen|tesla"),
}
"""What a reply that tells a fact looks like, for the facts that look like something."""

_OFFERING = ("inform", "recommend", "select", "offerbook", "offerbooked", "booking-inform", "booking-book")
_UNCONCERNED = ("dontcare", "dont care", "do n't care", "any", "none", "doesn't matter", "")
_FEW = ("both", "all", "a couple", "a couple of", "only", "few")


class _Offer(Enum):
    """What a reply does about one condition."""

    MEETS = auto()
    BREAKS = auto()
    NONE = auto()
    """It offers nothing: a question, a count, a remark."""
    UNCLEAR = auto()


def _agreed(met: Iterable[bool]) -> _Offer:
    """The offer of several venues or trains at once: clear when all meet a condition or none does."""
    verdicts = set(met)
    if len(verdicts) != 1:
        return _Offer.UNCLEAR
    return _Offer.MEETS if verdicts.pop() else _Offer.BREAKS


def _sure(met: bool) -> _Offer:
    """An offer whose meeting the condition is plain, and whose not meeting it may be the text's fault."""
    return _Offer.MEETS if met else _Offer.UNCLEAR


def meets(domain: str, row: Row, slot: str, value: str) -> bool:
    """Whether a venue or train fulfils a condition; the times of trains are limits."""
    if domain == "train" and slot == "leaveAt":
        return row["leaveAt"] >= value
    if domain == "train" and slot == "arriveBy":
        return row["arriveBy"] <= value
    return row.get(slot) == value


def joined(labels: Sequence[Label]) -> Label:
    """The label of conditions in one sentence: ATTEMPTED with the first to fail, COMPLETE with the last."""
    changes: list[LabelChange] = []
    failed = [turn for label in labels for turn, status in label if status is Status.ATTEMPTED]
    met = [turn for label in labels for turn, status in label if status is Status.COMPLETE]
    done = max(met) if len(met) == len(labels) else None
    if failed and (done is None or min(failed) < done):
        changes.append((min(failed), Status.ATTEMPTED))
    if done is not None:
        changes.append((done, Status.COMPLETE))
    return tuple(changes)


@dataclass(frozen=True)
class Dialogue:
    """One annotated dialogue and what its acts say about any component."""

    id: str
    goal: Mapping[str, object]
    """The goal as the annotation has it: domain → ``info``, ``book``, ``reqt`` and others; ``message``."""
    turns: tuple[Exchange, ...]
    databases: Databases

    # --- what was said

    def goal_of(self, domain: str, part: str) -> dict[str, str]:
        """A part of the annotated goal, such as ``info`` of hotel: slot → normal value; empty when absent."""
        values = mapping(mapping(self.goal.get(domain)).get(part))
        return {slot: normal(str(value)) for slot, value in values.items()}

    def talked(self, domain: str) -> list[Exchange]:
        """The turns in which one side has an act in the domain."""
        return [turn for turn in self.turns if turn.said(domain) or turn.heard(domain)]

    def named(self, domain: str, slot: str, value: str) -> int | None:
        """The turn at which the user first names a value; 0 when it came up in an unclear way."""
        for turn in self.turns:
            given = [act.value for act in turn.said(domain, "inform") if act.slot == slot]
            if value in given:
                return turn.index if mentions(turn.user, slot, value) or "same" in turn.user.lower() else 0
            if slot in ("parking", "internet") and any(a.slot == slot for a in turn.said(domain, "request")):
                return turn.index
            if turn.belief.get(domain, {}).get(slot) == value:
                return turn.index if mentions(turn.user, slot, value) and turn.said(domain) else 0
        return None

    def silent(self, domain: str, slot: str, value: str) -> bool:
        """Whether nobody ever speaks of a value and no annotation has it."""
        for turn in self.turns:
            if mentions(turn.user, slot, value) or mentions(turn.reply, slot, value):
                return False
            if turn.belief.get(domain, {}).get(slot) == value:
                return False
            acts = (*turn.asked, *turn.answered)
            if any((act.domain, act.slot, act.value) == (domain, slot, value) for act in acts):
                return False
        return True

    def wanted(self, domain: str, turn: Exchange) -> dict[str, str]:
        """The conditions that the user has named by a turn, as far as acts go: slot → last value."""
        acts = (act for earlier in self.turns[: turn.index] for act in earlier.said(domain, "inform"))
        return {act.slot: act.value for act in acts if act.slot in INFO[domain]}

    # --- what was offered

    def offered(self, domain: str, turn: Exchange) -> tuple[list[Row], bool]:
        """The venues or trains that a reply names, and whether each of them is known for sure."""
        found = self._trains(turn) if domain == "train" else self._venues(domain, turn)
        rows: list[Row] = []
        for row in found:
            if row is not None and row not in rows:
                rows.append(row)
        return rows, None not in found

    def _trains(self, turn: Exchange) -> list[Row | None]:
        believed = turn.belief.get("train", {})
        wanted = {slot: value for slot, value in self.wanted("train", turn).items() if slot in believed}
        times = times_in(turn.reply)
        ids = re.findall(r"\btr ?\d{4}\b", turn.reply.lower())
        return [self.databases.train(one.replace(" ", ""), wanted, times) for one in ids]

    def _venues(self, domain: str, turn: Exchange) -> list[Row | None]:
        names = [act.value for act in turn.heard(domain, *_OFFERING) if act.slot == "name"]
        found = [self.databases.named(domain, name) for name in names]
        return [*found, *self.databases.in_text(domain, turn.reply)] if turn.heard(domain) else found

    def current(self, domain: str, turn: Exchange) -> Row | None:
        """The one venue or train that the talk is about after a turn, if there is one."""
        found: Row | None = None
        for earlier in self.turns[: turn.index]:
            for act in earlier.said(domain, "inform"):
                if act.slot == "name" and domain != "train":
                    found = self.databases.named(domain, act.value) or found
            rows, known = self.offered(domain, earlier)
            if rows or not known:
                found = rows[0] if len(rows) == 1 and known else None
        return found

    def booked(self, domain: str) -> int | None:
        """The turn whose reply says that the first booking is made; 0 when that is unclear."""
        if domain == "taxi":
            cars = (t for t in self.turns if any(a.slot == "car type" for a in t.heard("taxi", "inform")))
            return next((turn.index for turn in cars), None)
        references = self.turns[-1].references.get(domain, ())
        for turn in self.turns:
            text = turn.reply.lower()
            acted = bool(turn.heard(domain, "offerbooked" if domain == "train" else "booking-book"))
            shown = any(reference in text for reference in references)
            if acted or shown:
                sure = (shown or not references) and not REFUSING.search(text)
                return turn.index if sure or (acted and re.search(r"book|reserv", text)) else 0
        return 0 if references else None

    # --- how a reply refuses

    def ways(self, domain: str, turn: Exchange) -> set[str]:
        """The conditions in which a refusing reply proposes to give way."""
        text = turn.reply.lower()
        slots = {act.slot for act in turn.heard(domain, "request", "booking-request")}
        possible = (*INFO[domain], "time", "day", "stay", "people")
        slots |= {s for s in possible if s in _ALTERNATIVES and _ALTERNATIVES[s].search(text)}
        for slot, value in self.wanted(domain, turn).items():
            if domain in VENUES and slot in ("pricerange", "area", "type", "food"):
                # "hotel" names the kind and the whole domain alike.
                others = set(self.databases.values(domain, slot)) - {value, "hotel"}
                if any(mentions(text, slot, other) for other in others):
                    slots.add(slot)
        return slots

    def _fails(self, domain: str, turn: Exchange, slot: str, value: str) -> bool | None:
        """Whether a reply that has nothing to offer fails one condition; ``None`` for a matter of taste."""
        text = turn.reply.lower()
        others = {s: v for s, v in self.wanted(domain, turn).items() if s != slot}
        if not others:
            return True
        ways = self.ways(domain, turn)
        if ways == {slot}:
            return True
        spoken_of = mentions(text, slot, value)
        general = not spoken_of and not any(mentions(text, s, v) for s, v in others.items())
        if self._expected_to_fail(domain, slot, value):
            return True if slot in ways or general or spoken_of else None
        if not ways and (general or spoken_of):
            return None if (domain, slot) == ("hotel", "type") else True
        if len(ways) == 1:
            failed = next(iter(ways))
            if failed in others and mentions(text, failed, others[failed]):
                return False
        return None

    def _expected_to_fail(self, domain: str, slot: str, value: str) -> bool:
        """Whether the goal has another value to fall back on, so that this one is what cannot be had."""
        first, then = self.goal_of(domain, "fail_info"), self.goal_of(domain, "info")
        return first.get(slot) == value and then.get(slot) != value

    def failed_before(self, domain: str, slot: str, value: str) -> bool:
        """Whether nothing was to be had in a domain before the user named a value, if the user ever does."""
        start = self.named(domain, slot, value)
        until = self.turns if start is None else self.turns[: max(start - 1, 0)]
        return start is None or any(turn.heard(domain, "nooffer") for turn in until)

    # --- labels

    def requirement(self, domain: str, slot: str, value: str) -> Label | None:
        """A condition on the venue or train that is looked for."""
        start = self.named(domain, slot, value)
        if not start:
            return () if start is None and self.silent(domain, slot, value) else None
        changes: Label = ()
        for turn in self.turns[start - 1 :]:
            given = [act.value for act in turn.said(domain, "inform") if act.slot == slot]
            if given and value not in given:
                return changes or None
            if turn.unannotated:
                return None
            if turn.heard(domain, "nooffer"):
                if turn.heard(domain, "select", "recommend") or self.offered(domain, turn) != ([], True):
                    return None
                failed = self._fails(domain, turn, slot, value)
                if failed is None:
                    return None
                if failed:
                    changes = changes or ((turn.index, Status.ATTEMPTED),)
                continue
            about_booking = turn.heard(domain, "booking-nobook", "booking-book")
            if turn.heard(domain) and REFUSING.search(turn.reply.lower()) and not about_booking:
                return None
            offer = self._offer(domain, slot, value, turn)
            if offer is _Offer.MEETS:
                return (*changes, (turn.index, Status.COMPLETE))
            if offer is _Offer.UNCLEAR or (offer is _Offer.BREAKS and not changes):
                return None
        return changes or None

    def _offer(self, domain: str, slot: str, value: str, turn: Exchange) -> _Offer:
        rows, known = self.offered(domain, turn)
        if not known:
            return _Offer.UNCLEAR
        if rows:
            return _agreed(meets(domain, row, slot, value) for row in rows)
        return (
            self._train_offer(slot, value, turn)
            if domain == "train"
            else self._remark(domain, slot, value, turn)
        )

    def _remark(self, domain: str, slot: str, value: str, turn: Exchange) -> _Offer:
        """A reply about venues that names none: a count, a question, or more about the one in hand."""
        acts = turn.heard(domain, *_OFFERING)
        asks = bool(turn.heard(domain, "request"))
        counts = [act.value for act in acts if act.slot == "choice"]
        if turn.heard(domain, "select"):
            return _Offer.UNCLEAR
        if counts:
            many = not any(n in _FEW or (n.isdigit() and int(n) < 6) for n in counts)
            return _Offer.NONE if many and asks else _Offer.UNCLEAR
        here = self.current(domain, turn)
        told = [act.value for act in acts if act.slot == slot]
        if told:
            return _sure(here is not None and value in told and meets(domain, here, slot, value))
        if turn.heard(domain, "booking-book") or (here is not None and acts):
            return _sure(here is not None and meets(domain, here, slot, value))
        return _Offer.NONE if asks or not turn.heard(domain) else _Offer.UNCLEAR

    def _train_offer(self, slot: str, value: str, turn: Exchange) -> _Offer:
        """A reply about trains that names no id: a question, a count, or a train by its times."""
        acts = turn.heard("train", *_OFFERING)
        timed = [act for act in acts if act.slot in ("leaveAt", "arriveBy")]
        if turn.heard("train", "request") and not turn.heard("train", "offerbook"):
            return _Offer.UNCLEAR if timed else _Offer.NONE
        if any(act.slot == "choice" for act in acts) and not turn.heard("train", "offerbook", "offerbooked"):
            return _Offer.UNCLEAR
        times = {act.slot: act.value for act in timed if TIME.fullmatch(act.value)}
        if times and len(times) == sum(bool(TIME.fullmatch(act.value)) for act in timed):
            if slot in ("leaveAt", "arriveBy"):
                return _sure(slot in times and meets("train", times, slot, value))
            return _sure(turn.belief.get("train", {}).get(slot) == value)
        if turn.heard("train", "offerbooked"):
            here = self.current("train", turn)
            return _sure(here is not None and meets("train", here, slot, value))
        return _Offer.UNCLEAR if acts else _Offer.NONE

    def booking(self, domain: str, slot: str, value: str) -> Label | None:
        """A condition on a booking: how many people, which day, what time, how long, from where to where."""
        start = self.named(domain, slot, value)
        if not start:
            return () if start is None and self.silent(domain, slot, value) else None
        changes: Label = ()
        booked = self.booked(domain)
        for turn in self.turns[start - 1 :]:
            given = [act.value for act in turn.said(domain, "inform") if act.slot == slot]
            if given and value not in given:
                return changes or None
            if turn.unannotated:
                return None
            if booked == turn.index:
                kept = turn.belief.get(domain, {}).get(slot) == value
                return (*changes, (turn.index, Status.COMPLETE)) if kept else None
            if turn.heard(domain, "booking-nobook"):
                ways = self.ways(domain, turn) & {"time", "day", "stay", "people"}
                if not ways or "people" in ways:
                    return None
                if slot == "people":
                    continue
                if slot not in ways and (len(ways) == 1 or mentions(turn.reply, slot, value)):
                    return None
                changes = changes or ((turn.index, Status.ATTEMPTED),)
            elif turn.heard(domain) and REFUSING.search(turn.reply.lower()):
                return None
        return changes or None

    def fact(self, domain: str, slot: str) -> Label | None:
        """Something to find out about the venue, train, taxi or booking."""
        asked = 0
        changes: Label = ()
        for turn in self.turns:
            request = any(act.slot == slot for act in turn.said(domain, "request"))
            active = bool(turn.said(domain) or turn.heard(domain))
            hinted = active and ASKS[slot].search(turn.user.lower()) is not None
            asked += request
            told = self._told(domain, slot, turn)
            if told is None:
                return None
            if self._lacks(slot, turn) and asked and not changes:
                if told or not request:
                    return None
                changes = ((turn.index, Status.ATTEMPTED),)
            elif told:
                return (*changes, (turn.index, Status.COMPLETE))
            elif (turn.unannotated and (asked or hinted)) or (hinted and not request):
                return None
            elif asked > 1 and not changes:
                return (
                    None  # passed over twice: the rules call it ATTEMPTED only where it was plainly ignored
                )
        if asked and not changes:
            return None
        hints = any(ASKS[slot].search(turn.user.lower()) for turn in self.talked(domain))
        return None if hints and not changes else changes

    def _lacks(self, slot: str, turn: Exchange) -> bool:
        """Whether a reply says that the agent does not have a fact."""
        text = turn.reply.lower()
        return _LACKING.search(text) is not None and ASKS[slot].search(text) is not None

    def _told(self, domain: str, slot: str, turn: Exchange) -> bool | None:
        """Whether a reply tells a fact; ``None`` where annotation and text disagree."""
        text = turn.reply.lower()
        told = [act.value for act in turn.heard(domain, *_OFFERING) if act.slot == slot and act.value != "?"]
        if slot == "reference":
            references = self.turns[-1].references.get(domain, ())
            return any(reference in text for reference in references) if references else bool(told)
        if slot == "entrance fee" and self._lacks(slot, turn):
            amount = _SHOWS["price"].search(re.sub(r"entrance fees?|cost", "", text))
            if amount is None:
                return False
        if slot in _SHOWS and bool(told) != (_SHOWS[slot].search(text) is not None):
            return self._disputed(domain, slot, turn, bool(told))
        if not told:
            return False
        several = turn.heard(domain, "select") or any(a.slot == "choice" for a in turn.heard(domain))
        if several and slot in ("entrance fee", "parking", "internet"):
            return None
        if slot in ("area", "type", "food", "pricerange", "stars"):
            here = self.current(domain, turn)
            if several or here is None or slot in self.wanted(domain, turn):
                return None
            return True if here.get(slot) in told else None
        if slot in ("leaveAt", "arriveBy"):
            return True if self.offered("train", turn)[0] and any(map(TIME.fullmatch, told)) else None
        return True

    def _disputed(self, domain: str, slot: str, turn: Exchange, told: bool) -> bool | None:
        """A fact that only the act or only the text has: harmless if another venue's, else unclear."""
        if told:
            return None
        here = self.current(domain, turn)
        if here is not None and slot in ("phone", "postcode"):
            digits = re.sub(r"\W", "", here.get(slot, "#"))
            return None if digits in re.sub(r"\W", "", turn.reply.lower()) else False
        return None if turn.heard(domain) else False

    def objective(self, domain: str, *, book: bool, name: str | None) -> Label | None:
        """The task of finding something, by name or by conditions, or of booking it.

        A taxi is always booked, whatever ``book`` says.
        """
        if not self.talked(domain):
            return ()
        book = book or domain == "taxi"
        booked = self.booked(domain)
        if booked == 0:
            return None
        changes: Label = ()
        for turn in self.turns:
            if turn.unannotated and not book:
                return None
            if turn.heard(domain, "nooffer", "booking-nobook"):
                failed = self._fails_whole(domain, turn)
                if failed is None:
                    return None
                if failed:
                    changes = changes or ((turn.index, Status.ATTEMPTED),)
            elif book and booked == turn.index:
                return (*changes, (turn.index, Status.COMPLETE))
            elif not book and turn.heard(domain):
                offer = self._found(domain, name, turn)
                if offer is _Offer.UNCLEAR:
                    return None
                if offer is _Offer.MEETS:
                    return (*changes, (turn.index, Status.COMPLETE))
        return changes or None

    def _fails_whole(self, domain: str, turn: Exchange) -> bool | None:
        """Whether a refusing reply fails the whole task, or only one condition while others are left."""
        text = turn.reply.lower()
        if self.offered(domain, turn)[0]:
            return None
        ways = self.ways(domain, turn)
        closing = "?" not in text or _CLOSES.search(text) is not None
        if ways and not closing:
            return False
        others_left = any(earlier.heard(domain, *_OFFERING) for earlier in self.turns[: turn.index - 1])
        return None if ways or not closing or others_left else True

    def _found(self, domain: str, name: str | None, turn: Exchange) -> _Offer:
        """Whether a reply names what is looked for."""
        if REFUSING.search(turn.reply.lower()):
            return _Offer.UNCLEAR
        rows, known = self.offered(domain, turn)
        if not known:
            return _Offer.UNCLEAR
        if not rows:
            timed = any(act.slot in ("leaveAt", "arriveBy") for act in turn.heard(domain, *_OFFERING))
            return _Offer.UNCLEAR if timed or turn.heard(domain, "select") else _Offer.NONE
        if name is not None:
            return _sure(any(bare(row["name"]) == bare(name) for row in rows))
        final = self.wanted(domain, self.turns[-1])
        conditions = [(slot, value) for slot, value in final.items() if value not in _UNCONCERNED]
        return _sure(all(meets(domain, row, slot, value) for row in rows for slot, value in conditions))

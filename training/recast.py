"""A conversation's own wishes, conditions and facts, recast as rules of conduct with labels that are sure.

"You would rather sit outside." becomes "Never mention that you would rather sit outside.", "Say in your first
message that ...", "Keep it to yourself until you are asked that ..." and others. Whether and when such a rule
is broken follows from the turn at which the user first speaks of the thing (``training.voicing``); how a
sentence is turned is ``training.matters``'. Here stand the rules, their wordings, and the draw, which sees to
it that no wording tells its label.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from tracker.conversation import Conversation
from tracker.goal import Category, Component, Status
from training import conduct
from training.exact import ExactComponent
from training.matters import VERBS, Form, Matter, matters, task
from training.voicing import Voice, Voicing, overlap

_BROKEN = 0.4
"""The share of rules that are broken, where there are enough of both."""
_MIRRORED = 0.5
"""How often a rule is followed by another one about the same thing, with the other label."""
_LATE = 0.6
"""How far a one-sided kind of rule is put back, where the order of kinds is random from 0 to 1."""
_STRANGERS = 4
"""Matters of other conversations that are tried at most."""

_NAMED = (Form.TOPIC, Form.REQUEST, Form.DATUM)

_ANYTHING_ELSE = re.compile(r"\b(?:any|some)thing (?:else|more)\b|\bwhat else\b|\belse can i\b", re.I)
_ANYTHING_ELSE_OR_SO = re.compile(r"\belse\b|\bany other\b|\bfurther\b|\bthat all\b|\banything\b", re.I)


@dataclass(frozen=True)
class _Spoken:
    """A matter and the turn at which the user first speaks of it."""

    matter: Matter
    turn: int | None


@dataclass(frozen=True)
class _Draft:
    kind: str
    about: str
    """What it is about, so that another rule can be about the same thing."""
    wordings: tuple[str, ...]
    said: Matter
    then: Matter | None
    task: str
    moves_at: int | None


class _Drafts:
    """Every rule about a conversation's matters whose label is sure."""

    def __init__(self, conversation: Conversation, spoken: Sequence[_Spoken], voicing: Voicing) -> None:
        self._conversation = conversation
        self._turns = conversation.turns
        self._spoken = spoken
        self._voicing = voicing

    def all(self) -> Iterator[_Draft]:
        for one in self._spoken:
            for kind, (wordings, broken_at) in _SINGLE.items():
                verdict = broken_at(self, one)
                if isinstance(verdict, Voice):
                    yield self._draft(kind, wordings(one.matter.form), one, verdict.turn)
            yield from self._around_tasks(one)
        yield from self._orders()

    def _draft(
        self,
        kind: str,
        wordings: tuple[str, ...],
        one: _Spoken,
        moves_at: int | None,
        then: Matter | None = None,
        task: str = "",
    ) -> _Draft:
        return _Draft(kind, one.matter.component.text, wordings, one.matter, then, task, moves_at)

    # --- one thing: the turn at which the rule is broken, or None where that is in doubt

    def never(self, one: _Spoken) -> Voice | None:
        return Voice(one.turn)

    def first(self, one: _Spoken) -> Voice | None:
        return Voice(None if one.turn == 1 else 1)

    def end(self, one: _Spoken) -> Voice | None:
        if one.turn is not None:
            return Voice(None)
        return Voice(self._voicing.closing) if self._voicing.closing is not None else None

    def asked(self, one: _Spoken) -> Voice | None:
        if one.matter.form not in (Form.FACT, Form.DATUM):
            return None
        if one.turn is None:
            return Voice(None)
        asked = self._voicing.asked_before(one.matter, one.turn)
        return None if asked is None else Voice(None if asked else one.turn)

    def raised(self, one: _Spoken) -> Voice | None:
        if one.matter.form not in (Form.TOPIC, Form.REQUEST):
            return None
        if one.turn is None:
            return Voice(None)
        raised = self._voicing.raised_before(one.matter, one.turn)
        return None if raised is None else Voice(None if raised else one.turn)

    def foremost(self, one: _Spoken) -> Voice | None:
        if one.matter.form not in (Form.QUESTION, Form.REQUEST, Form.TOPIC):
            return None
        others = [o for o in self._spoken if o.matter.component != one.matter.component]
        if one.turn == 1:
            return Voice(None) if all(self._voicing.silent_about(o.matter, 1) for o in others) else None
        return Voice(1) if any(o.turn == 1 for o in others) else None

    def anything_else(self, one: _Spoken) -> Voice | None:
        asked = [t.index for t in self._turns if _ANYTHING_ELSE.search(t.assistant or "")]
        if not asked:
            doubt = any(_ANYTHING_ELSE_OR_SO.search(t.assistant or "") for t in self._turns)
            return None if doubt else Voice(None)
        return self._due(one, asked[0] + 1)

    def _due(self, one: _Spoken, turn: int) -> Voice | None:
        """What a rule says that wants the thing said at one turn."""
        if turn > len(self._turns):
            return Voice(None)
        if one.turn is not None and one.turn < turn:
            return None
        return Voice(None if one.turn == turn else turn)

    # --- a thing and a task, or another thing

    def _around_tasks(self, one: _Spoken) -> Iterator[_Draft]:
        labels = self._conversation.labels or {}
        for objective in self._conversation.goal:
            text = task(objective) if objective.category is Category.OBJECTIVE else None
            changes = labels.get(objective.id, ())
            if text is None or len(changes) > 1 or overlap(one.matter.told, text):
                continue
            settled = changes[0][0] if changes else None
            late = one.turn is not None and settled is not None and one.turn > settled
            yield self._draft("settled", conduct.SETTLED, one, None if late else one.turn, task=text)
            refused = settled if changes and changes[0][1] is Status.ATTEMPTED else None
            due = Voice(None) if refused is None else self._due(one, refused + 1)
            if due is not None:
                yield self._draft("refused", conduct.REFUSED, one, due.turn, task=text)

    def _orders(self) -> Iterator[_Draft]:
        for one in self._spoken:
            for other in self._spoken:
                if one.matter.component == other.matter.component:
                    continue
                if one.turn is None and other.turn is None:
                    continue
                if one.turn == other.turn or overlap(one.matter.told, other.matter.told):
                    continue
                early = other.turn is None or (one.turn is not None and one.turn < other.turn)
                named = one.matter.form in _NAMED and other.matter.form in _NAMED
                wordings = (*conduct.ORDER, *conduct.ORDER_NAMED * 2) if named else conduct.ORDER
                yield self._draft("order", wordings, one, None if early else other.turn, other.matter)


def _never_wordings(form: Form) -> tuple[str, ...]:
    special = {
        Form.FACT: conduct.NEVER_FACT,
        Form.TOPIC: conduct.NEVER_TOPIC,
        Form.DATUM: conduct.NEVER_DATUM,
    }
    return (*conduct.NEVER, *special.get(form, ()))


_Wordings = Callable[[Form], tuple[str, ...]]
_Verdict = Callable[[_Drafts, _Spoken], Voice | None]

_SINGLE: MappingProxyType[str, tuple[_Wordings, _Verdict]] = MappingProxyType(
    {
        "never": (_never_wordings, _Drafts.never),
        "first": (lambda form: conduct.FIRST, _Drafts.first),
        "end": (lambda form: conduct.END, _Drafts.end),
        "asked": (lambda form: conduct.ASKED_DATUM if form is Form.DATUM else conduct.ASKED, _Drafts.asked),
        "raised": (lambda form: conduct.RAISED, _Drafts.raised),
        "foremost": (lambda form: conduct.FOREMOST, _Drafts.foremost),
        "else": (lambda form: conduct.ELSE, _Drafts.anything_else),
    }
)
"""Each kind of rule about one thing: its wordings, and when it is broken."""


def _spoken_matters(
    conversation: Conversation, foreign: Sequence[Component], voicing: Voicing, chance: random.Random
) -> list[_Spoken]:
    found = []
    for component in conversation.goal:
        for matter in matters(component):
            voice = voicing.first(matter)
            if voice is not None:
                found.append(_Spoken(matter, voice.turn))
    strangers = 0
    for component in chance.sample(list(foreign), len(foreign)):
        fitting = [m for m in matters(component) if m.form is not Form.DATUM]
        if fitting and strangers < _STRANGERS:
            matter = chance.choice(fitting)
            voice = voicing.foreign(matter)
            if voice is not None:
                found.append(_Spoken(matter, voice.turn))
                strangers += 1
    return found


def _worded(draft: _Draft, chance: random.Random) -> str:
    """A draft's sentence, with drawn words."""
    verbs = {name: chance.choice(VERBS[m.form]) for name, m in (("A", draft.said), ("B", draft.then)) if m}

    def fill(found: re.Match[str]) -> str:
        name, when = found[1], (found[2] or "").strip()
        if name == "T":
            return draft.task
        matter = draft.said if name in "Aa" else draft.then
        if matter is None:
            raise ValueError(f"a rule about one thing has the wording {found.string!r}")
        return matter.put(verbs[name], when) if name in verbs else matter.thing

    text = re.sub(r"\{([ABabT])( [^}]*)?\}", fill, chance.choice(draft.wordings))
    return text[0].upper() + text[1:]


def recast_components(
    conversation: Conversation,
    count: int,
    *,
    foreign: Sequence[Component] = (),
    random_state: int | str = 0,
) -> list[ExactComponent]:
    """Draw at most ``count`` rules of conduct made of a labelled conversation's own components.

    Parameters
    ----------
    foreign
        Components of conversations of other fields, for things that are never spoken of here.
    random_state
        Seeds the draw; the same conversation and seed give the same components, another seed others.

    Returns
    -------
    list[ExactComponent]
        Policies, about four in ten of them broken. Fewer than ``count``, or none, where not enough is sure:
        without labels nothing is.
    """
    if conversation.labels is None or not conversation.turns:
        return []
    chance = random.Random(f"{random_state}:{conversation.id}:recast")
    voicing = Voicing(conversation)
    spoken = _spoken_matters(conversation, foreign, voicing, chance)
    pool: dict[str, list[_Draft]] = defaultdict(list)
    for draft in _Drafts(conversation, spoken, voicing).all():
        pool[draft.kind].append(draft)
    for drafts in pool.values():
        chance.shuffle(drafts)
    taken: list[ExactComponent] = []
    known = {component.text for component in conversation.goal}
    last: _Draft | None = None
    while len(taken) < count and any(pool.values()):
        mirror = last if last is not None and chance.random() < _MIRRORED else None
        last = _take(pool, mirror, chance)
        text = _worded(last, chance)
        if text not in known:
            known.add(text)
            component = Component(id=f"recast-{len(taken) + 1}", category=Category.POLICY, text=text)
            taken.append(ExactComponent(component, last.moves_at))
    return taken


def _take(pool: dict[str, list[_Draft]], mirror: _Draft | None, chance: random.Random) -> _Draft:
    """Take a draft out of the pool: every kind alike, and as many broken ones as there are to be.

    A mirror is about the same thing as the last one, where there is such a one, with the other label.
    """
    kinds = sorted(kind for kind, drafts in pool.items() if drafts)
    # A kind that is only kept, or only broken, comes late: its words would tell its label.
    one_sided = {kind for kind in kinds if len({d.moves_at is None for d in pool[kind]}) == 1}
    kinds.sort(key=lambda kind: chance.random() + (_LATE if kind in one_sided else 0))
    broken = chance.random() < _BROKEN if mirror is None else mirror.moves_at is None
    choices = [draft for kind in kinds for draft in pool[kind]]
    wanted = [draft for draft in choices if (draft.moves_at is not None) == broken]
    alike = [draft for draft in wanted if mirror is not None and draft.about == mirror.about]
    taken = next(iter(alike or wanted or choices))
    pool[taken.kind].remove(taken)
    return taken


__all__ = ["recast_components"]

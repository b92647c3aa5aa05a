"""Policies that need no model: code reads the rule and checks every message of the user's.

style        signs, capitals, lengths, polite and fixed words, the first message
leaving      thanks, a good wish, a please or a question before the user leaves
disclosure   a name, a date of birth or a number that is kept back, or until the agent asks for it
wording      what the text of a rule says, and whether it says nothing else
measures     what can be counted in a message

Only a text that is understood whole is read; whatever else it may say (a condition, an exception, a matter
of opinion) leaves it to the model. Style and disclosure are decided here. Of leaving code sees the plain
goodbyes alone: where it calls such a rule broken it is, elsewhere the model has its say. Knows goals and
turns. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tracker.conversation import Turn
from tracker.goal import Category, Component, Goal, Status
from tracker.rules.disclosure import read_disclosure
from tracker.rules.leaving import read_leaving
from tracker.rules.style import read_style
from tracker.state import ComponentState

CERTAINTY = 0.97
"""The probability that a check that decides says after a turn what a judge says, as measured on the judged
training conversations (``python -m training.ruled``): 98.0% of the statuses in style, 96.9% in disclosure."""

BROKEN = {Status.ALIGNED: 0.1, Status.MISALIGNED: 0.9}
"""Where a policy stands after a turn at which a check that does not decide sees it broken: a judge agrees on
236 of 257 such turns of the same conversations."""


@dataclass(frozen=True)
class Check:
    """A policy that code can check."""

    kind: str
    """The module of this package that reads it: ``style``, ``leaving`` or ``disclosure``."""
    breaks: Callable[[Sequence[Turn]], bool]
    """Whether the user's message in the last of some turns breaks the rule; the turns before it kept it."""

    @property
    def decides(self) -> bool:
        """Whether a rule that it does not see broken was kept. Otherwise a model says so."""
        return self.kind != "leaving"


def read_rule(component: Component, goal: Goal, *, opening: str | None = None) -> Check | None:
    """The check of a policy, or ``None`` where it takes a model to judge it.

    ``goal`` is the component's; what the user is called, or what a number is, may stand there. ``opening`` is
    what the agent said before the user's first message; it may ask for something.
    """
    if component.category is not Category.POLICY:
        return None
    for kind, read in (("style", read_style), ("leaving", read_leaving)):
        if (said := read(component.text)) is not None:
            return Check(kind, _over_messages(said))
    discloses = read_disclosure(component.text, goal, opening=opening)
    return None if discloses is None else Check("disclosure", discloses)


def _over_messages(breaks: Callable[[Sequence[str]], bool]) -> Callable[[Sequence[Turn]], bool]:
    """What looks at the user's messages alone, as a check of turns."""
    return lambda turns: breaks([turn.user for turn in turns])


def read_rules(goal: Goal, *, opening: str | None = None) -> dict[str, Check]:
    """The checks of a goal's policies that can be read, by component id; see :func:`read_rule`."""
    rules = {component.id: read_rule(component, goal, opening=opening) for component in goal}
    return {name: rule for name, rule in rules.items() if rule is not None}


def decided(rules: Mapping[str, Check]) -> set[str]:
    """The policies, by id, that no model is asked about."""
    return {name for name, rule in rules.items() if rule.decides}


def checked(rule: Check, before: Status, turns: Sequence[Turn]) -> ComponentState:
    """Where a check that decides has a policy stand after some turns; ``before``: before the last of them."""
    broken = before is Status.MISALIGNED or rule.breaks(turns)
    return ComponentState(Status.MISALIGNED if broken else Status.ALIGNED, CERTAINTY)

"""Policies, profiles and preferences whose labels code can read off any conversation, exactly.

Knows where the rules stand (``training.signs``, ``courtesy``, ``taboos``, ``lengths``, ``own_words``,
``replies``), those about single names and numbers, and how some of all are drawn for a conversation. Knows
nothing about goals that were written by hand, tokens or models. Only rules that need no judgement are drawn,
and of those that nearly every conversation keeps, or breaks, few: their words would tell their label.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tracker.conversation import Conversation
from tracker.goal import Category, Component, Status
from training.courtesy import courtesy_rules
from training.lengths import length_rules
from training.own_words import own_word_rules
from training.replies import reply_rules
from training.rules import NAME, Doubt, Moves, Rule, Turns, never
from training.signs import sign_rules
from training.taboos import taboo_rules

_NUMBER = re.compile(r"(?<![\w.,:-])\d{2,}\b(?![.,:-]?\d)")
_BROKEN = 0.4
"""The share of drawn rules that are broken, where there are enough of both."""
_USUAL, _USUAL_LATER = 0.1, 0.4
"""How many of the rules that come out as they nearly always do are drawn along with the others: those that
are kept or broken at once, and those that are broken later."""
_REPLIES, _MENTIONS = 10, 8
"""Of the many rules of these kinds, so many stand among the others."""


@dataclass(frozen=True)
class ExactComponent:
    """A component and the turn, counted from 1, at which its status moves; ``None`` where it never does."""

    component: Component
    moves_at: int | None

    @property
    def status_after(self) -> Status:
        return Status.ALIGNED if self.component.category is Category.PREFERENCE else Status.MISALIGNED


def _mention_rules(turns: Turns, foreign: Sequence[str]) -> list[Rule]:
    """Rules about single words: of the user's, of the agent's, and of another conversation."""
    rules: list[Rule] = []
    said = [w for turn in turns for w in NAME.findall(turn.user) + _NUMBER.findall(turn.user)]
    heard = [
        w
        for turn in turns
        for w in NAME.findall(turn.assistant or "") + _NUMBER.findall(turn.assistant or "")
    ]
    for word in dict.fromkeys([*said, *heard, *foreign]):
        pattern = re.compile(rf"\b{re.escape(word)}\b", re.I)

        def before_the_agent(turns: Turns, pattern: re.Pattern[str] = pattern) -> Moves:
            for turn in turns:
                if pattern.search(turn.user):
                    return turn.index
                if turn.assistant and pattern.search(turn.assistant):
                    return None
            return None

        def in_the_first(turns: Turns, pattern: re.Pattern[str] = pattern) -> Moves:
            return None if pattern.search(turns[0].user) else 1

        rules += [
            Rule(
                f"never {word}",
                (
                    f"Never mention {word}.",
                    f"You do not mention {word}.",
                    f"Say nothing about {word}.",
                    f"Leave {word} out of the conversation.",
                    f"Do not bring up {word}.",
                    f"Never let the word {word} fall.",
                    f"None of your messages mentions {word}.",
                    f"Keep quiet about {word}.",
                ),
                never(pattern),
            ),
            Rule(
                f"{word} after the agent",
                (
                    f"Do not mention {word} before the agent does.",
                    f"You leave it to the agent to bring up {word}.",
                    f"Mention {word} only after the agent has mentioned it.",
                    f"Do not bring up {word} until the agent has.",
                    f"You are not the first to speak of {word}.",
                    f"Wait until the agent mentions {word} before you do.",
                ),
                before_the_agent,
            ),
            Rule(
                f"{word} in the first",
                (
                    f"Mention {word} in your first message.",
                    f"Your first message mentions {word}.",
                    f"Bring up {word} in your very first message.",
                    f"In your first message, mention {word}.",
                    f"You speak of {word} right in your first message.",
                    f"Start with a message that mentions {word}.",
                ),
                in_the_first,
            ),
            Rule(
                f"wish for {word}",
                (
                    f"You would like to bring up {word}.",
                    f"If it fits, you want to mention {word}.",
                    f"You would rather mention {word} than leave it out.",
                    f"You would like to speak of {word}.",
                    f"It would be nice to mention {word}.",
                    f"You would like the agent to hear of {word} from you.",
                ),
                never(pattern),
                category=Category.PREFERENCE,
            ),
        ]
    return rules


def _some(replies: list[Rule], turns: Turns, chance: random.Random) -> list[Rule]:
    """A few rules about answers, as many broken as kept where there are enough."""
    chance.shuffle(replies)
    kept: list[Rule] = []
    broken: list[Rule] = []
    for rule in replies:
        moves_at = rule.moves_at(turns)
        if not isinstance(moves_at, Doubt):
            (kept if moves_at is None else broken).append(rule)
    return broken[: _REPLIES // 2] + kept[: _REPLIES // 2]


def _in_order(rules: Sequence[Rule], turns: Turns, chance: random.Random) -> list[tuple[Rule, int | None]]:
    """The rules that can be decided and where they move; broken and kept ones mixed, usual ones last."""
    decided: dict[bool, list[tuple[Rule, int | None]]] = {True: [], False: []}
    late: list[tuple[Rule, int | None]] = []
    for rule in rules:
        moves_at = rule.moves_at(turns)
        if isinstance(moves_at, Doubt):
            continue
        as_usual = rule.usual is not None and rule.usual == (moves_at is not None)
        # What breaks a rule later than at once is worth more, whatever the rule.
        share = _USUAL if moves_at in (None, 1) else _USUAL_LATER
        rare = as_usual and chance.random() >= share
        (late if rare else decided[moves_at is not None]).append((rule, moves_at))
    mixed = []
    while decided[True] or decided[False]:
        broken = chance.random() < _BROKEN
        mixed.append((decided[broken] or decided[not broken]).pop())
    return [*mixed, *late]


def exact_components(
    conversation: Conversation, count: int, *, foreign: Sequence[str] = (), random_state: int | str = 0
) -> list[ExactComponent]:
    """Draw ``count`` components with exact labels for a conversation.

    Parameters
    ----------
    foreign
        Words that may not occur in this conversation at all, for mentions that never come.
    random_state
        Seeds the draw; the same conversation and seed give the same components.
    """
    turns = conversation.turns
    if not turns:
        return []
    chance = random.Random(f"{random_state}:{conversation.id}")
    replies = list(reply_rules(conversation, chance))
    mentions = _mention_rules(turns, foreign)
    chance.shuffle(mentions)
    rules = [*sign_rules(), *courtesy_rules(), *taboo_rules()]
    rules += [*length_rules(turns, chance), *own_word_rules(turns, chance), *mentions[:_MENTIONS]]
    rules += _some(replies, turns, chance)
    chance.shuffle(rules)
    return [
        ExactComponent(
            Component(id=f"exact-{number}", category=rule.category, text=chance.choice(rule.wordings)),
            moves_at,
        )
        for number, (rule, moves_at) in enumerate(_in_order(rules, turns, chance)[:count], start=1)
    ]

"""What a pass asks of a conversation: judged questions, and others that code makes anew for every pass.

Knows conversations, the sources of made components, and how many questions of each kind are asked. Knows
nothing about weights or the order of passes.

A draw depends on the run's seed, the pass's position and the conversation and on nothing else, so a run that
goes on from a checkpoint draws what it would have drawn.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from tracker.conversation import Conversation
from tracker.goal import Component
from training.changed import changed_components
from training.data import (
    Asked,
    Pack,
    Packer,
    changed_questions,
    choose,
    exact_questions,
    labelled_questions,
    missed_questions,
)
from training.exact import ExactComponent, exact_components
from training.recast import recast_components
from training.rules import NAME

FOREIGN = 3
"""Names and components of other conversations that a draw may put before this one."""


class Drawer:
    """Draws packs of some conversations.

    Parameters
    ----------
    conversations
        Where names and components of others come from; those to draw for are among them.
    branches
        Judged questions that are ever asked of a conversation.
    branches_per_pass
        Questions of a pass, at most half of them made; all changes are always asked, even if they are more.
    exact, changed, recast
        Components that are made for a pass, by source.
    missed
        The chance that a component which moved is asked about again behind a later turn, as if the move had
        been missed; these questions come on top of ``branches_per_pass``.
    random_state
        The run's seed.
    """

    def __init__(
        self,
        conversations: Sequence[Conversation],
        packer: Packer,
        *,
        branches: int,
        branches_per_pass: int,
        exact: int = 0,
        changed: int = 0,
        recast: int = 0,
        missed: float = 0.0,
        random_state: int = 0,
    ) -> None:
        self._conversations = conversations
        self._names = _names(conversations)
        self._packer = packer
        self._branches, self._per_pass = branches, branches_per_pass
        self._exact, self._changed, self._recast = exact, changed, recast
        self._missed = missed
        self._random_state = random_state

    def pool(self, conversation: Conversation) -> Pack:
        """All judged questions that are ever asked of a conversation."""
        return self._packer.pack(conversation, self._judged(conversation))

    def draw(self, conversation: Conversation, position: int) -> Pack:
        """The pack that the pass at ``position`` of the run reads; labels are needed."""
        chance = random.Random(f"{self._random_state}:{position}:{conversation.id}")
        made = with_changes(self._made(conversation, chance), self._per_pass // 2, chance)
        judged = with_changes(self._judged(conversation), max(0, self._per_pass - len(made)), chance)
        return self._packer.pack(conversation, judged + made + self._behind(conversation, chance))

    def _judged(self, conversation: Conversation) -> list[Asked]:
        chance = random.Random(f"{self._random_state}:{conversation.id}")
        return choose(labelled_questions(conversation), self._branches, chance)

    def _behind(self, conversation: Conversation, chance: random.Random) -> list[Asked]:
        """Questions of a tracker that is behind."""
        later = missed_questions(conversation).values()
        return [chance.choice(asked) for asked in later if asked and chance.random() < self._missed]

    def _made(self, conversation: Conversation, chance: random.Random) -> list[Asked]:
        rules = exact_components(
            conversation,
            self._exact,
            foreign=chance.sample(self._names, min(FOREIGN, len(self._names))),
            random_state=chance.getrandbits(32),
        )
        recast = recast_components(
            conversation,
            self._recast,
            foreign=self._foreign(conversation, chance),
            random_state=chance.getrandbits(32),
        )
        misses = changed_components(
            conversation, self._changed, names=self._names, random_state=chance.getrandbits(32)
        )
        return [*telling_questions(conversation, [*rules, *recast], chance), *changed_questions(misses)]

    def _foreign(self, conversation: Conversation, chance: random.Random) -> list[Component]:
        """Components of other conversations, on other subjects; none where this one names none."""
        about = _words(conversation.domain)
        others = [
            other
            for other in chance.sample(self._conversations, min(2 * FOREIGN, len(self._conversations)))
            if about and other.domain and not about & _words(other.domain) and other.goal.components
        ]
        return [chance.choice(other.goal.components) for other in others[:FOREIGN]]


def with_changes(asked: Sequence[Asked], count: int, chance: random.Random) -> list[Asked]:
    """Every change and, up to ``count`` in all, the turns just before them and others (``choose``)."""
    return choose(asked, max(count, sum(a.moves for a in asked)), chance)


def telling_questions(
    conversation: Conversation, components: Iterable[ExactComponent], chance: random.Random
) -> list[Asked]:
    """The questions of made components that tell most, at most three each.

    They are the turn at which it moves, the one before, and one where it holds; two of these where it never
    moves.
    """
    telling = []
    for item in components:
        asked = exact_questions(conversation, [item])
        split = max(0, len(asked) - 2) if item.moves_at is not None else len(asked)
        holding = asked[:split]
        few = 1 if item.moves_at is not None else 2
        telling += chance.sample(holding, min(few, len(holding))) + asked[split:]
    return telling


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text.lower()))


def _names(conversations: Iterable[Conversation]) -> list[str]:
    """Words that goals write with a capital in mid-sentence and never without one, in alphabetical order."""
    texts = [part.text for conversation in conversations for part in conversation.goal]
    plain = {word for text in texts for word in re.findall(r"\b[a-z]+\b", text)}
    return sorted({n for text in texts for n in NAME.findall(text) if n.lower() not in plain})

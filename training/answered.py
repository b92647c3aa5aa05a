"""Labelled conversations with the answers to every question about them, and the tracking that these make.

Knows what a tracker could ask, how it is answered, and, for a calibration, what tracking would then say.
Knows nothing about how a calibration is fitted (``training.calibrate``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from tracker.conversation import Conversation, Turn
from tracker.decoding import Decoder, Distribution
from tracker.forward import Belief, Calibration, CategoryCalibration
from tracker.goal import STATUSES, Category, Component, Status, is_final, start_status
from tracker.modelless import settled
from tracker.opinions import Opinion, OpinionModel
from tracker.prompt import Question, opening_pieces, turn_pieces
from tracker.rules import BROKEN, Check, checked, decided, read_rules
from tracker.state import ComponentState, GoalState, Track

Answers = Mapping[tuple[str, int, Status], Distribution]
"""Raw answers by component, turn and status before the turn."""


@dataclass(frozen=True)
class Answered:
    """A labelled conversation and the raw answers to every question that tracking could ask."""

    conversation: Conversation
    answers: Answers
    """The model's."""
    others: Mapping[Opinion, Answers] = field(default_factory=dict)
    """Those of other opinions, to the same questions."""
    settled: Answers = field(default_factory=dict)
    """What follows, calibrated, where the others settle a question: the model's answer does not count."""

    @property
    def by_model(self) -> Answered:
        """The same without the other opinions."""
        return replace(self, others={}, settled={})

    def settled_by(self, alone: Calibration | None) -> Answered:
        """The same, with what the other opinions settle by this calibration of theirs; none for ``None``."""
        if alone is None:
            return self
        components = {component.id: component for component in self.conversation.goal}
        found = {
            key: settled(alone, Question(components[key[0]], key[2]), self.said(key))
            for key in next(iter(self.others.values()))
        }
        return replace(self, settled={key: follows for key, follows in found.items() if follows})

    def without_model(self, opinions: Sequence[Opinion]) -> Answered:
        """The same with these opinions alone: the first of them takes the model's place."""
        first, *rest = opinions
        others = {one: self.others[one] for one in rest}
        return replace(self, answers=self.others[first], others=others, settled={})

    def said(self, key: tuple[str, int, Status]) -> dict[Opinion, Distribution]:
        """What the others answer to a question."""
        return {opinion: answers[key] for opinion, answers in self.others.items()}

    def follows(
        self, component: Component, turn: int, before: Iterable[Status], calibration: CategoryCalibration
    ) -> dict[Status, Distribution]:
        """By the status before a turn, the calibrated distribution of the component's status after it."""
        keys = {status: (component.id, turn, status) for status in before}
        return {
            status: self.settled[key]
            if key in self.settled
            else calibration.mend(self.answers[key], self.said(key))
            for status, key in keys.items()
        }

    @cached_property
    def rules(self) -> Mapping[str, Check]:
        """The policies that code checks."""
        return read_rules(self.conversation.goal, opening=self.conversation.opening)

    def asked(self, category: Category) -> list[Component]:
        """The components of a category that the model has a say in: those that code does not decide."""
        by_code = decided(self.rules)
        return [c for c in self.conversation.goal if c.category is category and c.id not in by_code]

    def replay(self, calibration: Calibration, *, filtered: bool = True, ruled: bool = False) -> Track:
        """What tracking with this calibration says.

        ``filtered=False`` believes each turn by itself; ``ruled`` has code check the policies that it can.
        """
        goal, turns = self.conversation.goal, self.conversation.turns
        states: dict[str, list[ComponentState]] = {}
        for component in goal:
            rule = self.rules.get(component.id) if ruled else None
            if rule is not None and rule.decides:
                states[component.id] = _by_rule(rule, component, turns)
                continue
            of_category = calibration[component.category]
            states[component.id] = [
                of_category.state(belief)
                for belief in self.beliefs(component, of_category, filtered=filtered, rule=rule)
            ]
        by_turn = zip(*states.values(), strict=True)
        return Track(
            self.conversation.id,
            goal,
            tuple(
                GoalState(turn.index, dict(zip(states, after, strict=True)))
                for turn, after in zip(turns, by_turn, strict=True)
            ),
        )

    def beliefs(
        self,
        component: Component,
        calibration: CategoryCalibration,
        *,
        filtered: bool = True,
        rule: Check | None = None,
    ) -> Iterator[Belief]:
        """What is believed about a component after every turn; the breaks that ``rule`` sees are believed."""
        belief = Belief.start(component.category)
        turns = self.conversation.turns
        for turn in turns:
            follows = self.follows(component, turn.index, belief.open, calibration)
            if rule is not None and rule.breaks(turns[: turn.index]):
                follows = dict.fromkeys(follows, BROKEN)
            after = belief.after(follows, calibration.threshold)
            belief = after if filtered else _by_itself(belief, follows)
            yield belief


def _by_rule(rule: Check, component: Component, turns: Sequence[Turn]) -> list[ComponentState]:
    """What code says about a policy after every turn."""
    states = [ComponentState(component.start, 1.0)]
    for turn in turns:
        states.append(checked(rule, states[-1].status, turns[: turn.index]))
    return states[1:]


def _by_itself(before: Belief, follows: Mapping[Status, Distribution]) -> Belief:
    """The likeliest status given the one reported before, believed outright."""
    statuses = STATUSES[before.category]
    if before.reported not in follows:
        return before
    likeliest = max(follows[before.reported], key=follows[before.reported].__getitem__)
    return Belief(before.category, tuple(float(s == likeliest) for s in statuses), likeliest)


def ask_everything(
    conversation: Conversation, decoder: Decoder, opinions: Mapping[Opinion, OpinionModel]
) -> Answered:
    """Ask about every component after every turn, from every status that could still move."""
    answers: dict[tuple[str, int, Status], Distribution] = {}
    others: dict[Opinion, dict[tuple[str, int, Status], Distribution]] = {one: {} for one in opinions}
    reading = decoder.start()
    reading.read(opening_pieces(conversation.opening))
    beside = {
        opinion: model.start(conversation.goal, opening=conversation.opening)
        for opinion, model in opinions.items()
    }
    for turn in conversation.turns:
        reading.read(turn_pieces(turn))
        questions = [
            Question(component, previous)
            for component in conversation.goal
            for previous in STATUSES[component.category]
            if not is_final(component.category, previous)
            and (turn.index > 1 or previous == start_status(component.category))
        ]
        keys = [(question.component.id, turn.index, question.previous) for question in questions]
        answers.update(zip(keys, reading.ask(questions), strict=True))
        for opinion, other in beside.items():
            beside[opinion] = other = other.after(turn)
            others[opinion].update(zip(keys, other.ask(questions), strict=True))
    reading.close()
    return Answered(conversation, answers, others)

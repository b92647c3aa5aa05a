"""Calibration on made-up answers: what it mends, when it reports, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tracker.conversation import Conversation, Message, Role
from tracker.forward import Calibration, CategoryCalibration
from tracker.goal import Category, Component, Goal, Status
from tracker.opinions import Opinion
from tracker.state import ComponentState
from training.answered import Answered
from training.calibrate import (
    fit,
    fit_alone,
    fit_certainty,
    fit_probabilities,
    fit_thresholds,
    held_out,
    modelless,
    steps,
)

TURNS = 6


def _policy(
    number: int, broken_at: int | None, chances: list[float], text: str = "Do not name your employer."
) -> Answered:
    """A conversation of six turns with one policy, and how likely the model holds a break at each of them."""
    component = Component(id="rule", category=Category.POLICY, text=text)
    messages = tuple(
        Message(role=role, content="Well.") for _ in range(TURNS) for role in (Role.USER, Role.ASSISTANT)
    )
    labels = {"rule": ((broken_at, Status.MISALIGNED),)} if broken_at else {}
    goal = Goal(text="Be terse.", components=(component,))
    answers = {
        ("rule", turn, Status.ALIGNED): {Status.ALIGNED: 1 - chance, Status.MISALIGNED: chance}
        for turn, chance in enumerate(chances, start=1)
    }
    return Answered(Conversation(f"talk-{number}", goal, messages, labels), answers)


def _blind() -> list[Answered]:
    """A model that sees half a chance of a break in every turn, where every fourth policy is broken."""
    return [_policy(n, 3 if n % 4 == 0 else None, [0.5] * TURNS) for n in range(40)]


def _seeing() -> list[Answered]:
    """A model that sees breaks, and calls them too likely everywhere."""
    return [
        _policy(n, 3, [0.4, 0.4, 0.95, *[0.4] * 3]) if n % 4 == 0 else _policy(n, None, [0.4] * TURNS)
        for n in range(40)
    ]


def _reports(answered: list[Answered], calibration: CategoryCalibration) -> int:
    """How many policies are reported as broken in the end."""
    whole = Calibration(categories={Category.POLICY: calibration})
    return sum(item.replay(whole).statuses("rule")[-1] is Status.MISALIGNED for item in answered)


def test_what_is_called_too_likely_is_mended() -> None:
    mended = fit_probabilities(_blind(), Category.POLICY).mend({Status.ALIGNED: 0.5, Status.MISALIGNED: 0.5})
    # Ten breaks in 200 turns before or at them.
    assert mended[Status.MISALIGNED] == pytest.approx(0.05, abs=0.03)


def test_a_model_that_sees_nothing_reports_nothing() -> None:
    answered = _blind()
    assert _reports(answered, CategoryCalibration()) == 40
    assert _reports(answered, fit(answered)["certainty"][Category.POLICY]) == 0


def test_a_break_that_the_model_sees_is_reported() -> None:
    answered = _seeing()
    assert _reports(answered, CategoryCalibration()) == 40
    assert _reports(answered, fit(answered)["certainty"][Category.POLICY]) == 10


def test_a_threshold_lies_between_what_moved_and_what_did_not() -> None:
    chances = [(None, 0.45), (3, 0.7)]
    answered = [
        _policy(n, broken, [0.0, 0.0, chance, 0.0, 0.0, 0.0]) for n in range(20) for broken, chance in chances
    ]
    fitted = fit_thresholds(answered, Category.POLICY, CategoryCalibration())
    assert 0.45 < fitted.threshold[Status.MISALIGNED] <= 0.7
    assert _reports(answered, fitted) == 20
    # Half of the conversations say as much.
    again = fit_thresholds(answered[:20], Category.POLICY, CategoryCalibration())
    assert again.threshold[Status.MISALIGNED] == pytest.approx(fitted.threshold[Status.MISALIGNED], abs=0.05)


def test_no_labels_of_a_category_change_nothing() -> None:
    assert fit_probabilities(_blind(), Category.OBJECTIVE) == CategoryCalibration()
    assert fit_thresholds(_blind(), Category.OBJECTIVE, CategoryCalibration()) == CategoryCalibration()
    assert fit_certainty(_blind(), Category.OBJECTIVE, CategoryCalibration()) == CategoryCalibration()


def test_what_is_reported_is_as_sure_as_it_comes_true() -> None:
    """The model is 60% sure of every break, and all but one in twenty are there."""
    answered = [_policy(n, 3 if n % 20 else None, [0.0, 0.0, 0.6, 0.0, 0.0, 0.0]) for n in range(60)]
    plain = CategoryCalibration()
    sure = fit_certainty(answered, Category.POLICY, plain)

    def said(calibration: CategoryCalibration) -> list[ComponentState]:
        whole = Calibration(categories={Category.POLICY: calibration})
        return [state["rule"] for one in answered for state in one.replay(whole).states]

    broken = [one.probability for one in said(sure) if one.status is Status.MISALIGNED]
    assert len(broken) == 60 * 4
    assert broken == pytest.approx([0.95] * len(broken), abs=0.03)
    assert [one.status for one in said(sure)] == [one.status for one in said(plain)]


def test_every_step_is_scored_on_the_same_conversations() -> None:
    answered = _seeing()
    scored = steps(answered, fit(answered))
    accuracies = [agreement.average.every_turn.accuracy.value for agreement in scored.values()]
    assert list(scored) == [
        "each turn by itself",
        "forward filter",
        "and calibrated",
        "and thresholds",
        "and certainty",
        "and rules that code checks",
    ]
    assert accuracies[-1] == max(accuracies) == 1


def test_what_code_checks_is_neither_fitted_nor_believed() -> None:
    wrong = [_policy(n, None, [0.9] * TURNS, "Never use an exclamation mark.") for n in range(8)]
    assert fit_probabilities(wrong, Category.POLICY) == CategoryCalibration()
    scored = steps(wrong, fit(wrong))
    accuracies = [agreement.average.every_turn.accuracy.value for agreement in scored.values()]
    assert accuracies[-2:] == [0, 1]


def test_the_breaks_that_code_sees_are_believed_where_the_model_decides() -> None:
    text = "Ask for a code before you leave."
    kept = _policy(0, None, [0.1] * TURNS, text)
    last = Message(role=Role.USER, content="That is all. Bye.")
    left = replace(
        kept, conversation=replace(kept.conversation, messages=(*kept.conversation.messages[:-2], last))
    )
    seen = _policy(2, 3, [0.1, 0.1, 0.8, *[0.1] * 3], text)
    for item, turn in ((kept, None), (left, TURNS), (seen, 3)):
        statuses = item.replay(Calibration(), ruled=True).statuses("rule")
        assert statuses.count(Status.MISALIGNED) == (0 if turn is None else TURNS - turn + 1)
    assert left.replay(Calibration()).statuses("rule")[-1] is Status.ALIGNED


def test_the_opinion_that_sees_more_weighs_more() -> None:
    """The model sees nothing; words see the break of every fourth conversation at its third turn."""
    answered = [
        replace(
            one,
            others={
                Opinion.WORDS: _policy(
                    n, None, [0.05, 0.05, 0.9 if n % 4 == 0 else 0.05, *[0.05] * 3]
                ).answers
            },
        )
        for n, one in enumerate(_blind())
    ]
    fitted = fit(answered)
    policies = fitted["certainty"][Category.POLICY]
    assert policies.beside[Opinion.WORDS] > 1 / policies.temperature
    assert fitted["certainty"].opinions == {Opinion.WORDS}
    assert _reports(answered, policies) == 10

    def kappas(items: list[Answered]) -> float:
        part = held_out([items])[0].categories[Category.POLICY]
        return part.figures.every_turn.kappa.value

    assert kappas(answered) == kappas([one.without_model([Opinion.WORDS]) for one in answered]) == 1
    assert kappas([one.by_model for one in answered]) < 0.1


def test_the_model_counts_only_where_the_others_leave_a_question_open() -> None:
    """Two opinions are sure of five turns of six. The model is right about the third, and wrong elsewhere."""
    sure, unsure = 0.001, 0.5
    heard = _policy(0, None, [sure, sure, unsure, *[sure] * 3]).answers
    answered = [
        replace(
            _policy(n, 3 if n % 2 else None, [0.9, 0.9, 0.9 if n % 2 else 0.1, *[0.9] * 3]),
            others={Opinion.WORDS: heard, Opinion.ENCODER: heard},
        )
        for n in range(40)
    ]
    everything = fit_probabilities(answered, Category.POLICY)
    open_alone = [item.settled_by(fit_alone(answered)) for item in answered]
    assert {turn for item in open_alone for _, turn, _ in item.settled} == {1, 2, 4, 5, 6}
    as_used = fit_probabilities(open_alone, Category.POLICY)
    assert as_used.temperature < everything.temperature
    assert _reports(open_alone, as_used) == 20
    assert held_out([answered])[0].categories[Category.POLICY].figures.every_turn.accuracy.value == 1
    # Nothing is settled where there is no model, or nothing else.
    assert not open_alone[0].by_model.settled
    assert not open_alone[0].without_model([Opinion.WORDS]).settled
    assert fit_alone([item.by_model for item in answered]) is None


def test_what_is_held_out_is_reported_by_calibrations_that_did_not_see_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = [_policy(n, 3, [0.1, 0.1, 0.95, *[0.1] * 3]) for n in range(8)]

    def fit_if_known(answered: Sequence[Answered]) -> dict[str, Calibration]:
        """A calibration that reports nothing, unless it has seen the conversation ``talk-0``."""
        known = any(item.conversation.id == "talk-0" for item in answered)
        threshold = CategoryCalibration(threshold={Status.MISALIGNED: 0.5 if known else 1.0})
        return {"certainty": Calibration(categories={Category.POLICY: threshold})}

    monkeypatch.setattr("training.calibrate.fit", fit_if_known)
    accuracies = [
        agreement.categories[Category.POLICY].figures.every_turn.accuracy.value
        for agreement in held_out([broken], [broken[1:]])
    ]
    # Turns 3 to 6 of the one conversation that is then unknown; of the file beside, of the first in it.
    assert accuracies == pytest.approx([1 - 4 / (8 * TURNS), 1 - 4 / (7 * TURNS)])


def test_an_only_opinion_may_stand_beside_one_that_is_none() -> None:
    answered = _seeing()
    fitted = fit(answered)["certainty"]
    beside = modelless(fitted, Opinion.WORDS)
    for item in answered:
        none = {key: {Status.ALIGNED: 0.5, Status.MISALIGNED: 0.5} for key in item.answers}
        both = replace(item, answers=none, others={Opinion.WORDS: item.answers})
        alone, pooled = item.replay(fitted), both.replay(beside)
        assert alone.statuses("rule") == pooled.statuses("rule")
        for one, other in zip(alone.states, pooled.states, strict=True):
            assert one["rule"].probability == pytest.approx(other["rule"].probability)

"""Two splits of one goal compared by their words."""

from __future__ import annotations

import pytest

from tracker.goal import Category, Component, Goal
from tracker.matching import in_text, match, score_splits


def goal(*components: tuple[str, str, str | None], text: str = "") -> Goal:
    """Components as (category, text, objective), with the ids c0, c1, ..."""
    made = [
        Component(id=f"c{number}", category=Category(category), text=words, objective=objective)
        for number, (category, words, objective) in enumerate(components)
    ]
    return Goal(text=text, components=tuple(made))


TRUTH = goal(
    ("objective", "Get both fees refunded.", None),
    ("requirement", "The money is back before Friday.", "c0"),
    ("policy", "Never mention the overdraft.", None),
    ("objective", "Switch off the alerts.", None),
)


def test_the_same_words_in_another_form_match() -> None:
    (pair,) = match(
        goal(("objective", "Get both fees refunded.", None)),
        goal(("objective", "You want both the fees to be refunded!", None)),
    )
    assert pair.similarity == 1.0


def test_one_component_stands_for_one_only_and_the_whole_is_best() -> None:
    predicted = goal(
        ("objective", "You want both fees refunded before Friday.", None),
        ("requirement", "The money has to be back before Friday.", "c0"),
        ("profile", "You are tall.", None),
    )
    assert [(pair.truth.id, pair.predicted.id) for pair in match(TRUTH, predicted)] == [
        ("c0", "c0"),
        ("c1", "c1"),
    ]


def test_a_fact_does_not_stand_for_a_task_whatever_its_words() -> None:
    have, wish = (
        "You have a ticket from Oxford to Durham.",
        "Get a discount on your ticket from Oxford to Durham.",
    )
    truth = goal(("objective", wish, None))
    assert not match(truth, goal(("profile", have, None)))
    assert not match(goal(("profile", have, None)), truth)
    assert match(truth, goal(("requirement", have, None)))


def test_the_figures_of_a_split() -> None:
    predicted = goal(
        ("objective", "You want both fees refunded.", None),
        ("objective", "Switch off the alerts.", None),
        ("preference", "The money has to be back before Friday.", "c1"),
        ("requirement", "Never mention the overdraft.", "c0"),
        ("profile", "You are tall.", None),
    )
    scores = score_splits([TRUTH], [predicted], resamples=10)
    assert scores.precision.value == pytest.approx(4 / 5)
    assert scores.recall.value == 1.0
    assert scores.f1.value == pytest.approx(8 / 9)
    assert scores.category.value == pytest.approx(2 / 4)
    assert scores.links.value == 0.0
    assert scores.recalls[Category.OBJECTIVE].value == 1.0


def test_a_right_link_goes_by_the_matched_objective_and_not_by_its_id() -> None:
    predicted = goal(
        ("policy", "Never mention the overdraft.", None),
        ("objective", "Refund both fees.", None),
        ("requirement", "The money is back before Friday.", "c1"),
    )
    assert score_splits([TRUTH], [predicted], resamples=10).links.value == 1.0


def test_intervals_draw_whole_goals() -> None:
    empty = Goal(components=())
    scores = score_splits([TRUTH] * 4, [TRUTH, TRUTH, empty, empty], resamples=200)
    assert scores.recall.value == 0.5
    assert scores.recall.low < 0.5 < scores.recall.high
    assert scores.as_json()["goals"] == 4


def test_what_is_not_defined_is_no_number() -> None:
    nothing = Goal(components=())
    scores = score_splits([nothing], [nothing], resamples=10)
    assert scores.f1.value != scores.f1.value
    assert scores.as_json()["f1"] == {"value": None, "low": None, "high": None}


def test_components_that_were_added_to_a_text_are_left_out() -> None:
    added = goal(
        ("profile", "You travel with a small dog.", None),
        ("policy", "If the booking fails, you ask for Tuesday.", None),
        ("objective", "Reserve somewhere nice.", None),
        text="You want a table. If the booking fails how about Tuesday.",
    )
    assert [component.id for component in in_text(added)] == ["c1", "c2"]

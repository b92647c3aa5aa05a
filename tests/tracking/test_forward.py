"""The forward filter: what is reported only moves forward, whatever the model answers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import ModelError
from tracker.forward import Belief, Calibration, CategoryCalibration
from tracker.goal import STATUSES, Category, Status, is_final, reachable
from tracker.opinions import Opinion
from tracker.state import ComponentState

categories = st.sampled_from(list(Category))


@st.composite
def answered_turns(draw):
    """A category and, for some turns, an arbitrary answer from every status that can still move."""
    category = draw(categories)
    turns = []
    for _ in range(draw(st.integers(1, 6))):
        answers = {}
        for previous in STATUSES[category]:
            if not is_final(category, previous):
                following = reachable(category, previous)
                weights = draw(
                    st.lists(st.floats(0.001, 1), min_size=len(following), max_size=len(following))
                )
                answers[previous] = {s: w / sum(weights) for s, w in zip(following, weights, strict=True)}
        turns.append(answers)
    return category, turns


@given(answered_turns(), st.floats(0.05, 0.95), st.floats(-3, 3), st.floats(0.2, 5), st.floats(-3, 3))
def test_reports_only_move_forward(case, threshold, bias, temperature, certainty):
    category, turns = case
    moving = STATUSES[category][1:]
    calibration = CategoryCalibration(
        temperature=temperature,
        bias=dict.fromkeys(moving, bias),
        threshold=dict.fromkeys(moving, threshold),
        certainty=dict.fromkeys(STATUSES[category], certainty),
    )
    belief = Belief.start(category)
    for answers in turns:
        after = belief.after(calibration.follows(answers), calibration.threshold)
        assert after.reported in reachable(category, belief.reported)
        assert sum(after.masses) == pytest.approx(1)
        assert 0 <= calibration.state(after).probability <= 1 + 1e-9
        belief = after


def test_doubt_about_single_turns_adds_up():
    belief = Belief.start(Category.POLICY)
    answer = {Status.ALIGNED: {Status.ALIGNED: 0.7, Status.MISALIGNED: 0.3}}
    reported = []
    for _ in range(3):
        belief = belief.after(answer)
        reported.append(belief.reported)
    assert reported == [Status.ALIGNED, Status.MISALIGNED, Status.MISALIGNED]
    assert belief.masses[0] == pytest.approx(0.7**3)


def test_how_sure_to_be_of_a_status_goes_by_the_status():
    answer = {Status.INCOMPLETE: {Status.INCOMPLETE: 0.4, Status.ATTEMPTED: 0.2, Status.COMPLETE: 0.4}}
    belief = Belief.start(Category.OBJECTIVE).after(answer)
    assert CategoryCalibration().state(belief) == ComponentState(Status.ATTEMPTED, pytest.approx(0.2))
    # Odds of one to four, made twice as high; those of other statuses stay out of it.
    surer = CategoryCalibration(certainty={Status.ATTEMPTED: math.log(2), Status.COMPLETE: -5})
    assert surer.state(belief) == ComponentState(Status.ATTEMPTED, pytest.approx(1 / 3))
    certain = Belief.start(Category.OBJECTIVE)
    assert CategoryCalibration(certainty={Status.INCOMPLETE: -2}).state(certain).probability == 1


def test_two_opinions_are_pooled_by_their_weights():
    words = {Status.ALIGNED: 0.2, Status.MISALIGNED: 0.8}
    model = {Status.ALIGNED: 0.6, Status.MISALIGNED: 0.4}
    calibration = CategoryCalibration(temperature=2, beside={Opinion.WORDS: 0.5})
    mended = calibration.mend(model, {Opinion.WORDS: words})
    # The square root of the product, made to sum to 1.
    assert mended[Status.MISALIGNED] == pytest.approx(0.32**0.5 / (0.32**0.5 + 0.12**0.5))
    assert calibration.mend(model) == CategoryCalibration(temperature=2).mend(model)
    assert CategoryCalibration().mend(model, {Opinion.WORDS: words}) == pytest.approx(model)
    follows = calibration.follows({Status.ALIGNED: model}, {Opinion.WORDS: {Status.ALIGNED: words}})
    belief = Belief.start(Category.POLICY).after(follows)
    assert belief.reported is Status.MISALIGNED


def test_what_is_settled_is_asked_no_more():
    sure = {Status.INCOMPLETE: {Status.INCOMPLETE: 0.0, Status.ATTEMPTED: 0.0, Status.COMPLETE: 1.0}}
    belief = Belief.start(Category.OBJECTIVE)
    assert belief.open == (Status.INCOMPLETE,)
    assert belief.after(sure).open == ()


def test_a_broken_calibration_is_one_line(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text('{"categories": {"policy": {"temperature": -1}}}')
    with pytest.raises(ModelError, match="calibration cannot be read") as caught:
        Calibration.read(path)
    assert "\n" not in str(caught.value)

"""Agreement of whole tracks with whole labels, as ``goalstate evaluate`` reports it."""

import json
import math

import numpy as np
import pytest
from sklearn import metrics

from tracker.agreement import evaluate
from tracker.conversation import Conversation, Message, Role
from tracker.errors import InputError
from tracker.goal import STATUSES, Category, Component, Goal, Status
from tracker.state import ComponentState, GoalState, Track

KINDS = (Category.PROFILE, Category.OBJECTIVE, Category.REQUIREMENT)


def conversation(name, turns, labels, categories=KINDS):
    components = tuple(
        Component(id=str(category), category=category, text="Some wish.") for category in categories
    )
    said = (Message(role=Role.USER, content="Hello."), Message(role=Role.ASSISTANT, content="Hello."))
    return Conversation(name, Goal(components=components), said * turns, labels)


def track(judged, statuses, probability=0.9):
    """A track that gives each component the statuses, one per turn."""
    return Track(
        judged.id,
        judged.goal,
        tuple(
            GoalState(
                turn, {name: ComponentState(row[turn - 1], probability) for name, row in statuses.items()}
            )
            for turn in range(1, len(judged.turns) + 1)
        ),
    )


def agreeing(judged):
    return track(judged, {component.id: judged.labelled_statuses(component.id) for component in judged.goal})


def starting(judged):
    return track(judged, {component.id: [component.start] * len(judged.turns) for component in judged.goal})


@pytest.fixture
def judged():
    """A dozen conversations in which the objective comes to different ends."""
    ends = [
        (),
        ((2, Status.ATTEMPTED),),
        ((1, Status.ATTEMPTED), (3, Status.COMPLETE)),
        ((2, Status.COMPLETE),),
    ]
    return [conversation(f"c-{i}", 3 + i % 3, {"objective": ends[i % 4]}) for i in range(12)]


@pytest.fixture
def noisy(judged):
    random = np.random.default_rng(3)

    def answer(component, truth):
        return [s if random.random() < 0.7 else random.choice(STATUSES[component.category]) for s in truth]

    return [
        track(one, {c.id: answer(c, one.labelled_statuses(c.id)) for c in one.goal}, random.uniform(0.5, 1))
        for one in judged
    ]


def test_a_tracker_that_agrees_has_full_marks(judged):
    agreement = evaluate(judged, map(agreeing, judged))
    objective = agreement.categories[Category.OBJECTIVE].figures
    for scores in (objective.every_turn, objective.last_turn):
        assert (scores.accuracy.value, scores.accuracy.low, scores.accuracy.high) == (1, 1, 1)
        assert scores.macro_f1.value == scores.kappa.value == 1
    assert objective.attempted_recall.value == 1
    assert objective.calibration_error.value == pytest.approx(0.1)


def test_the_figures_are_scikit_learns(judged, noisy):
    part = evaluate(judged, noisy).categories[Category.OBJECTIVE].figures
    truth = [status for one in judged for status in one.labelled_statuses("objective")]
    said = [status for one in noisy for status in one.statuses("objective")]
    assert part.every_turn.accuracy.value == pytest.approx(metrics.accuracy_score(truth, said))
    assert part.every_turn.macro_f1.value == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    assert part.every_turn.kappa.value == pytest.approx(metrics.cohen_kappa_score(truth, said))
    ends = [one.labelled_statuses("objective")[-1] for one in judged]
    said_at_the_end = [one.statuses("objective")[-1] for one in noisy]
    assert part.last_turn.accuracy.value == pytest.approx(metrics.accuracy_score(ends, said_at_the_end))


def test_the_floor_is_what_always_answering_the_start_gives(judged, noisy):
    part = evaluate(judged, noisy).categories[Category.OBJECTIVE].figures
    floor = evaluate(judged, map(starting, judged)).categories[Category.OBJECTIVE].figures
    assert part.every_turn.start_accuracy == floor.every_turn.accuracy
    assert part.last_turn.start_accuracy == floor.last_turn.accuracy


def test_intervals_hold_the_figure_and_are_those_of_a_plain_bootstrap(judged, noisy):
    estimate = (
        evaluate(judged, noisy, resamples=4000).categories[Category.OBJECTIVE].figures.every_turn.accuracy
    )
    assert estimate.low < estimate.value < estimate.high
    random = np.random.default_rng(1)
    hits = [
        np.array(one.labelled_statuses("objective")) == np.array(said.statuses("objective"))
        for one, said in zip(judged, noisy, strict=True)
    ]
    drawn = [
        np.concatenate([hits[i] for i in random.integers(len(hits), size=len(hits))]).mean()
        for _ in range(4000)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.02)


def test_the_same_seed_gives_the_same_intervals(judged, noisy):
    once, again, other = (evaluate(judged, noisy, random_state=seed) for seed in (5, 5, 6))
    assert once.as_json() == again.as_json()
    assert once.average.every_turn.kappa != other.average.every_turn.kappa


def test_only_categories_present_are_reported_and_averaged(judged, noisy):
    agreement = evaluate(judged, noisy)
    assert list(agreement.categories) == list(KINDS)
    values = [part.figures.every_turn.accuracy.value for part in agreement.categories.values()]
    assert agreement.average.every_turn.accuracy.value == pytest.approx(np.mean(values))


def test_an_undefined_kappa_is_left_out_of_the_average(judged):
    agreement = evaluate(judged, map(agreeing, judged))
    assert math.isnan(agreement.categories[Category.PROFILE].figures.every_turn.kappa.value)
    assert agreement.average.every_turn.kappa.value == 1


def test_recall_of_attempted_is_of_the_categories_that_have_it(judged):
    lazy = evaluate(judged, map(starting, judged))
    assert math.isnan(lazy.categories[Category.PROFILE].figures.attempted_recall.value)
    assert math.isnan(lazy.categories[Category.REQUIREMENT].figures.attempted_recall.value)
    assert lazy.average.attempted_recall.value == 0


def test_counts_and_confusion_matrices(judged):
    part = evaluate(judged, map(starting, judged)).categories[Category.OBJECTIVE]
    turns = sum(len(one.turns) for one in judged)
    assert (part.components, part.labels) == (12, turns)
    assert part.confusion.sum() == turns
    assert part.last_turn_confusion.sum() == 12
    assert part.confusion[:, 1:].sum() == 0
    assert part.last_turn_confusion[:, 0].tolist() == [3, 3, 6]


def test_one_conversation_has_figures_and_no_intervals(judged):
    accuracy = evaluate(judged[:1], [agreeing(judged[0])]).average.every_turn.accuracy
    assert accuracy.value == 1
    assert math.isnan(accuracy.low)
    assert math.isnan(accuracy.high)


def test_a_category_of_one_conversation_has_figures_and_no_intervals(judged):
    only = conversation("c-p", 4, {"policy": ((3, Status.MISALIGNED),)}, (Category.POLICY,))
    noted = {"policy": [Status.ALIGNED, *[Status.MISALIGNED] * 3]}
    agreement = evaluate([*judged, only], [*map(agreeing, judged), track(only, noted)])
    policies = agreement.categories[Category.POLICY].figures.every_turn.accuracy
    assert policies.value == 0.75
    assert math.isnan(policies.low)
    average = agreement.average.every_turn.accuracy
    assert average.value == pytest.approx((3 + 0.75) / 4)
    assert average.low == average.high == pytest.approx(average.value)  # the others all agree


def test_a_conversation_in_which_the_user_never_spoke_counts_for_nothing(judged, noisy):
    silent = Conversation("silent", judged[0].goal, (Message(role=Role.ASSISTANT, content="Hello?"),), {})
    agreement = evaluate([*judged, silent], [*noisy, Track("silent", silent.goal, ())])
    assert agreement.labels == evaluate(judged, noisy).labels


def test_json_has_null_where_nothing_is_defined(judged):
    written = json.loads(json.dumps(evaluate(judged, map(agreeing, judged)).as_json(), allow_nan=False))
    assert written["categories"]["profile"]["every_turn"]["kappa"] == {
        "value": None,
        "low": None,
        "high": None,
    }
    assert written["categories"]["objective"]["statuses"] == ["INCOMPLETE", "ATTEMPTED", "COMPLETE"]
    assert written["average"]["last_turn"]["accuracy"]["value"] == 1


def test_conversations_without_labels_are_refused(judged):
    unlabelled = conversation("bare", 2, None)
    with pytest.raises(InputError, match="'bare' has no labels"):
        evaluate([unlabelled], [starting(unlabelled)])
    with pytest.raises(InputError, match="no labels"):
        evaluate([], [])


def test_a_track_of_another_conversation_is_refused(judged, noisy):
    with pytest.raises(ValueError, match="'c-1'"):
        evaluate(judged[:1], noisy[1:2])


def test_a_recall_of_one_conversation_has_no_interval(judged):
    one = [judged[1], *(each for each in judged if not each.labels["objective"])]
    recall = evaluate(one, map(starting, one)).categories[Category.OBJECTIVE].figures.attempted_recall
    assert recall.value == 0
    assert math.isnan(recall.low)
    several = evaluate(judged, map(starting, judged)).average.attempted_recall
    assert (several.value, several.low, several.high) == (0, 0, 0)

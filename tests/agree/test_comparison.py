"""Figures of agreement among raters, against the libraries' own and against what can be counted by hand."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from rated import bare, native, rows, sheet, tracked
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from tracker.comparison import all_pairs, alpha, compare, paired_test
from tracker.goal import STATUSES, Category, Status
from tracker.metrics import krippendorff_alpha
from tracker.ratings import read_ratings

JUDGE = {
    "a": {"o": [(2, "ATTEMPTED"), (4, "COMPLETE")], "r": [(4, "COMPLETE")], "p": [(3, "MISALIGNED")]},
    "b": {"o": [(3, "COMPLETE")]},
    "c": {"r": [(1, "ATTEMPTED")], "p": [(1, "MISALIGNED")]},
}
TRACKER = {
    "a": {"o": [(3, "ATTEMPTED"), (4, "COMPLETE")], "r": [(3, "COMPLETE")], "p": []},
    "b": {"o": [(3, "COMPLETE")], "p": [(4, "MISALIGNED")]},
    "c": {"r": [(2, "ATTEMPTED"), (4, "COMPLETE")], "p": [(1, "MISALIGNED")]},
}


@pytest.fixture
def both(tmp_path):
    return read_ratings([native(tmp_path / "j.jsonl", JUDGE), tracked(tmp_path / "t.jsonl", TRACKER)])


def _statuses(rater, category):
    return [
        (name, component_id, status)
        for name, components in rater.conversations.items()
        for component_id, rated in components.items()
        if rated.category is category
        for status in rated.statuses
    ]


def test_scores_are_those_of_scikit_learn(both):
    judge, tracker = both.raters
    comparison = compare(both, judge, tracker)
    assert (comparison.conversations, comparison.components, comparison.labels) == (3, 9, 36)
    for category in (Category.OBJECTIVE, Category.REQUIREMENT, Category.POLICY):
        one = [status for *_, status in _statuses(judge, category)]
        other = [status for *_, status in _statuses(tracker, category)]
        scores = comparison.categories[category].every_turn
        assert scores.accuracy.value == pytest.approx(accuracy_score(one, other))
        assert scores.kappa.value == pytest.approx(cohen_kappa_score(one, other))
        assert scores.macro_f1.value == pytest.approx(f1_score(one, other, average="macro"))
        assert scores.accuracy.low <= scores.accuracy.value <= scores.accuracy.high


def test_the_last_turn_is_compared_alone(both):
    comparison = compare(both, *both.raters)
    assert comparison.categories[Category.OBJECTIVE].last_turn.accuracy.value == 1
    assert comparison.categories[Category.POLICY].last_turn.accuracy.value == pytest.approx(1 / 3)
    assert comparison.categories[Category.REQUIREMENT].last_turn_confusion.tolist() == [
        [1, 0, 0],
        [0, 0, 1],
        [0, 0, 1],
    ]


def test_the_average_is_over_the_categories(both):
    comparison = compare(both, *both.raters)
    values = [part.every_turn.accuracy.value for part in comparison.categories.values()]
    assert comparison.every_turn.accuracy.value == pytest.approx(np.mean(values))


def test_agreement_does_not_depend_on_the_order(both):
    judge, tracker = both.raters
    one, other = compare(both, judge, tracker), compare(both, tracker, judge)
    assert one.every_turn == other.every_turn
    assert (one.categories[Category.POLICY].confusion == other.categories[Category.POLICY].confusion.T).all()


def test_changes_that_come_early_and_late(both):
    categories = compare(both, *both.raters).categories
    attempted = categories[Category.OBJECTIVE].statuses[Status.ATTEMPTED].timing
    assert (attempted.same_turn, attempted.earlier, attempted.later, attempted.mean_delay) == (0, 0, 1, 1)
    complete = categories[Category.OBJECTIVE].statuses[Status.COMPLETE].timing
    assert (complete.same_turn, complete.earlier, complete.later) == (2, 0, 0)
    met = categories[Category.REQUIREMENT].statuses[Status.COMPLETE].timing
    assert (met.earlier, met.mean_delay, met.only_first, met.only_second) == (1, -1, 0, 1)
    broken = categories[Category.POLICY].statuses[Status.MISALIGNED].timing
    assert (broken.same_turn, broken.only_first, broken.only_second) == (1, 1, 1)
    assert categories[Category.POLICY].statuses[Status.ALIGNED].timing is None


def test_labels_per_status(both):
    attempted = compare(both, *both.raters).categories[Category.OBJECTIVE].statuses[Status.ATTEMPTED]
    assert (attempted.first, attempted.second, attempted.both) == (2, 1, 1)
    assert attempted.f1.value == pytest.approx(2 / 3)


def test_disagreements_come_worst_first_with_what_a_person_needs(both):
    found = compare(both, *both.raters).disagreements
    assert [each.weight for each in found] == sorted((each.weight for each in found), reverse=True)
    assert sum(each.turns for each in found) == 7
    (policy,) = (each for each in found if each.conversation == "a" and each.component == "p")
    assert (policy.turn, policy.turns, policy.first, policy.second) == (3, 2, "MISALIGNED", "ALIGNED")
    assert policy.text == "Be polite."
    assert policy.words == ("user 3", "assistant 3")
    assert (policy.first_probability, policy.second_probability) == (None, 0.8)
    assert policy.weight == pytest.approx(1.6)


def test_a_sure_tracker_is_worse_wrong_than_a_doubting_one(tmp_path):
    labels = {"a": {"p": [(1, "MISALIGNED")]}}
    judge = native(tmp_path / "j.jsonl", {"a": {}})
    weights = []
    for probability in (0.5, 0.9):
        ratings = read_ratings([judge, tracked(tmp_path / "t.jsonl", labels, probability=probability)])
        weights.append(compare(ratings, *ratings.raters).disagreements[0].weight)
    assert weights == [pytest.approx(2.0), pytest.approx(3.6)]


def test_raters_that_agree_on_one_status_have_no_kappa(tmp_path):
    ratings = read_ratings(
        [native(tmp_path / "j.jsonl", {"a": {}}), tracked(tmp_path / "t.jsonl", {"a": {}})]
    )
    comparison = compare(ratings, *ratings.raters)
    assert comparison.every_turn.accuracy.value == 1
    assert math.isnan(comparison.every_turn.kappa.value)
    assert math.isnan(comparison.every_turn.accuracy.low)  # one conversation: no interval


def test_what_one_conversation_has_has_no_interval(tmp_path):
    """Of thirty conversations the raters share one."""
    many = {str(number): {"p": [(2, "MISALIGNED")]} for number in range(30)}
    ratings = read_ratings(
        [native(tmp_path / "j.jsonl", many), tracked(tmp_path / "t.jsonl", {"0": {"p": [(1, "MISALIGNED")]}})]
    )
    found = alpha(ratings.raters).every_turn[Category.POLICY]
    assert not math.isnan(found.value)
    assert math.isnan(found.low)


def _random_labels(seed, conversations=12):
    generator = random.Random(seed)
    statuses = {"o": Category.OBJECTIVE, "r": Category.REQUIREMENT, "p": Category.POLICY}
    return {
        f"c{number}": {
            component: [(generator.randint(1, 4), str(generator.choice(STATUSES[category][1:])))]
            for component, category in statuses.items()
            if generator.random() < 0.7
        }
        for number in range(conversations)
    }


def test_alpha_is_that_of_the_library(tmp_path):
    library = pytest.importorskip("krippendorff")
    seeds = (1, 2, 3)
    files = [native(tmp_path / f"{seed}.jsonl", _random_labels(seed)) for seed in seeds]
    # One rater saw only a part: alpha takes ratings that are missing.
    lines = files[2].read_text().splitlines(keepends=True)
    files[2].write_text("".join(lines[:7]))
    ratings = read_ratings(files)
    result = alpha(ratings.raters)
    for category in (Category.OBJECTIVE, Category.REQUIREMENT, Category.POLICY):
        for moment, turns in ((result.every_turn, range(4)), (result.last_turn, [3])):
            table = [
                [
                    STATUSES[category].index(rater.conversations[name][component].statuses[turn])
                    if name in rater.conversations
                    else np.nan
                    for name in _random_labels(1)
                    for component in GOAL_IDS[category]
                    for turn in turns
                ]
                for rater in ratings.raters
            ]
            expected = library.alpha(reliability_data=table, level_of_measurement="nominal")
            assert moment[category].value == pytest.approx(expected)
            assert moment[category].low <= moment[category].value <= moment[category].high


GOAL_IDS = {Category.OBJECTIVE: ["o"], Category.REQUIREMENT: ["r"], Category.POLICY: ["p"]}


def test_alpha_as_published():
    """Krippendorff (2011), section B: two observers, five nominal values, alpha 0.692."""
    coincidences = np.zeros((5, 5))
    for pair in zip("aabbdcccedda", "babbbccceddd", strict=True):
        one, other = ("abcde".index(value) for value in pair)
        coincidences[one, other] += 1
        coincidences[other, one] += 1
    assert krippendorff_alpha(coincidences) == pytest.approx(0.692, abs=5e-4)


def test_a_better_tracker_is_told_from_a_worse_one(tmp_path):
    truth = _random_labels(1, 40)
    worse = {
        name: _random_labels(9, 40)[name] if int(name[1:]) % 2 else given for name, given in truth.items()
    }
    ratings = read_ratings(
        [
            native(tmp_path / "judge.jsonl", truth),
            tracked(tmp_path / "good.jsonl", truth),
            tracked(tmp_path / "worse.jsonl", worse),
        ]
    )
    result = paired_test(*ratings.raters)
    average = result.every_turn["average"]["accuracy"]
    assert average.estimate.high < 0
    assert average.p_value < 0.01
    pairs = [compare(ratings, ratings.raters[0], other) for other in ratings.raters[1:]]
    expected = pairs[1].every_turn.accuracy.value - pairs[0].every_turn.accuracy.value
    assert average.estimate.value == pytest.approx(expected)


def test_a_tracker_against_itself_is_no_different(tmp_path):
    truth, said = _random_labels(1), _random_labels(2)
    files = [native(tmp_path / "j.jsonl", truth)]
    files += [tracked(tmp_path / f"{name}.jsonl", said) for name in "ab"]
    ratings = read_ratings(files)
    result = paired_test(*ratings.raters)
    assert result.every_turn["average"]["kappa"].estimate.value == 0
    assert result.every_turn["average"]["kappa"].p_value == 1


def test_a_paired_test_takes_only_what_all_three_rated(tmp_path):
    few = {name: given for name, given in JUDGE.items() if name != "b"}
    ratings = read_ratings(
        [
            native(tmp_path / "j.jsonl", JUDGE),
            tracked(tmp_path / "a.jsonl", TRACKER),
            tracked(tmp_path / "b.jsonl", few),
        ]
    )
    assert paired_test(*ratings.raters).conversations == 2


def test_the_same_in_every_kind_of_file(tmp_path):
    given = [
        (name, turn, component, status)
        for name, labels in JUDGE.items()
        for component in ("o", "r", "p")
        for turn, status in [(1, {"p": "aligned"}.get(component, "incomplete")), *labels.get(component, [])]
        if turn != 1 or not any(at == 1 for at, _ in labels.get(component, [])) or status.isupper()
    ]
    judge = native(tmp_path / "judge.jsonl", JUDGE)
    for other in (
        tracked(tmp_path / "track.jsonl", JUDGE),
        sheet(tmp_path / "comma.csv", given),
        sheet(tmp_path / "semicolon.csv", given, delimiter=";"),
        rows(tmp_path / "rows.jsonl", given),
        bare(tmp_path / "bare.jsonl", JUDGE),
    ):
        ratings = read_ratings([judge, other])
        comparison = compare(ratings, *ratings.raters)
        assert (other.name, comparison.labels, comparison.every_turn.accuracy.value) == (other.name, 36, 1)


def test_what_only_one_rated_is_left_out_and_counted(tmp_path):
    person = sheet(tmp_path / "p.csv", [("a", 1, "o", "INCOMPLETE"), ("a", 2, "o", "ATTEMPTED")])
    ratings = read_ratings([native(tmp_path / "j.jsonl", JUDGE), person])
    comparison = compare(ratings, *ratings.raters)
    assert (comparison.conversations, comparison.components, comparison.labels) == (1, 1, 4)
    assert (comparison.only_first, comparison.only_second, comparison.components_left_out) == (2, 0, 2)


def test_pairs_without_anything_in_common_are_left_out(tmp_path):
    files = [
        native(tmp_path / "1.jsonl", {"a": {}, "b": {}}),
        native(tmp_path / "2.jsonl", {"a": {}}),
        native(tmp_path / "3.jsonl", {"b": {}}),
    ]
    pairs = all_pairs(read_ratings(files))
    assert [(pair.first, pair.second) for pair in pairs] == [("1", "2"), ("1", "3")]

"""The closed forms on confusion matrices say what scikit-learn says."""

import math
import warnings

import numpy as np
import pytest
from sklearn import metrics

from tracker import metrics as closed


def confusion(truth, predicted, statuses=3):
    """The confusion matrix of one group."""
    return closed.confusion_matrices(np.zeros_like(truth), truth, predicted, groups=1, statuses=statuses)[0]


@pytest.fixture(params=range(20))
def answers(request):
    """Truth and prediction with statuses of very different frequency, some of them missing."""
    random = np.random.default_rng(request.param)
    size = int(random.integers(3, 60))
    chances = random.dirichlet([0.4, 0.4, 0.4])
    truth = random.choice(3, size=size, p=chances)
    predicted = np.where(random.random(size) < 0.7, truth, random.choice(3, size=size))
    return truth, predicted


def test_accuracy_is_scikit_learns(answers):
    assert closed.accuracy(confusion(*answers)) == pytest.approx(metrics.accuracy_score(*answers))


def test_macro_f1_is_scikit_learns(answers):
    assert closed.macro_f1(confusion(*answers)) == pytest.approx(metrics.f1_score(*answers, average="macro"))


def test_kappa_is_scikit_learns(answers):
    with warnings.catch_warnings(action="ignore"):
        expected = metrics.cohen_kappa_score(*answers)
    assert closed.cohen_kappa(confusion(*answers)) == pytest.approx(expected, nan_ok=True)


def test_recall_is_scikit_learns(answers):
    truth, predicted = answers
    if 1 not in truth:
        assert math.isnan(closed.recall(confusion(*answers), 1))
        return
    expected = metrics.recall_score(truth, predicted, labels=[1], average=None)[0]
    assert closed.recall(confusion(*answers), 1) == pytest.approx(expected)


def test_matrices_are_taken_in_any_number(answers):
    one = confusion(*answers)
    many = np.stack([one, 2 * one])
    assert closed.macro_f1(many) == pytest.approx(np.repeat(closed.macro_f1(one), 2))
    assert closed.cohen_kappa(many[None]).shape == (1, 2)


def test_constant_and_equal_answers_have_no_kappa():
    always = np.zeros(5, dtype=int)
    assert math.isnan(closed.cohen_kappa(confusion(always, always)))
    assert closed.cohen_kappa(confusion(always, always + 1)) == 0


def test_nothing_has_no_figures():
    nothing = np.zeros((3, 3))
    for metric in (closed.accuracy, closed.macro_f1, closed.cohen_kappa, closed.start_accuracy):
        assert math.isnan(metric(nothing))


def test_calibration_error_of_one_bin_is_the_distance_from_confidence_to_hits():
    sums = closed.calibration_sums(
        np.zeros(4, dtype=int), np.full(4, 0.95), np.array([True, True, True, False]), groups=1
    )
    assert closed.calibration_error(sums) == pytest.approx([0.20])


def test_calibration_error_weighs_bins_by_labels():
    probability = np.array([0.55, 0.55, 0.55, 1.0])
    correct = np.array([True, False, False, True])
    sums = closed.calibration_sums(np.zeros(4, dtype=int), probability, correct, groups=1)
    assert closed.calibration_error(sums)[0] == pytest.approx(0.75 * (0.55 - 1 / 3))


def test_calibration_sums_are_kept_by_group():
    sums = closed.calibration_sums(np.array([0, 2]), np.array([0.0, 1.0]), np.array([True, True]), groups=3)
    assert sums[:, :, 0].sum(axis=1).tolist() == [1, 0, 1]


def _sums_of_groups(
    seed: int, *, too_sure_by: float = 0.0, together: bool = True, labels: int = 7
) -> closed.Floats:
    """Calibration sums of 40 groups of labels that hit or miss together, or each by itself."""
    generator = np.random.default_rng(seed)
    chance = np.repeat(generator.uniform(0.5, 0.9, size=40), labels)
    drawn = generator.random(40 if together else len(chance))
    hit = (np.repeat(drawn, labels) if together else drawn) < chance
    return closed.calibration_sums(np.repeat(np.arange(40), labels), chance + too_sure_by, hit, groups=41)


def _by_chance(sums: closed.Floats) -> float:
    return closed.calibration_error_by_chance(sums, draws=200, random_state=0)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("too_sure_by", "low", "high"), [(0.0, 0.9, 1.1), (0.099, 1.2, 3.0)])
def test_the_calibration_error_by_chance_is_that_of_probabilities_that_are_right(
    too_sure_by, low, high, together
):
    drawn = [_sums_of_groups(seed, too_sure_by=too_sure_by, together=together) for seed in range(100)]
    found = np.mean([closed.calibration_error(sums.sum(axis=0)) for sums in drawn])
    assert low < found / np.mean([_by_chance(sums) for sums in drawn]) < high


def test_labels_that_hang_together_leave_more_to_chance():
    assert _by_chance(_sums_of_groups(5)) > 1.5 * _by_chance(_sums_of_groups(5, together=False))


def test_a_single_group_says_nothing_about_chance():
    sums = closed.calibration_sums(np.array([1, 1]), np.array([0.6, 0.9]), np.array([True, False]), groups=3)
    assert np.isnan(_by_chance(sums))

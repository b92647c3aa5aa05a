"""The metric in DeepEval itself, with a scripted tracker; DeepEval's telemetry is off."""

from __future__ import annotations

import asyncio
import os
from contextlib import chdir
from tempfile import TemporaryDirectory

import pytest

# Read when DeepEval is imported, so before that; the import makes a folder in the working directory.
os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "1"
with TemporaryDirectory() as folder, chdir(folder):
    pytest.importorskip("deepeval", reason="needs goalstate[deepeval]")

from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.test_case import ConversationalTestCase, Turn

from tracker.errors import InputError
from tracker.integrations.deepeval import GoalStateMetric

TURNS = [
    Turn(role="user", content="hi, can my parcel go to my office instead?"),
    Turn(role="assistant", content="Sure. What is the order number?"),
    Turn(role="user", content="It is 4471, thank you."),
    Turn(role="assistant", content="Done."),
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """DeepEval writes into the working directory."""
    monkeypatch.chdir(tmp_path)


def case(goal=None, turns=TURNS, **fields):
    metadata = {} if goal is None else {"goal": goal}
    return ConversationalTestCase(turns=turns, additional_metadata=metadata, **fields)


def test_the_score_is_the_share_of_components_that_ended_well(goal, scripted):
    metric = GoalStateMetric(tracker=scripted)
    assert metric.measure(case(goal)) == metric.score == 0.5
    assert metric.score_breakdown == {
        "policy": 0.0,
        "objective": 1.0,
        "requirement": 0.0,
        "preference": 1.0,
    }
    assert metric.evaluation_model == "scripted"
    assert metric.track.statuses("rule") == ("ALIGNED", "MISALIGNED")


def test_the_reason_says_what_broke_when_and_how(goal, scripted):
    metric = GoalStateMetric(tracker=scripted)
    metric.measure(case(goal))
    assert "2 of 4 components" in metric.reason
    assert "rule MISALIGNED at turn 2" in metric.reason
    assert "It is 4471, thank you." in metric.reason


@pytest.mark.parametrize(("threshold", "passes"), [(0.5, True), (0.51, False)])
def test_a_case_passes_that_reaches_the_threshold(goal, scripted, threshold, passes):
    metric = GoalStateMetric(threshold, tracker=scripted)
    metric.measure(case(goal))
    assert metric.success is passes
    assert metric.is_successful() is passes


def test_measuring_asynchronously_gives_the_same(goal, scripted):
    metric = GoalStateMetric(tracker=scripted)
    assert asyncio.run(metric.a_measure(case(goal))) == metric.score == 0.5
    assert metric.success is True
    assert "rule MISALIGNED at turn 2" in metric.reason


def test_without_a_goal_the_scenario_and_the_user_are_the_goal(scripted):
    metric = GoalStateMetric(tracker=scripted)
    metric.measure(case(scenario="Cancel the order.", user_description="You are a nurse."))
    assert scripted.seen[0].goal.text == "You are a nurse.\n\nCancel the order."


def test_a_case_without_a_goal_is_an_error(scripted):
    metric = GoalStateMetric(tracker=scripted)
    with pytest.raises(InputError, match="goal"):
        metric.measure(case())
    assert "goal" in metric.error
    assert metric.is_successful() is False


def test_an_error_leaves_nothing_of_the_case_before(goal, scripted):
    metric = GoalStateMetric(tracker=scripted)
    metric.measure(case(goal))
    with pytest.raises(InputError, match="9000 tokens"):
        metric.measure(case(goal, turns=[Turn(role="user", content="too long")]))
    assert (metric.score, metric.reason, metric.success) == (None, None, False)
    assert metric.measure(case(goal)) == 0.5
    assert metric.error is None


@pytest.mark.parametrize("run_async", [True, False])
def test_deepeval_evaluates_with_it_and_loads_the_model_once(goal, scripted, monkeypatch, run_async):
    from tracker.tracking import GoalTracker

    loaded = []

    def load(model=None, **options):
        loaded.append(model)
        return scripted

    monkeypatch.setattr(GoalTracker, "load", load)
    result = evaluate(
        [case(goal), case(goal)],
        [GoalStateMetric(0.9, model="tiny.gguf")],
        async_config=AsyncConfig(run_async=run_async),
        display_config=DisplayConfig(show_indicator=False, print_results=False),
        cache_config=CacheConfig(write_cache=False, use_cache=False),
    )
    assert loaded == ["tiny.gguf"]
    assert [each.success for each in result.test_results] == [False, False]
    for each in result.test_results:
        (data,) = each.metrics_data
        assert (data.name, data.score, data.threshold) == ("Goal State", 0.5, 0.9)
        assert "rule MISALIGNED at turn 2" in data.reason


def test_an_unknown_decoder_is_refused_before_anything_is_measured():
    with pytest.raises(InputError, match="unknown decoder"):
        GoalStateMetric(decoder="twigs")


def test_no_telemetry_is_switched_on():
    from deepeval.telemetry import telemetry_opt_out

    assert telemetry_opt_out()

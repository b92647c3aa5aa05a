"""The scorer in real evals of Inspect, with a scripted agent and tracker."""

from __future__ import annotations

import json
import math

import pytest

pytest.importorskip("inspect_ai", reason="needs goalstate[inspect]")

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentImage,
    ContentReasoning,
    ContentText,
)
from inspect_ai.solver import solver
from inspect_ai.tool import ToolCall

from tracker.goal import Goal
from tracker.integrations.inspect_ai import goal_state_scorer
from tracker.tracked import read_tracks

ASKED = "hi, can my parcel go to my office instead?"
SAID = [
    ChatMessageSystem(content="You are the agent of a parcel service."),
    ChatMessageUser(content=ASKED),
    ChatMessageAssistant(content="Sure. What is the order number?"),
    ChatMessageUser(content="It is 4471, thank you."),
]


@solver
def agent():
    async def solve(state, generate):
        # Not generate(): to count tokens, even the mock model fetches a vocabulary.
        state.messages.append(ChatMessageAssistant(content="Done."))
        return state

    return solve


@pytest.fixture
def run(tmp_path, scripted):
    """Runs an eval over samples, at the end of which the agent says ``Done.``"""

    def run(*samples, options=None, **eval_options):
        options = {"tracker": scripted} | (options or {})
        task = Task(dataset=list(samples), solver=agent(), scorer=goal_state_scorer(**options))
        return eval(
            task,
            model="mockllm/model",
            log_dir=str(tmp_path),
            display="none",
            **eval_options,
        )[0]

    return run


def only_score(log):
    assert log.status == "success", log.error
    return log.samples[0].scores["goal_state_scorer"]


def metrics(log):
    return {name: each.value for score in log.results.scores for name, each in score.metrics.items()}


def test_the_score_is_the_share_of_components_that_ended_well(run, goal):
    log = run(Sample(input=SAID, metadata={"goal": goal}))
    assert only_score(log).value == 0.5
    assert metrics(log)["mean"] == 0.5


def test_what_broke_is_said_with_the_turn_and_the_words(run, goal):
    score = only_score(run(Sample(input=SAID, metadata={"goal": goal})))
    assert score.answer == "rule MISALIGNED at turn 2; when INCOMPLETE to the end"
    assert "2 of 4 components" in score.explanation
    assert "Do not thank the agent." in score.explanation
    assert "It is 4471, thank you." in score.explanation


def test_each_category_gets_its_mean_over_the_samples_that_have_it(run, goal):
    rule_only = {"components": goal["components"][:1]}
    short = Sample(input=SAID[:2], metadata={"goal": rule_only})
    found = metrics(run(Sample(input=SAID, metadata={"goal": goal}), short, epochs=2))
    assert found["policy"] == 0.5
    assert (found["objective"], found["requirement"], found["preference"]) == (1.0, 0.0, 1.0)
    assert "profile" not in found


def test_the_states_after_every_turn_are_kept_as_goalstate_itself_writes_them(run, goal, tmp_path):
    score = only_score(run(Sample(id="parcel", input=SAID, metadata={"goal": goal})))
    path = tmp_path / "tracked.jsonl"
    path.write_text(json.dumps(score.metadata["track"]) + "\n")
    (tracked,) = read_tracks(path)
    assert tracked.track.id == "parcel"
    assert tracked.track.goal == Goal.model_validate(goal)
    assert [state["rule"].status for state in tracked.track.states] == ["ALIGNED", "MISALIGNED"]
    assert tracked.tracker["model"] == "scripted"


def test_only_what_the_user_wrote_and_saw_is_tracked(run, goal, scripted):
    call = ToolCall(id="1", function="find", arguments={})
    seen = [
        ChatMessageSystem(content="You are the agent."),
        ChatMessageUser(content=[ContentText(text=ASKED), ContentImage(image="data:image/png;base64,AAAA")]),
        ChatMessageAssistant(content="", tool_calls=[call]),
        ChatMessageTool(content="order 4471", tool_call_id="1", function="find"),
        ChatMessageAssistant(content=[ContentReasoning(reasoning="hm"), ContentText(text="Found it.")]),
        ChatMessageUser(content="Good. ###STOP###"),
    ]
    only_score(run(Sample(input=seen, metadata={"goal": goal})))
    (conversation,) = scripted.seen
    assert [(str(message.role), message.content) for message in conversation.messages] == [
        ("user", f"{ASKED}\n[image]"),
        ("assistant", "Found it."),
        ("user", "Good."),
        ("assistant", "Done."),
    ]


@pytest.mark.parametrize(
    "given", ["Cancel the order. Do not give your name.", '{"text": "Cancel the order."}']
)
def test_a_goal_may_be_free_text_or_json_in_a_text_under_any_key(run, scripted, given):
    only_score(run(Sample(input=SAID, metadata={"task": given}), options={"goal": "task"}))
    assert any(component.text.startswith("Cancel the order") for component in scripted.seen[0].goal)


def test_a_conversation_that_is_too_long_stays_unscored_and_counts_for_nothing(run, goal):
    long = Sample(id="long", input="too long", metadata={"goal": goal})
    log = run(long, Sample(id="short", input=SAID, metadata={"goal": goal}))
    assert log.status == "success"
    score = next(each for each in log.samples if each.id == "long").scores["goal_state_scorer"]
    assert math.isnan(score.value)
    assert "9000 tokens" in score.explanation
    assert metrics(log)["mean"] == 0.5


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "metadata.goal: missing"),
        ({"goal": {"components": []}}, "no components"),
        ({"goal": {"components": [{"id": "a", "category": "wish", "text": "b"}]}}, "components[0].category"),
        ({"goal": '{"components": ['}, "broken JSON"),
    ],
)
def test_a_sample_without_a_proper_goal_is_an_error(run, metadata, said):
    log = run(Sample(input=SAID, metadata=metadata))
    assert log.status == "error"
    assert said in log.error.message


def test_the_model_is_loaded_at_the_first_sample_and_once(run, goal, scripted, monkeypatch):
    from tracker.tracking import GoalTracker

    loaded = []

    def load(model=None, **options):
        loaded.append((model, options))
        return scripted

    monkeypatch.setattr(GoalTracker, "load", load)
    options = {"tracker": None, "model": "tiny.gguf", "threads": 2}
    samples = [Sample(input=SAID, metadata={"goal": goal}) for _ in range(3)]
    log = run(*samples, options=options)
    assert log.status == "success"
    assert loaded == [("tiny.gguf", {"decoder": "branches", "threads": 2})]
    assert len(scripted.seen) == 3

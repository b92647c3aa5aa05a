"""Tracking without a language model: the shipped opinions, calibrations of their own, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracker.cli import cli
from tracker.conversation import Conversation
from tracker.errors import InputError, ModelError
from tracker.formats import read
from tracker.goal import Status
from tracker.resources import models_dir
from tracker.state import Track
from tracker.tracking import GoalTracker

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    found = [one for file in sorted(EXAMPLES.glob("*.jsonl")) for one in read(file)]
    assert len(found) > 3
    return [one for one in found if isinstance(one, Conversation)]


@pytest.fixture(scope="module", params=["words", "encoder"])
def modelless(request: pytest.FixtureRequest) -> GoalTracker:
    return GoalTracker.load(decoder=request.param)


def test_the_examples_come_out_much_as_labelled(
    modelless: GoalTracker, conversations: list[Conversation]
) -> None:
    same = [
        state[component.id].status is label
        for conversation, track in [(one, modelless.track(one)) for one in conversations]
        for component in conversation.goal
        for state, label in zip(track.states, conversation.labelled_statuses(component.id), strict=True)
    ]
    starts = [
        component.start is label
        for conversation in conversations
        for component in conversation.goal
        for label in conversation.labelled_statuses(component.id)
    ]
    assert sum(same) / len(same) > 0.85 > sum(starts) / len(starts)


@pytest.mark.parametrize(
    ("decoder", "unwanted"),
    [
        ("words", ("llama_cpp", "torch", "gguf", "tokenizers")),
        ("encoder", ("llama_cpp", "torch", "gguf", "huggingface_hub")),
    ],
)
def test_no_language_model_is_loaded_or_even_imported(decoder: str, unwanted: tuple[str, ...]) -> None:
    script = (
        "import sys; from tracker.tracking import GoalTracker\n"
        f"tracker = GoalTracker.load(decoder={decoder!r})\n"
        f"print(tracker.describe()['model'], [m for m in {unwanted!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    name, *imported = done.stdout.split()
    assert name.startswith("lexical-")
    assert imported == ["[]"]


def test_sessions_are_copied_and_go_on_by_themselves(
    modelless: GoalTracker, conversations: list[Conversation]
) -> None:
    conversation = conversations[0]
    whole = modelless.track(conversation).states
    with modelless.start(conversation.goal, opening=conversation.opening) as session:
        for turn in conversation.turns[:-1]:
            session.update(turn.user, turn.assistant)
        aside = session.copy()
        aside.update("Never mind all that!", "As you wish.")
        last = conversation.turns[-1]
        assert session.update(last.user, last.assistant) == whole[-1] != aside.state


def test_many_come_out_as_one_by_one(modelless: GoalTracker, conversations: list[Conversation]) -> None:
    one_by_one = [modelless.track(conversation) for conversation in conversations]
    assert list(modelless.track_many(conversations, workers=1, together=3)) == one_by_one
    for ours, theirs in zip(modelless.track_many(conversations, workers=2), one_by_one, strict=True):
        assert isinstance(ours, Track)
        assert (ours.id, ours.goal) == (theirs.id, theirs.goal)
        for state, expected in zip(ours.states, theirs.states, strict=True):
            assert state.turn == expected.turn
            assert {name: state[name].status for name in state} == {
                name: expected[name].status for name in expected
            }
            # Workers have fewer threads each, and a matrix product is added up in another order by them.
            assert [state[name].probability for name in state] == pytest.approx(
                [expected[name].probability for name in expected], abs=1e-5
            )


def test_one_thread_is_one_process(conversations: list[Conversation]) -> None:
    turns: list[None] = []
    with GoalTracker.load(decoder="words", threads=1) as tracker:
        list(tracker.track_many(conversations, turn_done=lambda: turns.append(None)))
    # Turns are told by this process alone, not by workers.
    assert len(turns) == sum(len(conversation.turns) for conversation in conversations)


def test_a_conversation_may_have_any_length(modelless: GoalTracker, conversation: Conversation) -> None:
    with modelless.start(conversation.goal) as session:
        for _ in range(3):
            state = session.update("Send it on Friday. " * 2000, "Done, it is sent on Friday. " * 2000)
        assert state["when"].status is Status.COMPLETE


@pytest.mark.parametrize("decoder", ["words", "encoder"])
def test_a_model_beside_it_is_refused(tmp_path: Path, decoder: str) -> None:
    with pytest.raises(InputError, match=f"'{decoder}' takes no model"):
        GoalTracker.load(tmp_path / "model.gguf", decoder=decoder)


@pytest.mark.parametrize("missing", ["lexical.npz", "encoder.npz", "calibration-encoder.json"])
def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    shipped = models_dir()
    assert shipped is not None
    for name in {"lexical.npz", "encoder.npz", "calibration-encoder.json"} - {missing}:
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    monkeypatch.setattr("tracker.modelless.models_dir", lambda: tmp_path)
    with pytest.raises(ModelError, match=rf"{missing} is missing") as caught:
        GoalTracker.load(decoder="encoder")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("decoder", ["words", "encoder"])
def test_the_command_line_tracks_without_a_model(decoder: str) -> None:
    example = str(EXAMPLES / "hotel-booking.jsonl")
    result = CliRunner().invoke(cli, ["track", example, "--decoder", decoder])
    assert result.exit_code == 0
    assert "COMPLETE" in result.output
    result = CliRunner().invoke(cli, ["track", example, "--decoder", decoder, "--model", "some.gguf"])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1

"""Tracking by words alone: the shipped lexical model, its own calibration, and no language model at all."""

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
from tracker.tracking import GoalTracker

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    found = [one for file in sorted(EXAMPLES.glob("*.jsonl")) for one in read(file)]
    assert len(found) > 3
    return [one for one in found if isinstance(one, Conversation)]


@pytest.fixture(scope="module")
def words() -> GoalTracker:
    return GoalTracker.load(decoder="words")


def test_the_examples_come_out_much_as_labelled(
    words: GoalTracker, conversations: list[Conversation]
) -> None:
    same = [
        state[component.id].status is label
        for conversation in conversations
        for component in conversation.goal
        for state, label in zip(
            words.track(conversation).states, conversation.labelled_statuses(component.id), strict=True
        )
    ]
    starts = [
        component.start is label
        for conversation in conversations
        for component in conversation.goal
        for label in conversation.labelled_statuses(component.id)
    ]
    assert sum(same) / len(same) > 0.85 > sum(starts) / len(starts)


def test_no_language_model_is_loaded_or_even_imported() -> None:
    script = (
        "import sys; from tracker.tracking import GoalTracker\n"
        "tracker = GoalTracker.load(decoder='words')\n"
        "print(tracker.describe()['model'], [m for m in ('llama_cpp', 'torch', 'gguf') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    name, *imported = done.stdout.split()
    assert name.startswith("lexical-")
    assert imported == ["[]"]


def test_sessions_are_copied_and_go_on_by_themselves(
    words: GoalTracker, conversations: list[Conversation]
) -> None:
    conversation = conversations[0]
    whole = words.track(conversation).states
    with words.start(conversation.goal, opening=conversation.opening) as session:
        for turn in conversation.turns[:-1]:
            session.update(turn.user, turn.assistant)
        aside = session.copy()
        aside.update("Never mind all that!", "As you wish.")
        last = conversation.turns[-1]
        assert session.update(last.user, last.assistant) == whole[-1] != aside.state


def test_many_come_out_as_one_by_one(words: GoalTracker, conversations: list[Conversation]) -> None:
    one_by_one = [words.track(conversation) for conversation in conversations]
    for workers, together in ((1, 3), (2, 1)):
        assert list(words.track_many(conversations, workers=workers, together=together)) == one_by_one


def test_a_conversation_may_have_any_length(words: GoalTracker, conversation: Conversation) -> None:
    with words.start(conversation.goal) as session:
        for _ in range(3):
            state = session.update("Send it to the office on Friday. " * 2000, "Done. " * 2000)
        assert state["when"].status is Status.COMPLETE


def test_a_model_beside_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'words' takes no model"):
        GoalTracker.load(tmp_path / "model.gguf", decoder="words")


@pytest.mark.parametrize("missing", ["lexical.npz", "calibration-words.json"])
def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    shipped = models_dir()
    assert shipped is not None
    for name in {"lexical.npz", "calibration-words.json"} - {missing}:
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    monkeypatch.setattr("tracker.modelless.models_dir", lambda: tmp_path)
    with pytest.raises(ModelError, match=rf"{missing} is missing") as caught:
        GoalTracker.load(decoder="words")
    assert "\n" not in str(caught.value)


def test_the_command_line_tracks_by_words() -> None:
    example = str(EXAMPLES / "hotel-booking.jsonl")
    result = CliRunner().invoke(cli, ["track", example, "--decoder", "words"])
    assert result.exit_code == 0
    assert "COMPLETE" in result.output
    result = CliRunner().invoke(cli, ["track", example, "--decoder", "words", "--model", "some.gguf"])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1

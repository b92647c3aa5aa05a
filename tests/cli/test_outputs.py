"""No command writes over what it reads, under whatever name, nor over lines of a stopped run unsaid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from native_samples import line

Run = Callable[..., Result]

TRACK = {
    "id": "c-1",
    "goal": line()["goal"],
    "turns": [
        {
            "turn": turn,
            "state": {
                "polite": {"status": "ALIGNED", "probability": 0.9},
                "book": {"status": "INCOMPLETE", "probability": 0.9},
                "two": {"status": "INCOMPLETE", "probability": 0.9},
            },
        }
        for turn in (1, 2)
    ],
}
FILES = {
    "in.jsonl": line(),
    "goal.json": line()["goal"],
    "tracks.csv": TRACK,
    "model.gguf": {},
    "out.jsonl.partial": line(),
}
JUDGE = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in FILES.items():
        (tmp_path / name).write_text(json.dumps(value) + "\n")
    (tmp_path / "linked.jsonl").symlink_to("in.jsonl")
    (tmp_path / "hard.jsonl").hardlink_to("in.jsonl")
    (tmp_path / "round.jsonl").symlink_to("round.jsonl")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["track", "in.jsonl"], "linked.jsonl"),
        (["track", "in.jsonl"], "hard.jsonl"),
        (["track", "in.jsonl", "--goal", "goal.json"], "goal.json"),
        (["track", "in.jsonl", "--model", "model.gguf"], "model.gguf"),
        (["track", "out.jsonl.partial"], "out.jsonl"),
        (["annotate", "in.jsonl", "--force"], "in.jsonl"),
        (["annotate", "in.jsonl", "--force", "--goal", "goal.json"], "goal.json"),
        (["decompose", "out.jsonl.partial"], "out.jsonl"),
        (["audit", "in.jsonl", "--goal", "goal.json"], "goal.json"),
        (["audit", "in.jsonl", "--tracked", "tracks.csv"], "tracks.csv"),
        (["audit", "out.jsonl.partial"], "out.jsonl"),
        (["report", "in.jsonl", "--goal", "goal.json"], "goal.json"),
        (["report", "tracks.csv", "--conversations", "out.jsonl.partial"], "out.jsonl"),
        (["export", "tracks.csv", "--conversations", "in.jsonl"], "tracks.csv"),
        (["judge", "in.jsonl", "--goal", "goal.json", *JUDGE], "goal.json"),
        (["judge", "out.jsonl.partial", *JUDGE], "out.jsonl"),
        (["simulate", "--user", "model.gguf"], "model.gguf"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else value,
)
def test_no_input_is_written_over(goalstate: Run, folder: Path, arguments: list[str], output: str) -> None:
    if arguments[0] == "judge":
        pytest.importorskip("openai")
    before = {path.name for path in folder.iterdir()}
    result = goalstate(*arguments, "--output", output)
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"goalstate: error: {output}: ")
    assert "an input" in error
    assert {path.name for path in folder.iterdir()} == before
    assert all(json.loads((folder / name).read_text()) == value for name, value in FILES.items())


@pytest.mark.parametrize(
    "arguments",
    [
        ["track", "in.jsonl"],
        ["annotate", "in.jsonl"],
        ["audit", "in.jsonl", "--tracked", "tracks.csv"],
        ["simulate", "--user", "scripted", "--steer", "none"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_links_that_lead_round_in_a_circle_are_one_line(
    goalstate: Run, folder: Path, arguments: list[str]
) -> None:
    result = goalstate(*arguments, "--output", "round.jsonl")
    assert result.exit_code == 2
    assert result.stderr == ("goalstate: error: round.jsonl: its symbolic links lead round in a circle\n")
    assert (folder / "round.jsonl").is_symlink()


def test_lines_of_a_stopped_run_are_spoken_of_before_they_are_replaced(goalstate: Run, folder: Path) -> None:
    result = goalstate("simulate", "--user", "scripted", "--steer", "none", "--output", "out.jsonl")
    assert result.exit_code == 0
    assert "out.jsonl.partial, left by a run that was stopped, will be replaced" in result.stderr


@pytest.mark.parametrize("command", ["track", "annotate"])
def test_tracks_in_the_place_of_conversations(goalstate: Run, folder: Path, command: str) -> None:
    result = goalstate(command, "tracks.csv", "--output", "new")
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert "these are tracks; give them with --tracked" in error
    assert not (folder / "new").exists()

"""``goalstate decompose``: what it writes can be read, corrected and tracked with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from native_samples import line

from tracker.decomposition import learned_weights
from tracker.formats import read
from tracker.goal import Goal

Run = Callable[..., Result]
File = Callable[..., Path]

GOAL = "You want to book a table for two. Never shout.\n"


def test_a_text_becomes_a_goal_that_track_takes(goalstate: Run, file: File, tmp_path: Path) -> None:
    text = file(GOAL, name="goal.txt")
    result = goalstate("decompose", text)
    assert result.exit_code == 0, result.output
    goal = Goal.model_validate_json(result.stdout)
    assert goal.text == GOAL.strip()
    assert [(c.id, c.text) for c in goal] == [
        ("objective-1", "You want to book a table for two."),
        ("policy-1", "Never shout."),
    ]
    corrected = tmp_path / "goal.json"
    assert goalstate("decompose", text, "--output", corrected).stdout.strip() == str(corrected)
    corrected.write_text(corrected.read_text().replace("Never shout.", "Never swear."))
    tracked = goalstate("track", file(line(), name="c.jsonl"), "--goal", corrected)
    assert tracked.exit_code == 0, tracked.output
    assert "Never swear." in tracked.stdout


def test_the_text_of_a_goal_in_json_is_split_anew(goalstate: Run, file: File) -> None:
    goal = {"text": GOAL, "components": [{"id": "x", "category": "policy", "text": "Old."}]}
    result = goalstate("decompose", file(json.dumps(goal, indent=1)), "--decomposer", "rules")
    assert [c.id for c in Goal.model_validate_json(result.stdout)] == ["objective-1", "policy-1"]


def test_conversations_become_native_ones_with_their_goals_split(
    goalstate: Run, file: File, tmp_path: Path
) -> None:
    output = tmp_path / "split.jsonl"
    result = goalstate("decompose", file(line("a"), line("b")), "--output", output)
    assert result.exit_code == 0, result.output
    first, second = read(output)
    assert (first.id, second.id) == ("a", "b")  # type: ignore[union-attr]
    assert [c.id for c in first.goal] == ["objective-1", "policy-1"]  # type: ignore[union-attr]
    assert first.labels is None  # type: ignore[union-attr]


def test_a_conversation_without_a_text_is_passed_over(goalstate: Run, file: File) -> None:
    silent = line("b")
    del silent["goal"]["text"]
    result = goalstate("decompose", file(line("a"), silent))
    assert result.exit_code == 1
    assert "passed over" in result.stderr
    assert "'b' has no goal text to split" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_the_splits_are_compared_with_the_components_of_a_file(goalstate: Run, file: File) -> None:
    result = goalstate("decompose", "--evaluate", "--json", file(line("a"), line("b")))
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["decomposers"]
    assert set(found) == {"rules", "sentences"} | ({"learned"} if learned_weights() else set())
    # Both conversations have the same goal, which counts once.
    assert found["rules"]["goals"] == 1
    assert found["rules"]["components"] == 3
    table = goalstate("decompose", "--evaluate", file(line()))
    assert "1 goal, 3 components" in table.stdout
    assert "rules" in table.stdout


def test_a_goal_that_is_only_a_text_is_no_truth_to_compare_with(goalstate: Run, file: File) -> None:
    free = {**line("b"), "goal": GOAL, "labels": None}
    alone = goalstate("decompose", "--evaluate", file(free))
    assert alone.exit_code == 2
    assert "no goal has a text and components" in alone.stderr
    assert "1 goal, 3 components" in goalstate("decompose", "--evaluate", file(free, line())).stdout


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "the file is empty"),
        ('{"text": " "}', "text: missing or empty"),
        ('{"text": 3}', "text: missing or empty"),
        ('{"texts": "Buy."}', "the format is not known"),
        ('{"text": "Buy', "broken JSON"),
    ],
)
def test_a_file_without_a_goal_is_an_error_of_one_line(
    goalstate: Run, file: File, content: str, complaint: str
) -> None:
    result = goalstate("decompose", file(content))
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_input_is_not_overwritten(goalstate: Run, file: File) -> None:
    text = file(GOAL, name="goal.txt")
    result = goalstate("decompose", text, "--output", text)
    assert result.exit_code == 2
    assert "would take the place of an input" in result.stderr
    assert text.read_text().strip() == GOAL.strip()


def test_options_of_the_evaluation_go_with_it(goalstate: Run, file: File) -> None:
    text = file(GOAL, name="goal.txt")
    assert goalstate("decompose", text, "--json").exit_code == 2
    assert goalstate("decompose", "--evaluate", text, "--output", "x").exit_code == 2


def test_several_goals_are_all_split_one_a_line(goalstate: Run, file: File) -> None:
    result = goalstate(
        "decompose", file({"text": GOAL}, {"texts": "Buy."}, {"text": "You want to sell a car."})
    )
    assert result.exit_code == 1
    assert [Goal.model_validate_json(line).text for line in result.stdout.splitlines()] == [
        GOAL.strip(),
        "You want to sell a car.",
    ]
    (report,) = result.stderr.splitlines()
    assert report.startswith("goalstate: passed over: ")
    assert ":2: expected an object with the text of a goal" in report


@pytest.mark.parametrize("bad", [json.dumps({"text": "Half \ud83d of it."}), b'{"text": "caf\xe9"}'])
def test_a_line_that_cannot_be_read_is_passed_over_with_its_number(
    goalstate: Run, file: File, bad: str | bytes
) -> None:
    for good in ({"text": GOAL}, line("a")):
        result = goalstate("decompose", file(good, bad if "text" in good else _native_with(bad)))
        assert result.exit_code == 1
        assert len(result.stdout.splitlines()) == 1
        (said,) = result.stderr.splitlines()
        assert "in.jsonl:2: " in said


def _native_with(bad: str | bytes) -> str | bytes:
    if isinstance(bad, bytes):
        return bad
    return json.dumps(line("b") | {"goal": json.loads(bad) | {"components": line()["goal"]["components"]}})


def test_a_pipe_is_written_to(process: Callable[..., subprocess.Popen[str]], file: File) -> None:
    run = process("decompose", file(GOAL, name="goal.txt"), "--output", "/dev/stdout")
    written, said = run.communicate(timeout=60)
    assert run.returncode == 0, said
    assert '"Never shout."' in written

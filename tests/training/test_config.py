"""What is wrong with a run's configuration is said in one line that names the file and the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracker.errors import InputError
from training.config import read_config

GOOD = 'output = "out"\ntrain = ["train.jsonl"]\nvalidation = "validation.jsonl"\npasses = 10\n'


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(GOOD)
    config = read_config(path)
    assert (config.passes, config.weak_passes, config.base) == (10, 0, None)
    assert config.train == [Path("train.jsonl")]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD + "rnak = 8\n", "rnak"),
        (GOOD.replace("passes = 10", "passes = 0"), "passes"),
        (GOOD.replace('validation = "validation.jsonl"\n', ""), "validation"),
        (GOOD + 'frozen = "many"\n', "frozen"),
        (GOOD + "rank = \n", "line 5"),
        (GOOD + "batch = 3\n", "evaluate_every"),
        (GOOD + "evaluate_conversations = 0\n", "evaluate_conversations"),
        (GOOD + "recast = -1\n", "recast"),
        (GOOD + "made_weight = 0.0\n", "made_weight"),
        (GOOD + "dropout = 1.0\n", "dropout"),
        (GOOD + "label_smoothing = 1.5\n", "label_smoothing"),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert "run.toml" in str(caught.value)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_config(tmp_path / "none.toml")
    assert "none.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_says_only_what_differs_from_the_one_that_it_is_like(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "run.toml").write_text(GOOD + "rank = 8\n")
    (tmp_path / "runs" / "next.toml").write_text('like = "../run.toml"\noutput = "next"\npasses = 20\n')
    (tmp_path / "runs" / "last.toml").write_text('like = "next.toml"\noutput = "last"\n')
    config = read_config(tmp_path / "runs" / "last.toml")
    assert (config.output, config.passes, config.rank) == (Path("last"), 20, 8)


@pytest.mark.parametrize(
    ("like", "named"), [("none.toml", "none.toml"), ("run.toml", "like"), ("other.toml", "like")]
)
def test_a_file_can_be_like_one_that_is_there_and_not_like_itself(
    tmp_path: Path, like: str, named: str
) -> None:
    path = tmp_path / "run.toml"
    path.write_text(f'like = "{like}"\n' + GOOD)
    (tmp_path / "other.toml").write_text('like = "run.toml"\n')
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)

"""The simulated user's card: what it says comes from the files it is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.user_card import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = tmp_path / "user"
    models.mkdir()
    manifest = {
        "base": {"name": "small-base", "sha256": "b" * 64, "license": "apache-2.0"},
        "adapter": {"sha256": "a" * 64, "bytes": 3 * 2**20, "rank": 8, "alpha": 16.0},
        "quantisation": "Q8_0",
        "training": {
            "date": "2026-01-02",
            "commit": "c" * 40,
            "passes": 40,
            "config": {"rank": 8},
            "data": [{"file": "written/train.jsonl", "sha256": "d" * 64}],
        },
    }
    (models / "manifest.json").write_text(json.dumps(manifest))
    run = tmp_path / "run"
    run.mkdir()
    rows = [
        {"time": 60.0, "passes": 20, "loss": 3.0, "tokens_per_second": 100.0},
        {"time": 70.0, "passes": 20, "validation": 2.75},
        {"time": 120.0, "passes": 40, "loss": 2.0, "tokens_per_second": 100.0},
        {"time": 130.0, "passes": 40, "validation": 2.5},
    ]
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_the_card_holds_what_the_files_hold(folder: Path) -> None:
    cell = {"value": 0.5, "interval": [0.4, 0.6]}
    steered = {
        "value": 0.75,
        "interval": [0.7, 0.8],
        "difference": 0.25,
        "difference interval": [0.2, 0.3],
    }
    figures = {"goals": 12, "figures": {"success, average": {"none": cell, "plan": steered}}}
    (folder / "steering.json").write_text(json.dumps(figures))
    made = main(
        [
            *(str(folder / "user"), "--run", str(folder / "run")),
            *("--steering", str(folder / "steering.json"), "--watts", "60"),
        ]
    )
    assert made == 0
    card = (folder / "user" / "README.md").read_text()
    assert "3.0 MB (rank 8" in card
    assert "12 goals" in card
    assert (
        "| success, average | 0.500 (0.40 to 0.60) | 0.750 (0.70 to 0.80), +0.250 (+0.20 to +0.30) |" in card
    )
    assert "2.75 (20), 2.50 (40)" in card
    # 20 passes took a minute each time, at 60 W.
    assert "2 min on" in card
    assert "0.00 kWh" in card
    assert "`cccccccccccc`" in card


def test_figures_of_another_kind_are_one_clear_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "steering.json").write_text('{"goals": "many"}')
    arguments = [str(folder / "user"), "--run", str(folder / "run")]
    assert main([*arguments, "--steering", str(folder / "steering.json")]) == 2
    assert "goals" in capsys.readouterr().err

"""The picture of a run is drawn from its log, finished or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="needs the train extra: matplotlib")

from training.curve import draw

STEPS = [{"time": 20.0 * n, "passes": 20 * n, "loss": 1.0 / n} for n in (1, 2, 3)]
FIGURE = {"accuracy": 0.8, "kappa": 0.4}
CHECK = {"time": 70.0, "passes": 60, "validation": {"policy": FIGURE, "average": FIGURE}}


@pytest.mark.parametrize("rows", [[*STEPS, CHECK], STEPS], ids=["evaluated", "not yet evaluated"])
def test_a_log_is_drawn(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    log, picture = tmp_path / "log.jsonl", tmp_path / "curve.png"
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    draw(log, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")

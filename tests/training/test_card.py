"""The model card is written from a run's own files, and says what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fixture_types import WriteNative

pytest.importorskip("matplotlib", reason="needs the train extra: matplotlib")

from tracker.agreement import evaluate
from tracker.conversation import Conversation
from tracker.errors import InputError
from training.baselines import StartStatus
from training.baselines import main as baselines
from training.card import main, write_card
from training.effort import effort

MANIFEST: dict[str, Any] = {
    "base": {"name": "SmolLM2-135M-Instruct", "sha256": "b" * 64, "license": "apache-2.0"},
    "adapter": {"sha256": "a" * 64, "bytes": 10 * 2**20, "rank": 16, "alpha": 32.0},
    "quantisation": "Q8_0",
    "training": {
        "date": "2025-01-31",
        "commit": None,
        "passes": 1234,
        "config": {"frozen": 18, "learning_rate": 0.001},
        "data": [{"file": "written/train.jsonl", "use": "judged labels", "sha256": "d" * 64}],
        "effort": {"seconds": 7200.0, "tokens": 720_000.0},
    },
}


def _step(passes: int, time: float, *, tokens: float = 100.0) -> dict[str, Any]:
    return {
        "time": time,
        "passes": passes,
        "judged": True,
        "loss": 0.5,
        "rate": 0.001,
        "tokens_per_second": tokens,
        "passes_per_second": 0.2,
    }


def _log(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    return folder


@pytest.fixture
def figures(tmp_path: Path, boats: Conversation, lamps: Conversation) -> Path:
    """What ``goalstate evaluate --json`` says of a tracker that never moves."""
    found = evaluate([boats, lamps], map(StartStatus().track, [boats, lamps]), resamples=20)
    tracker = {"version": "0.1.0", "model": f"Base+{'a' * 12}.Q8_0", "decoder": "branches"}
    path = tmp_path / "figures.json"
    result = {"file": "/home/ana/data/written/test.jsonl", "tracker": tracker, "passed_over": 0}
    path.write_text(json.dumps({**result, **found.as_json()}))
    return path


def test_a_card_says_what_the_files_say(models: Path, figures: Path) -> None:
    card = write_card(models, figures=[figures], watts=50).read_text(encoding="utf-8")
    assert "10.0 MB (rank 16" in card
    assert "### written/test.jsonl" in card
    assert "2 conversations, 9 components, 33 labels" in card
    assert "| profile | 4 | 0.500 | 0.917 | 0.500 |" in card.replace(" (0.500–0.500)", "")
    assert "profile (0.500 against 0.917)" in card
    # Of a tracker that never moves.
    assert "| written/test.jsonl | kappa, objective | ≥ 0.80 | 0.000 | no |" in card
    assert "| written/test.jsonl | recall of ATTEMPTED | ≥ 0.75 | 0.000 | no |" in card
    assert re.search(
        r"calibration error \| ≤ 0\.05 \| 0\.\d{3} \(0\.\d{3} were every probability right\) \| no", card
    )
    assert "| written/train.jsonl | judged labels | `dddddddddddd` |" in card
    assert "Passes: 1234." in card
    assert "| `learning_rate` | `0.001` |" in card
    # 7,200 seconds at 100 tokens a second and 50 W.
    assert "2 h 0 min on two shared CPU cores, about 0.7 million tokens read (100 a second)" in card
    assert "50 W" in card
    assert "0.10 kWh" in card
    assert "Apache-2.0" in card
    assert "$" not in card
    assert "/home/ana" not in card


def test_a_run_that_began_with_another_shows_both(models: Path, figures: Path) -> None:
    earlier = {**MANIFEST["training"], "passes": 56, "config": {"frozen": 18, "learning_rate": 0.002}}
    later = {
        **MANIFEST["training"],
        "config": {"frozen": 18, "learning_rate": 0.001, "missed": 0.5},
        "data": [*earlier["data"], {"file": "judged/more.jsonl", "use": "judged labels", "sha256": "e" * 64}],
        "start": {name: earlier[name] for name in ("passes", "config", "data")},
    }
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": later}))
    card = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "Passes: 56 and then 1234." in card
    assert "| argument | run 1 | run 2 |" in card
    assert "| `learning_rate` | `0.002` | `0.001` |" in card
    assert "| `missed` |  | `0.5` |" in card
    later["beside"] = [{"passes": 78, "config": {}, "data": []}]
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": later}))
    averaged = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "Passes: 56 and then 1234, averaged with a run of 78." in averaged
    assert "| run 2 | run 3 |" in averaged
    later["beside"] = [later["start"]]
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": later}))
    averaged = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "Passes: 56 and then 1234, averaged with the run before it." in averaged
    assert "run 3" not in averaged
    later["start"]["start"] = {"passes": 12, "config": {}, "data": []}
    later["beside"] = [later["start"], later["start"]["start"]]
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": later}))
    averaged = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "Passes: 12 and then 56 and then 1234, averaged with the 2 runs before it." in averaged
    later["beside"] = [later["start"]["start"]]
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": later}))
    averaged = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "Passes: 12 and then 56 and then 1234, averaged with a run of 12." in averaged
    assert card.count("| written/train.jsonl | judged labels |") == 1
    assert "| judged/more.jsonl | judged labels | `eeeeeeeeeeee` |" in card


def test_every_set_has_a_small_picture(models: Path, figures: Path) -> None:
    card = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    picture = models / "confusion-written-test.png"
    assert f"]({picture.name})" in card
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 60_000
    assert sorted(path.name for path in models.iterdir()) == ["README.md", picture.name, "manifest.json"]


def test_calibration_and_simpler_ways_are_shown_where_they_are(
    models: Path,
    figures: Path,
    boats: Conversation,
    lamps: Conversation,
    write_native: WriteNative,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bare = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "Calibration\n" not in bare
    assert "simpler ways" not in bare

    part = {
        "temperature": 1.25,
        "beside": {"lexical": 0.75},
        "bias": {"COMPLETE": -0.5},
        "threshold": {"ATTEMPTED": 0.4},
        "certainty": {"COMPLETE": 0.6},
    }
    (models / "calibration.json").write_text(json.dumps({"categories": {"objective": part}}))
    written = models.parent / "written"
    written.mkdir()
    file = str(write_native(written / "test.jsonl", [boats, lamps]))
    assert baselines(["--train", file, file, "--json"]) == 0
    ways = models.parent / "ways.json"
    ways.write_text(capsys.readouterr().out)

    given = [str(models), "--figures", str(figures), "--baselines", str(ways)]
    assert main(given) == 0
    card = (models / "README.md").read_text(encoding="utf-8")
    assert "| objective | 1.250 | 0.750 | 0.000 | COMPLETE -0.50 | ATTEMPTED 0.40 | COMPLETE 0.60 |" in card
    compared = card.partition("### Against simpler ways")[2].splitlines()
    rows = [line.split(" | ")[1] for line in compared if line.startswith("| written/test.jsonl | ")]
    assert rows[0] == "start status"
    assert rows[-1] == "**this model**"

    # The manifest has what was measured, and a card can be written again without the baselines.
    measured = json.loads((models / "manifest.json").read_text())["figures"]
    assert measured["sets"][0]["categories"]["objective"]["kappa"] == 0
    assert [way["way"] for way in measured["ways"]] == rows[:-1]
    assert main(given[:-2]) == 0
    assert (models / "README.md").read_text(encoding="utf-8") == card


def test_pauses_are_no_work_and_what_a_restart_repeats_is(tmp_path: Path) -> None:
    steady = [_step(20 * n, 100.0 * n) for n in range(1, 11)]
    assert effort(_log(tmp_path / "steady", steady) / "log.jsonl").seconds == pytest.approx(1000)
    paused = steady[:5] + [_step(r["passes"], r["time"] + 50_000) for r in steady[5:]]
    assert effort(_log(tmp_path / "paused", paused) / "log.jsonl").seconds == pytest.approx(1000)
    again = steady + [_step(r["passes"], r["time"] + 1000) for r in steady[5:]]
    repeated = effort(_log(tmp_path / "again", again) / "log.jsonl")
    assert repeated.seconds == pytest.approx(1500)
    # A process that stood still goes on with lower averages.
    slower = [{**r, "tokens_per_second": 10.0, "passes_per_second": 0.02} for r in paused[5:]]
    stopped = effort(_log(tmp_path / "stopped", paused[:5] + slower) / "log.jsonl")
    assert stopped.tokens == pytest.approx(100_000)
    assert repeated.tokens == pytest.approx(150_000)


@pytest.mark.parametrize("broken", ["manifest", "figures"])
def test_a_missing_or_broken_file_is_one_clear_line(
    models: Path, figures: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = figures if broken == "figures" else models / "manifest.json"
    if broken == "figures":
        path.write_text('{"file": 3}')
    else:
        path.unlink()
    assert main([str(models), "--figures", str(figures)]) == 2
    said = capsys.readouterr().err
    assert path.name in said
    assert said.count("\n") == 1
    assert not (models / "README.md").exists()


def test_figures_of_another_adapter_are_refused(models: Path, figures: Path) -> None:
    figures.write_text(figures.read_text().replace("a" * 12, "f" * 12))
    with pytest.raises(InputError, match="another model than the adapter aaaaaaaaaaaa"):
        write_card(models, figures=[figures])
    assert not (models / "README.md").exists()


def test_what_runs_took_is_told_as_far_as_it_is_known(models: Path, figures: Path) -> None:
    earlier = {name: MANIFEST["training"][name] for name in ("config", "data")} | {"passes": 5}
    training = {**MANIFEST["training"], "start": earlier}
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": training}))
    card = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "2 h 0 min on two shared CPU cores, of 1 of the 2 runs alone, about 0.7 million tokens" in card
    # The same run told twice, once without what it took, is one.
    training["start"] = {**earlier, "effort": {"seconds": 3600.0, "tokens": 1.0}}
    training["beside"] = [earlier]
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": training}))
    card = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "3 h 0 min on two shared CPU cores, about" in card
    assert "averaged with the run before it" in card
    assert "| argument | run 1 | run 2 |" in card
    # So it is where an adapter that was averaged with another run stands for it.
    training["beside"] = [{**training["start"], "beside": [training["start"]]}]
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": training}))
    card = write_card(models, figures=[figures]).read_text(encoding="utf-8")
    assert "3 h 0 min on two shared CPU cores, about" in card
    assert "| run 2 |\n" in card
    del training["effort"], training["start"], training["beside"]
    (models / "manifest.json").write_text(json.dumps({**MANIFEST, "training": training}))
    assert "energy" not in write_card(models, figures=[figures]).read_text(encoding="utf-8")


def test_figures_of_another_tracker_are_refused(models: Path, figures: Path) -> None:
    other = figures.with_name("other.json")
    other.write_text(figures.read_text().replace('"branches"', '"plain"'))
    with pytest.raises(InputError, match="another tracker"):
        write_card(models, figures=[figures, other])

"""``goalstate model`` shows where the model is and what it is made of, prepares it and clears it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracker.cli.model import model
from tracker.model.base import Base


@pytest.fixture(autouse=True)
def tiny_world(tmp_path: Path, tiny_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOALSTATE_CACHE", str(tmp_path))
    monkeypatch.setattr("tracker.model.models_dir", lambda: None)
    monkeypatch.setattr("tracker.model.find_base", lambda: tiny_base)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(model, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_life_of_a_model(tmp_path: Path, tiny_base: Base) -> None:
    path = str(tmp_path / "models" / f"{tiny_base.sha256[:12]}-base-Q8_0.gguf")
    assert "not yet" in run()
    assert list(tmp_path.iterdir()) == [], "looking leaves nothing behind"

    assert run("prepare").startswith("prepared")
    assert run("prepare").startswith("ready")
    shown = run("info")
    assert shown == run()
    for part in ("Tiny.Q8_0", "none installed", str(tiny_base.path), path, "1 model,"):
        assert part in shown
    assert "\x1b" not in shown

    assert path in run("clear")
    assert not Path(path).exists()
    assert "not yet" in run()
    assert "empty" in run("clear")


def test_info_for_machines(tiny_base: Base) -> None:
    before = json.loads(run("info", "--json"))
    assert (before["path"], before["prepared"], before["adapter"]) == (None, [], None)
    run("prepare")
    after = json.loads(run("info", "--json"))
    assert after["model"] == "Tiny.Q8_0"
    assert after["base"] == {"path": str(tiny_base.path), "sha256": tiny_base.sha256}
    [entry] = after["prepared"]
    assert entry["path"] == after["path"]
    assert entry["size"] == Path(after["path"]).stat().st_size


def test_models_of_other_recipes_are_shown_as_not_used(tmp_path: Path, tiny_base: Base) -> None:
    run("prepare")
    for old in list((tmp_path / "models").glob("*-base-Q8_0.*")):
        old.rename(old.with_name(old.name.replace("-base-", "-0123456789ab-")))
    shown = run()
    assert "not yet" in shown
    assert "not used  " in shown
    assert "0123456789ab-Q8_0.gguf" in shown

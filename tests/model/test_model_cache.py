"""A model is prepared once, whole or not at all, whoever else is preparing and whatever interrupts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracker.errors import CacheError, ModelError
from tracker.model import build
from tracker.model.adapter import Quantisation
from tracker.model.base import Base
from tracker.model.cache import Cache, Recipe, cache_folder


@pytest.fixture
def recipe(tiny_base: Base) -> Recipe:
    return Recipe(tiny_base, None, Quantisation.Q8_0)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache" / "models")


def never(recipe: Recipe, output: Path, between: Path) -> None:
    raise AssertionError("prepared once more")


def files(cache: Cache) -> set[str]:
    return {path.name for path in cache.folder.iterdir()} - {".lock"}


def test_the_second_time_nothing_is_prepared(cache: Cache, recipe: Recipe) -> None:
    assert cache.find(recipe) is None
    entry, built = cache.ensure(recipe, build)
    assert built
    assert files(cache) == {f"{recipe.key}.gguf", f"{recipe.key}.json"}
    assert cache.ensure(recipe, never) == (entry, False)
    assert cache.entries() == [entry]
    assert entry.provenance.size == entry.path.stat().st_size
    assert (entry.provenance.base_sha256, entry.provenance.adapter_sha256) == (recipe.base.sha256, None)
    entry.check()


def test_a_damaged_model_is_prepared_anew(cache: Cache, recipe: Recipe) -> None:
    entry, _ = cache.ensure(recipe, build)
    whole = entry.path.read_bytes()
    entry.path.write_bytes(whole[:-1])
    assert cache.find(recipe) is None
    again, built = cache.ensure(recipe, build)
    assert built
    assert again == entry
    assert entry.path.read_bytes() == whole


@pytest.mark.parametrize("content", ["", "[]", '{"size": 1}'])
def test_a_model_without_a_readable_provenance_counts_as_not_there(
    cache: Cache, recipe: Recipe, content: str
) -> None:
    entry, _ = cache.ensure(recipe, build)
    entry.path.with_suffix(".json").write_text(content)
    assert cache.find(recipe) is None
    assert cache.entries() == []
    assert cache.ensure(recipe, build)[1]


def test_a_change_on_disk_that_keeps_the_size_shows_in_the_hash(cache: Cache, recipe: Recipe) -> None:
    entry, _ = cache.ensure(recipe, build)
    content = bytearray(entry.path.read_bytes())
    content[-1] ^= 1
    entry.path.write_bytes(content)
    with pytest.raises(ModelError, match="changed on disk"):
        entry.check()


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), ModelError("no"), OSError(28, "No space left on device")]
)
def test_a_failed_preparation_leaves_nothing(cache: Cache, recipe: Recipe, error: BaseException) -> None:
    def fail(recipe: Recipe, output: Path, between: Path) -> None:
        output.write_bytes(b"half")
        (between / "merged.gguf").write_bytes(b"half")
        raise error

    with pytest.raises((KeyboardInterrupt, ModelError, CacheError)):
        cache.ensure(recipe, fail)
    assert files(cache) == set()
    assert cache.ensure(recipe, build)[1]


CHILD = """
import os, signal, sys, time
from pathlib import Path
from tracker.model import build
from tracker.model.adapter import Quantisation
from tracker.model.base import Base
from tracker.model.cache import Cache, Recipe

folder, base, digest, log, how = sys.argv[1:]

def logged(recipe, output, between):
    with open(log, "a") as file:
        file.write("building\\n")
    output.write_bytes(b"half")
    if how == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.5)
    build(recipe, output, between)

recipe = Recipe(Base(Path(base), "Tiny", digest), None, Quantisation.Q8_0)
entry, built = Cache(Path(folder)).ensure(recipe, logged)
print(entry.path, built)
"""


def start_child(cache: Cache, recipe: Recipe, log: Path, how: str) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", CHILD, cache.folder, recipe.base.path, recipe.base.sha256, log, how]
    return subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )


def test_two_processes_at_once_prepare_once(cache: Cache, recipe: Recipe, tmp_path: Path) -> None:
    log = tmp_path / "log"
    children = [start_child(cache, recipe, log, "lives") for _ in range(2)]
    said = [child.communicate(timeout=120)[0].strip() for child in children]
    assert log.read_text() == "building\n"
    assert sorted(said) == [f"{cache.path(recipe)} False", f"{cache.path(recipe)} True"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_after_a_kill_the_next_run_just_works_and_cleans_up(
    cache: Cache, recipe: Recipe, tmp_path: Path
) -> None:
    child = start_child(cache, recipe, tmp_path / "log", "dies")
    child.communicate(timeout=120)
    assert len(files(cache)) == 1, "the remains of the killed one"
    assert cache.find(recipe) is None
    assert cache.ensure(recipe, build)[1]
    assert files(cache) == {f"{recipe.key}.gguf", f"{recipe.key}.json"}


def test_clear_removes_what_goalstate_put_there_and_nothing_else(cache: Cache, recipe: Recipe) -> None:
    assert cache.clear() == []
    entry, _ = cache.ensure(recipe, build)
    size = entry.path.stat().st_size
    (cache.folder / "mine.gguf").write_text("mine")
    remains = cache.folder / "unfinished-x1"
    remains.mkdir()
    (remains / "model.gguf").write_text("half")
    assert cache.clear() == [(remains, 4), (entry.path, size)]
    assert files(cache) == {"mine.gguf"}
    assert cache.find(recipe) is None


def test_an_unusable_folder_is_one_clear_line(tmp_path: Path, recipe: Recipe) -> None:
    (tmp_path / "file").write_text("in the way")
    blocked = Cache(tmp_path / "file" / "models")
    for use in (lambda: blocked.ensure(recipe, never), blocked.check_writable):
        with pytest.raises(
            CacheError, match=r"models: cannot use the cache: .+; set GOALSTATE_CACHE"
        ) as caught:
            use()
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not stop this user")
def test_a_read_only_cache_is_enough_once_the_model_is_prepared(cache: Cache, recipe: Recipe) -> None:
    entry, _ = cache.ensure(recipe, build)
    cache.folder.chmod(0o555)
    try:
        assert cache.ensure(recipe, never) == (entry, False)
        with pytest.raises(CacheError):
            cache.check_writable()
    finally:
        cache.folder.chmod(0o755)


def test_a_base_of_another_hash_is_not_prepared(cache: Cache, tiny_base: Base) -> None:
    other = Recipe(Base(tiny_base.path, "Tiny", "0" * 64), None, Quantisation.Q8_0)
    with pytest.raises(ModelError, match="damaged or another one"):
        cache.ensure(other, build)
    assert cache.entries() == []


def test_a_full_disk_is_said_before_it_is_filled(
    cache: Cache, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.model.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(CacheError, match="MB in the cache and 0 MB are free"):
        cache.ensure(recipe, build)


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOALSTATE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "models"
    monkeypatch.delenv("GOALSTATE_CACHE")
    assert cache_folder().is_absolute()
    assert "goalstate" in cache_folder().parts

"""A model or a cache that cannot be used: said in one line by the real tracker, exit code 2."""

import pytest
from click.testing import CliRunner
from native_samples import line

from tracker.cli import cli


@pytest.fixture
def track(file):
    """Runs ``goalstate track`` on a good conversation with the real tracker."""
    source = file(line())

    def run(*arguments):
        return CliRunner().invoke(cli, ["track", str(source), *map(str, arguments)])

    return run


def assert_one_line(result, *words):
    assert result.exit_code == 2, result.output
    (error,) = result.stderr.splitlines()
    assert error.startswith("goalstate: error: ")
    assert all(str(word) in error for word in words), error


def test_a_missing_model(track, tmp_path):
    assert_one_line(track("--model", tmp_path / "nothing.gguf"), tmp_path / "nothing.gguf")


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"GGUF\x03\x00\x00\x00" + b"\xff" * 64, b"PK\x03\x04 something else"]
)
def test_a_model_that_is_damaged_or_no_model(track, tmp_path, content):
    (tmp_path / "bad.gguf").write_bytes(content)
    assert_one_line(track("--model", tmp_path / "bad.gguf"), tmp_path / "bad.gguf")


def test_a_cache_that_cannot_be_made(track, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GOALSTATE_CACHE", str(tmp_path / "file" / "cache"))
    assert_one_line(track(), tmp_path / "file")

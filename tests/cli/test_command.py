"""The command as a whole: help, version, errors, signals and pipes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from native_samples import line, unlabelled

from tracker.cli import cli
from tracker.errors import CacheError, ModelError
from tracker.formats import FORMATS
from tracker.tracking import GoalTracker

posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals as POSIX has them")


def test_help_names_the_commands(goalstate):
    result = goalstate("--help")
    assert result.exit_code == 0
    assert all(command in result.stdout for command in ("track", "evaluate", "simulate", "doctor", "model"))


def test_help_of_track_names_the_formats(goalstate):
    words = " ".join(goalstate("track", "--help").stdout.split())
    assert all(name in words for name in FORMATS)


def test_help_loads_nothing_heavy():
    code = """
import sys
from tracker.cli import cli
cli(["track", "--help"], standalone_mode=False)
heavy = {"llama_cpp", "numpy", "sklearn", "pydantic", "outlines", "rich"} & set(sys.modules)
assert not heavy, heavy
"""
    root = str(Path(__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, stdout=subprocess.DEVNULL)


def test_version(goalstate):
    result = goalstate("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("goalstate")


@pytest.mark.parametrize(
    "arguments", [["track"], ["track", "a", "--limit", "0"], ["fly"], ["track", "a", "--fast"]]
)
def test_wrong_usage_is_exit_code_2(goalstate, arguments):
    result = goalstate(*arguments)
    assert result.exit_code == 2
    assert "Usage: goalstate" in result.stderr


@pytest.mark.parametrize(
    "error",
    [
        ModelError("model.gguf is truncated"),
        CacheError("the cache folder /x cannot be written"),
        OSError(5, "I/O", "x"),
    ],
)
def test_what_goes_wrong_in_loading_is_one_line(file, monkeypatch, error):
    def load(*_arguments, **_options):
        raise error

    monkeypatch.setattr(GoalTracker, "load", load)
    for command in ("track", "evaluate"):
        result = CliRunner().invoke(cli, [command, str(file(line()))])
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith("goalstate: error: ")


def test_ctrl_c_is_130(file, monkeypatch):
    def load(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(GoalTracker, "load", load)
    result = CliRunner().invoke(cli, ["track", str(file(line()))])
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_the_warning_of_an_untrained_model_is_one_line(process, file):
    one = process("track", file(line()))
    stdout, stderr = one.communicate(timeout=120)
    assert one.returncode == 0
    assert stderr == "goalstate: warning: no trained adapter is installed; statuses will be poor\n"
    assert "book" in stdout


def wait_for_lines(path, count):
    """Wait until a file has lines; the process that writes them is slow to start."""
    for _ in range(1200):
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} did not get {count} lines")


@posix
def test_a_kill_in_the_middle_leaves_whole_lines(process, file, tmp_path):
    source = file(line("a"), line("b"), line("c", said="Please wait."), line("d"))
    (tmp_path / "out.jsonl").write_text("older\n")
    one = process("track", source, "--output", tmp_path / "out.jsonl")
    wait_for_lines(tmp_path / "out.jsonl.partial", 2)
    one.kill()
    one.wait()
    written = (tmp_path / "out.jsonl.partial").read_text(encoding="utf-8").splitlines()
    assert [json.loads(each)["id"] for each in written] == ["a", "b"]
    assert (tmp_path / "out.jsonl").read_text() == "older\n"


@posix
def test_ctrl_c_in_the_middle_keeps_what_is_written_and_says_where(process, file, tmp_path):
    source = file(line("a"), line("b", said="Please wait."))
    one = process("track", source, "--output", tmp_path / "out.jsonl")
    wait_for_lines(tmp_path / "out.jsonl.partial", 1)
    one.send_signal(signal.SIGINT)
    _, stderr = one.communicate(timeout=60)
    assert one.returncode == 130
    assert (
        stderr.splitlines()[-1] == f"goalstate: stopped; 1 tracked so far: {tmp_path / 'out.jsonl.partial'}"
    )
    assert json.loads((tmp_path / "out.jsonl.partial").read_text(encoding="utf-8"))["id"] == "a"


@posix
def test_a_reader_that_leaves_early_is_no_error(process, file):
    reading, writing = os.pipe()
    os.close(reading)
    one = process("track", file(line()), stdout=writing)
    os.close(writing)
    _, stderr = one.communicate(timeout=120)
    assert "Traceback" not in stderr
    assert "error" not in stderr


@posix
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_that_lacks_letters_gets_others(process, file, monkeypatch, encoding):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    goal = {"text": "", "components": [{"id": "книга", "category": "policy", "text": "Всегда вежлив."}]}
    one = process("track", file(unlabelled(goal=goal)), encoding=encoding)
    stdout, stderr = one.communicate(timeout=120)
    assert one.returncode == 0, stderr
    assert "ALIGNED" in stdout


@posix
def test_a_terminal_gets_colours_and_a_bar(process, file, monkeypatch):
    import pty

    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "CI", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    ours, theirs = pty.openpty()
    one = process("track", file(line("a"), line("b")), stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert one.wait(timeout=120) == 0
    text = seen.decode("utf-8")
    assert "2/2 conversations" in text or "0/2 conversations" in text
    assert "\x1b[3" in text or "\x1b[1" in text
    assert "2 conversations, 4 turns" in text

"""Tracks on disk: whole lines, whatever happens."""

import json
import os
import sys
from contextlib import suppress

import pytest

from tracker.atomic import check_writable
from tracker.errors import GoalstateError, InputError
from tracker.goal import Category, Component, Goal, Status
from tracker.output import TrackWriter
from tracker.state import ComponentState, GoalState, Track

TRACKER = {"version": "1", "model": "some", "decoder": "plain"}


def track(name="c-1", text="Reach the café."):
    goal = Goal(text="Go out.", components=(Component(id="o", category=Category.OBJECTIVE, text=text),))
    return Track(name, goal, (GoalState(1, {"o": ComponentState(Status.COMPLETE, 0.123456)}),))


def test_a_line_has_the_goal_the_turns_and_the_tracker(tmp_path):
    with TrackWriter(tmp_path / "out.jsonl") as writer:
        writer.write(track(), TRACKER)
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert "café" in line
    assert json.loads(line) == {
        "id": "c-1",
        "goal": {
            "text": "Go out.",
            "components": [{"id": "o", "category": "objective", "text": "Reach the café."}],
        },
        "turns": [{"turn": 1, "state": {"o": {"status": "COMPLETE", "probability": 0.1235}}}],
        "tracker": TRACKER,
    }


def test_lines_are_on_disk_as_soon_as_they_are_written(tmp_path):
    with TrackWriter(tmp_path / "out.jsonl") as writer:
        writer.write(track(), TRACKER)
        assert len((tmp_path / "out.jsonl.partial").read_text(encoding="utf-8").splitlines()) == 1
        assert not (tmp_path / "out.jsonl").exists()
    assert os.listdir(tmp_path) == ["out.jsonl"]


def test_an_older_result_stays_until_the_new_one_is_whole(tmp_path):
    (tmp_path / "out.jsonl").write_text("older\n")
    with suppress(RuntimeError), TrackWriter(tmp_path / "out.jsonl") as writer:
        writer.write(track(), TRACKER)
        raise RuntimeError
    assert (tmp_path / "out.jsonl").read_text() == "older\n"
    assert writer.unfinished == tmp_path / "out.jsonl.partial"
    assert len(writer.unfinished.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks of POSIX")
def test_two_runs_do_not_write_to_the_same_file(tmp_path):
    out = tmp_path / "out.jsonl"
    with TrackWriter(out) as writer:
        writer.write(track("first"), TRACKER)
        with pytest.raises(InputError, match="another run is writing to it"):
            TrackWriter(out)
        writer.write(track("second"), TRACKER)
    assert [json.loads(line)["id"] for line in out.read_text().splitlines()] == ["first", "second"]
    with TrackWriter(out) as writer:
        writer.write(track("third"), TRACKER)
    assert len(out.read_text().splitlines()) == 1


def test_a_stop_before_the_first_line_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), TrackWriter(tmp_path / "out.jsonl"):
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_lines_of_an_earlier_stopped_run_are_kept_until_the_first_new_one(tmp_path):
    partial = tmp_path / "out.jsonl.partial"
    partial.write_text("from before\n")
    with TrackWriter(tmp_path / "out.jsonl") as writer:
        assert writer.unfinished == partial
        assert partial.read_text() == "from before\n"
        writer.write(track(), TRACKER)
        assert "from before" not in partial.read_text(encoding="utf-8")


def test_a_run_without_tracks_gives_an_empty_file(tmp_path):
    (tmp_path / "out.jsonl.partial").write_text("from before\n")
    with TrackWriter(tmp_path / "out.jsonl"):
        pass
    assert (tmp_path / "out.jsonl").read_text() == ""


def test_a_line_that_the_disk_refuses_leaves_those_before_it_whole(tmp_path, monkeypatch):
    real, calls = os.write, []

    def half_a_line(descriptor, line):
        calls.append(descriptor)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        return real(descriptor, line if len(calls) == 1 else line[: len(line) // 2])

    monkeypatch.setattr(os, "write", half_a_line)
    no_space = pytest.raises(GoalstateError, match=r"out\.jsonl\.partial.*No space left")
    with no_space, TrackWriter(tmp_path / "out.jsonl") as writer:
        writer.write(track("c-1"), TRACKER)
        writer.write(track("c-2"), TRACKER)
    (line,) = (tmp_path / "out.jsonl.partial").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["id"] == "c-1"


def test_a_short_write_is_carried_on(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: real(descriptor, line[:7]))
    with TrackWriter(tmp_path / "out.jsonl") as writer:
        writer.write(track(), TRACKER)
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["id"] == "c-1"


@pytest.mark.parametrize("text", ["half a pair: \ud800", "a line\u2028break", "two\nlines"])
def test_any_text_makes_one_line_of_utf8(tmp_path, text):
    one = Track("c-1", Goal(text="x", components=()), ())
    with TrackWriter(tmp_path / "out.jsonl") as writer:
        # A lone surrogate cannot get through the readers; ids of other origin must not break the file.
        writer.write(Track(text, one.goal, ()), TRACKER)
    raw = (tmp_path / "out.jsonl").read_bytes()
    assert raw.count(b"\n") == 1
    assert raw.endswith(b"\n")
    assert json.loads(raw.decode("utf-8"))["id"] == text


def test_places_that_cannot_be_written_are_refused_at_once(tmp_path):
    with pytest.raises(InputError, match=r"missing.*does not exist"):
        TrackWriter(tmp_path / "missing" / "out.jsonl")
    with pytest.raises(InputError, match="folder"):
        TrackWriter(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        TrackWriter(tmp_path / ("x" * 300))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused_at_once(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        TrackWriter(tmp_path / "out.jsonl")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_what_cannot_be_replaced_is_refused_before_the_work(tmp_path):
    (tmp_path / "report.html").write_text("older")
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="permission denied"):
        check_writable(tmp_path / "report.html")


def test_a_link_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out.jsonl").symlink_to(tmp_path / "elsewhere" / "real.jsonl")
    with TrackWriter(tmp_path / "out.jsonl") as writer:
        writer.write(track(), TRACKER)
    assert (tmp_path / "out.jsonl").is_symlink()
    assert json.loads((tmp_path / "elsewhere" / "real.jsonl").read_text(encoding="utf-8"))["id"] == "c-1"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_directly(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with TrackWriter(tmp_path / "pipe") as writer:
        writer.write(track(), TRACKER)
    assert json.loads(os.read(reader, 10_000))["id"] == "c-1"
    os.close(reader)
    assert os.listdir(tmp_path) == ["pipe"]

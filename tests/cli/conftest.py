"""The command line with a fake tracker, and files for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_tracker import FakeTracker

from tracker.cli import cli

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines, given as JSON values or as raw text or bytes, into a file."""

    def write(*lines: Any, name: str = "in.jsonl") -> Path:
        raw = [
            given
            if isinstance(given, bytes)
            else (given if isinstance(given, str) else json.dumps(given)).encode()
            for given in lines
        ]
        path = tmp_path / name
        path.write_bytes(b"".join(part + b"\n" for part in raw))
        return path

    return write


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> list[FakeTracker]:
    """Puts fake trackers in the place of real ones; holds those that were loaded."""
    from tracker.tracking import GoalTracker

    loaded: list[FakeTracker] = []

    def load(model: Any = None, *, decoder: str = "branches", threads: int | None = None) -> FakeTracker:
        loaded.append(FakeTracker(decoder))
        return loaded[-1]

    monkeypatch.setattr(GoalTracker, "load", load)
    return loaded


@pytest.fixture
def goalstate(fakes: list[FakeTracker]) -> Run:
    """Runs the command line in this process, with fake trackers and no terminal."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="goalstate")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def process() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command line, with a fake tracker, in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        root = Path(__file__).parents[2]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests"), os.environ.get("PYTHONPATH", "")]),
        }
        command = [sys.executable, str(Path(__file__).with_name("fake_tracker.py")), *map(str, arguments)]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        started.append(subprocess.Popen(command, env=environment, **(pipes | options)))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()

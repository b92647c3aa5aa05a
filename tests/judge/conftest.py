"""A fake endpoint, small conversations with invented text, and the command that judges them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_endpoint import FakeEndpoint

pytest.importorskip("openai")

Judge = Callable[..., Result]


def kettle(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "goal": {
            "text": "Return a kettle. Be polite.",
            "components": [
                {"id": "o", "category": "objective", "text": "Return a kettle."},
                {"id": "p", "category": "policy", "text": "Be polite."},
            ],
        },
        "messages": [
            {"role": "user", "content": f"This is {name}. I'd like to return a kettle."},
            {"role": "assistant", "content": "The order number?"},
            {"role": "user", "content": "77."},
            {"role": "assistant", "content": "Done: returned."},
        ],
    } | changes


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    fake = FakeEndpoint()
    yield fake
    fake.close()


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a native file of the given conversations; names make usual ones."""

    def write(*conversations: str | dict[str, Any]) -> Path:
        path = tmp_path / "in.jsonl"
        lines = [kettle(given) if isinstance(given, str) else given for given in conversations]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return write


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


@pytest.fixture
def judge(endpoint: FakeEndpoint, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Runs ``goalstate judge`` in this process against the fake endpoint, with a cache of the test's own."""
    from tracker.cli import cli

    for variable in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "GOALSTATE_JUDGE_MODEL"):
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments: object, url: str | None = endpoint.url) -> Result:
        to = [] if url is None else ["--base-url", url]
        options = ["--output", output, *to, "--model", "m", "--cache", tmp_path / "cache"]
        command = ["judge", *map(str, [*options, *arguments])]
        result = CliRunner().invoke(cli, command, prog_name="goalstate")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run

"""The command: what it shows, what it writes, and one line where something is wrong."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tracker.cli import cli


def goalstate(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="goalstate")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def simulate(*arguments: object) -> Result:
    return goalstate("simulate", "--user", "scripted", "--steer", "none", *arguments)


def test_one_conversation_is_shown_as_it_goes() -> None:
    result = simulate("--seed", 3, "--agent", "crisp")
    assert result.exit_code == 0
    assert "user  " in result.output
    assert "agent " in result.output
    assert "on course" in result.output


def test_many_are_summed_up_and_written(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    result = simulate("--goals", 3, "--output", output)
    assert result.exit_code == 0
    assert "3 conversations" in result.output
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["simulation"]["steer"] for line in lines] == ["none"] * 3
    assert all(line["labels"] for line in lines)
    assert simulate("--goals", 3, "--output", tmp_path / "again.jsonl").exit_code == 0
    again = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert [line["messages"] for line in again] == [line["messages"] for line in lines]


def test_your_own_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_agent.py").write_text("def reply(messages):\n    return 'No.'\n")
    monkeypatch.chdir(tmp_path)
    result = simulate("--agent", "my_own_agent:reply", "--turns", 2)
    assert result.exit_code == 0
    assert "nobody knows the truth" in result.output


def test_your_own_agent_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "my_kept_agent.py"
    source.write_text("def reply(messages):\n    return 'No.'\n")
    monkeypatch.chdir(tmp_path)
    result = simulate("--agent", "my_kept_agent:reply", "--output", "my_kept_agent.py")
    assert result.exit_code == 2
    assert "would take the place of an input" in result.stderr
    assert source.read_text().startswith("def reply")


def test_a_file_may_be_named_like_the_scripted_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert simulate("--output", "scripted").exit_code == 0
    assert (tmp_path / "scripted").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--agent", "grumpy"], "there is no agent 'grumpy'"),
        (["--agent", "no_such_module:reply"], "cannot load 'no_such_module:reply'"),
        (["--agent", "http://localhost:1/v1"], "--agent-model: missing"),
        (["--agent", "http://[bad", "--agent-model", "m"], "--agent: the base URL 'http://[bad' is none"),
        (["--output", "/no/such/folder/out.jsonl"], "does not exist"),
        (["--user", "/no/such/model.gguf"], "/no/such/model.gguf"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], said: str) -> None:
    result = simulate(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "def reply(:",
            "cannot load 'my_bad_agent:reply': SyntaxError: invalid syntax (my_bad_agent.py, line 1)",
        ),
        (
            "1 / 0",
            "cannot load 'my_bad_agent:reply': ZeroDivisionError: division by zero (my_bad_agent.py:1)",
        ),
        ("class reply: ...", "'my_bad_agent:reply' is a class"),
        (
            "def reply(messages):\n    return {}['a']",
            "'my_bad_agent:reply' failed: KeyError: 'a' (my_bad_agent.py:2)",
        ),
        (
            "import json\ndef reply(messages):\n    return json.loads('{')",
            "double quotes: line 1 column 2 (char 1) (my_bad_agent.py:3)",
        ),
        (
            "def reply(): ...",
            "'my_bad_agent:reply' failed: TypeError: reply() takes 0 positional arguments but 1 was given\n",
        ),
        ("def reply(messages):\n    return 3", "answered with nothing"),
    ],
    ids=["syntax", "import", "class", "call", "call of a library", "no argument", "no text"],
)
def test_faults_of_your_own_agent_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    (tmp_path / "my_bad_agent.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "my_bad_agent", raising=False)
    importlib.invalidate_caches()
    result = simulate("--goals", 2, "--agent", "my_bad_agent:reply")
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_there_are_no_more_candidates_than_can_be_read_at_once() -> None:
    result = simulate("--candidates", 100)
    assert result.exit_code == 2
    assert "1<=x<=32" in result.stderr


def test_a_key_that_is_not_there_is_missed_before_anything_is_asked() -> None:
    result = simulate(
        "--agent", "http://127.0.0.1:9/v1", "--agent-model", "m", "--api-key-env", "NO_SUCH_KEY"
    )
    assert result.exit_code == 2
    assert "the environment variable NO_SUCH_KEY is not set" in result.stderr

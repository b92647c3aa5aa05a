"""Bad input: one clear line with the file, line or field, exit code 2, and no traceback."""

import copy

import pytest
from native_samples import line


def changed(path, value):
    """The usual conversation with one field set to another value, or taken out with ``...``."""
    whole = copy.deepcopy(line())
    *steps, last = path
    place = whole
    for step in steps:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return whole


IN_A_FILE = {
    "wrong encoding": (b'{"id": "caf\xe9"}', "UTF-8"),
    "UTF-16": ('{"id": "a"}'.encode("utf-16"), "UTF-16"),
    "an empty file": ("", "empty"),
    "a list of nothing": ("[]", ""),
    "not a conversation": ('{"a": 1}', ""),
}
IN_A_LINE = {
    "broken JSON": ('{"id": "a", ', "broken JSON"),
    "a message without content": (changed(("messages", 1, "content"), ...), "messages[1].content: "),
    "a message of an unknown role": (changed(("messages", 1, "role"), "boss"), "messages[1].role: "),
    "an unknown category": (
        changed(("goal", "components", 0, "category"), "whim"),
        "goal.components[0].category: ",
    ),
    "an unknown status": (changed(("labels", "book"), [[1, "DONE"]]), "labels.book[0][1]: "),
    "a status of another category": (
        changed(("labels", "polite"), [[1, "COMPLETE"]]),
        "policy cannot go from ALIGNED to COMPLETE",
    ),
    "labels that go backward": (
        changed(("labels", "book"), [[1, "COMPLETE"], [2, "ATTEMPTED"]]),
        "cannot go from COMPLETE to ATTEMPTED",
    ),
    "two components with one id": (changed(("goal", "components", 1, "id"), "polite"), "'polite'"),
    "a requirement of an unknown objective": (
        changed(("goal", "components", 2, "objective"), "eat"),
        "unknown objective 'eat'",
    ),
    "no messages": (changed(("messages",), []), "messages: "),
    "a conversation longer than the context": (line(said="This is too long."), "9000 tokens"),
}


@pytest.mark.parametrize("name", [*IN_A_FILE, *IN_A_LINE])
@pytest.mark.parametrize("command", ["track", "evaluate"])
def test_a_bad_conversation_alone_is_one_line_and_exit_code_2(goalstate, file, command, name):
    content, words = (IN_A_FILE | IN_A_LINE)[name]
    source = file(content)
    result = goalstate(command, source)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"goalstate: error: {source}:")
    assert words in error


@pytest.mark.parametrize("name", IN_A_LINE)
def test_the_same_among_others_is_passed_over(goalstate, file, name):
    content, words = IN_A_LINE[name]
    source = file(line("a"), content, line("z"))
    result = goalstate("track", source)
    assert result.exit_code == 1, result.output
    (report,) = result.stderr.splitlines()
    assert report.startswith(f"goalstate: passed over: {source}:")
    assert words in report
    assert "2 conversations, 4 turns, 1 passed over" in result.stdout


@pytest.mark.parametrize("command", ["track", "evaluate"])
def test_a_missing_file_and_a_folder(goalstate, tmp_path, command):
    for path in (tmp_path / "nothing.jsonl", tmp_path):
        result = goalstate(command, path)
        assert result.exit_code == 2
        (error,) = result.stderr.splitlines()
        assert error.startswith(f"goalstate: error: {path}: ")


def test_a_file_that_is_unusable_stops_the_run_before_the_others_are_tracked(
    goalstate, file, fakes, tmp_path
):
    result = goalstate("track", file(line("a"), line("b")), tmp_path / "nothing.jsonl")
    assert result.exit_code == 2
    assert fakes == []


def test_an_unknown_format(goalstate, file):
    result = goalstate("track", file(line()), "--format", "telegram")
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert "'telegram'" in error
    assert "native" in error
    assert "multiwoz" in error


@pytest.mark.parametrize("goal", ["", '{"components": [{"id": "a"}]}', b"\xff\xfe\x00"])
def test_a_bad_goal(goalstate, file, goal):
    bad = file(goal, name="goal.json")
    result = goalstate("track", file(line()), "--goal", bad)
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"goalstate: error: {bad}")


def test_chat_messages_without_a_goal(goalstate, file):
    result = goalstate("track", file([{"role": "user", "content": "Hello."}], name="chat.json"))
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert "goal" in error


def test_control_characters_in_the_input_do_not_reach_the_terminal(goalstate, file):
    result = goalstate("track", file(changed(("goal", "components", 0, "category"), "\x1b[31m\nred")))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "\x1b" not in result.stderr

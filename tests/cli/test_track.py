"""``goalstate track`` as a user meets it."""

import json
import re

import pytest
from native_samples import line, unlabelled

STATUSES_IN_ORDER = {
    "policy": ("ALIGNED", "MISALIGNED"),
    "objective": ("INCOMPLETE", "ATTEMPTED", "COMPLETE"),
    "requirement": ("INCOMPLETE", "ATTEMPTED", "COMPLETE"),
}


def test_one_conversation_is_drawn(goalstate, file):
    result = goalstate("track", file(line()))
    assert result.exit_code == 0
    assert re.search(r"^book +objective +Book a table\. +· C +COMPLETE +0\.88", result.stdout, re.MULTILINE)
    assert re.search(r"^two +requirement +It is for two\. +T─C +COMPLETE +0\.88", result.stdout, re.MULTILINE)
    assert "\x1b" not in result.output
    assert result.stderr == ""


def test_many_conversations_are_summed_up(goalstate, file):
    silent = line("c", messages=[{"role": "user", "content": "Hello?"}], labels={})
    result = goalstate("track", file(line("a"), line("b"), silent))
    assert result.exit_code == 0
    assert "3 conversations, 5 turns" in result.stdout
    assert re.search(r"objective +3 +1 +0 +2 +67%", result.stdout)
    assert "\x1b" not in result.output
    assert "━" not in result.output


def test_the_output_is_the_documented_one(goalstate, file, tmp_path):
    out = tmp_path / "out.jsonl"
    result = goalstate("track", file(line("a"), line("b")), "--output", out, "--decoder", "plain")
    assert result.exit_code == 0
    first, second = (json.loads(written) for written in out.read_text(encoding="utf-8").splitlines())
    assert (first["id"], second["id"]) == ("a", "b")
    assert list(first) == ["id", "goal", "turns", "tracker"]
    assert first["goal"] == line()["goal"]
    assert first["turns"][0] == {
        "turn": 1,
        "state": {
            "polite": {"status": "ALIGNED", "probability": 0.875},
            "book": {"status": "INCOMPLETE", "probability": 0.875},
            "two": {"status": "ATTEMPTED", "probability": 0.875},
        },
    }
    assert first["tracker"] == {"version": "0", "model": "fake", "decoder": "plain"}


def test_the_output_can_be_read_again(goalstate, file, tmp_path):
    out = tmp_path / "out.jsonl"
    goalstate("track", file(line()), "--output", out)
    written = json.loads(out.read_text(encoding="utf-8"))
    again = file({**written, "messages": line()["messages"]}, name="again.jsonl")
    assert goalstate("track", again).exit_code == 0


def test_limit_counts_over_all_files(goalstate, file, fakes):
    one, other = file(line("a"), line("b"), name="one.jsonl"), file(line("c"), line("d"), name="other.jsonl")
    assert goalstate("track", one, other, "--limit", "3").exit_code == 0
    assert fakes[0].started == 3
    assert fakes[0].closed


def test_how_many_are_read_side_by_side_can_be_said(goalstate, file, fakes):
    assert goalstate("track", file(line("a"), line("b")), "--together", "2").exit_code == 0
    assert fakes[0].together == 2
    assert goalstate("track", file(line("a")), "--together", "0").exit_code == 2


def test_a_goal_of_ones_own_is_tracked(goalstate, file, tmp_path):
    messages = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}]
    goal = tmp_path / "goal.txt"
    goal.write_text("You want to book a table for two.")
    chat = tmp_path / "chat.json"
    chat.write_text(json.dumps(messages))
    result = goalstate("track", chat, "--goal", goal, "--format", "openai")
    assert result.exit_code == 0, result.output
    assert "table for two" in result.stdout


def test_one_bad_conversation_among_many_is_passed_over(goalstate, file, tmp_path):
    source = file(line("a"), "{broken", line("c", said="This is too long."), line("d"))
    result = goalstate("track", source, "--output", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first.startswith(f"goalstate: passed over: {source}:2: broken JSON")
    assert second.startswith(f"goalstate: passed over: {source}: conversation 'c': is 9000 tokens long")
    assert "2 conversations, 4 turns, 2 passed over" in result.stdout
    written = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(one)["id"] for one in written] == ["a", "d"]


def test_strict_stops_at_the_first_bad_conversation_and_keeps_what_is_written(
    goalstate, file, fakes, tmp_path
):
    source = file(line("a"), "{broken", line("c"))
    result = goalstate("track", source, "--strict", "--output", tmp_path / "out.jsonl")
    assert result.exit_code == 2
    kept, error = result.stderr.splitlines()
    assert error.startswith(f"goalstate: error: {source}:2: broken JSON")
    assert kept == f"goalstate: stopped; 1 tracked so far: {tmp_path / 'out.jsonl.partial'}"
    assert fakes[0].started == 1
    assert fakes[0].closed
    (written,) = (tmp_path / "out.jsonl.partial").read_text(encoding="utf-8").splitlines()
    assert json.loads(written)["id"] == "a"


def test_where_every_conversation_is_bad_nothing_is_loaded(goalstate, file, fakes):
    result = goalstate("track", file("{broken", "{broken too"))
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert fakes == []


def test_where_none_could_be_tracked_that_is_an_error(goalstate, file):
    result = goalstate("track", file(line("a", said="too long"), line("b", said="too long")))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "goalstate: error: none of the 2 conversations could be tracked"


@pytest.mark.parametrize("where", ["missing/out.jsonl", "."])
def test_an_output_that_cannot_be_written_is_refused_before_any_work(goalstate, file, fakes, tmp_path, where):
    result = goalstate("track", file(line()), "--output", tmp_path / where)
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert error.startswith("goalstate: error: ")
    assert str(tmp_path) in error
    assert fakes == []


def test_an_output_that_is_an_input_is_refused(goalstate, file):
    source = file(line())
    result = goalstate("track", source, "--output", source)
    assert result.exit_code == 2
    assert "would take the place of an input" in result.stderr
    assert json.loads(source.read_text()) == line()


def test_lines_of_a_stopped_run_are_spoken_of_before_they_are_replaced(goalstate, file, tmp_path):
    (tmp_path / "out.jsonl.partial").write_text("{}\n")
    result = goalstate("track", file(line()), "--output", tmp_path / "out.jsonl")
    assert result.exit_code == 0
    assert "left by a run that was stopped, will be replaced" in result.stderr
    assert not (tmp_path / "out.jsonl.partial").exists()


def test_many_components_and_no_objective(goalstate, file):
    components = [{"id": f"p{i}", "category": "policy", "text": f"Rule number {i}."} for i in range(40)]
    result = goalstate("track", file(line(goal={"text": "", "components": components}, labels={})))
    assert result.exit_code == 0
    assert result.stdout.count("Rule number") == 40


def test_labels_are_not_needed(goalstate, file):
    result = goalstate("track", file(unlabelled()))
    assert result.exit_code == 0
    assert re.search(r"^book .* · C +COMPLETE", result.stdout, re.MULTILINE)

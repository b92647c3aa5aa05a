"""``goalstate agree``: what it shows, and one line for what it cannot use."""

from __future__ import annotations

import json

import pytest
from rated import GOAL, bare, native, rows, sheet, tracked

JUDGE = {"a": {"o": [(2, "COMPLETE")], "p": [(3, "MISALIGNED")]}, "b": {"r": [(1, "ATTEMPTED")]}}
OTHER = {"a": {"o": [(4, "COMPLETE")], "p": []}, "b": {"r": [(1, "ATTEMPTED")]}}


@pytest.fixture
def judge(tmp_path):
    return native(tmp_path / "judge.jsonl", JUDGE)


@pytest.fixture
def tracker(tmp_path):
    return tracked(tmp_path / "tracker.jsonl", OTHER)


def test_two_raters(goalstate, judge, tracker):
    result = goalstate("agree", judge, tracker)
    assert result.exit_code == 0, result.output
    assert "judge and tracker" in result.stdout
    assert "2 conversations, 6 components, 24 labels" in result.stdout
    assert all(word in result.stdout for word in ("every turn", "last turn", "kappa", "objective ATTEMPTED"))
    shown = result.stdout.partition("Disagreements")[2]
    assert "2 of 2" in shown
    assert "a, turns 3 to 4, p" in shown
    assert "judge MISALIGNED, tracker ALIGNED (0.80)" in shown
    assert "user: user 3" in shown
    assert "alpha" not in result.stdout


def test_disagreements_can_be_left_out(goalstate, judge, tracker):
    assert "Disagreements" not in goalstate("agree", judge, tracker, "--disagreements", 0).stdout


def test_three_raters_have_an_alpha(goalstate, judge, tracker, tmp_path):
    person = sheet(tmp_path / "person.csv", [("a", 1, "p", ""), ("a", 3, "p", "misaligned")])
    result = goalstate("agree", judge, tracker, person)
    assert result.exit_code == 0, result.output
    assert "Krippendorff's alpha of all 3 raters" in result.stdout
    assert all(
        pair in result.stdout for pair in ("judge and tracker", "judge and person", "tracker and person")
    )


def test_two_trackers_on_one_judge(goalstate, judge, tracker, tmp_path):
    better = tracked(tmp_path / "better.jsonl", JUDGE)
    result = goalstate("agree", "--reference", judge, tracker, better)
    assert result.exit_code == 0, result.output
    assert "better less tracker, both against judge" in result.stdout
    assert "tracker and better" not in result.stdout


def test_json_has_everything(goalstate, judge, tracker, tmp_path):
    result = goalstate("agree", "--reference", judge, tracker, tracked(tmp_path / "b.jsonl", JUDGE), "--json")
    found = json.loads(result.stdout)
    assert [rater["name"] for rater in found["raters"]] == ["judge", "tracker", "b"]
    first, second = found["pairs"]
    assert first["categories"]["objective"]["confusion"] == [[5, 0, 0], [0, 0, 0], [2, 0, 1]]
    assert first["categories"]["objective"]["statuses"]["COMPLETE"]["timing"]["mean_delay"] == 2
    assert first["disagreements_in_all"] == 2
    assert first["disagreements"][0]["words"]["user"].startswith("user ")
    assert second["average"]["every_turn"]["accuracy"]["value"] == 1
    assert found["paired_test"]["every_turn"]["average"]["accuracy"]["value"] > 0
    assert found["alpha"] is None
    assert "NaN" not in result.stdout


def test_the_result_is_the_same_every_time(goalstate, judge, tracker):
    assert goalstate("agree", judge, tracker).stdout == goalstate("agree", judge, tracker).stdout


def _broken(tmp_path, text, name="bad.jsonl"):
    path = tmp_path / name
    path.write_text(text)
    return path


BAD = {
    "nothing": ("", "the file is empty"),
    "no ratings": ('{"a": 1}\n', "nobody's ratings"),
    "an empty list": ("[]", "nobody's ratings"),
    "broken JSON": ('{"id": "a", "labels": {}}\n{"id": \n', ":2"),
    "a CSV without its columns": ("conversation,component,status\na,p,ALIGNED\n", "no column turn"),
    "a status that is none": ("conversation,turn,component,status\na,1,p,GOOD\n", ":2: expected a status"),
    "a turn that is none": (
        "conversation,turn,component,status\na,one,p,ALIGNED\n",
        ":2: turn: expected a whole",
    ),
    "nothing filled in": ("conversation,turn,component,status\na,1,p,\n", "no status is filled in"),
    "two statuses at one turn": (
        "conversation,turn,component,status\na,1,p,ALIGNED\na,1,p,MISALIGNED\n",
        ":3: turn 1 of 'p' is MISALIGNED here and ALIGNED above",
    ),
    "back from MISALIGNED": (
        "conversation,turn,component,status\na,1,p,MISALIGNED\na,2,p,ALIGNED\n",
        "turn 2: 'p' goes back from MISALIGNED to ALIGNED",
    ),
    "another category's status": (
        "conversation,turn,component,status\na,1,p,COMPLETE\n",
        "COMPLETE is no status of a policy",
    ),
    "another category": (
        "conversation,turn,component,category,status\na,1,p,profile,ALIGNED\n",
        "'p' is a profile here and a policy in",
    ),
    "a turn that is not there": (
        "conversation,turn,component,status\na,9,p,ALIGNED\n",
        "a status at turn 9 of 4",
    ),
    "an unknown component": (
        "conversation,turn,component,status\na,1,x,ALIGNED\n",
        "the category of component 'x'",
    ),
    "nothing in common": ('{"id": "z", "labels": {}}\n', "share no component"),
    "an id twice": (
        '{"id": "a", "labels": {}}\n{"id": "a", "labels": {}}\n',
        "two conversations have the id 'a'",
    ),
    "a row without its turn": ('{"conversation": "a", "component": "p"}\n', "turn: missing"),
    "a turn that no conversation has": (
        "conversation,turn,component,status\na,99999,p,ALIGNED\n",
        ":2: turn: turns are counted from 1, to 10,000 at most",
    ),
    "such a turn in a row of JSON": (
        '{"conversation": "a", "component": "p", "turn": 99999, "status": "ALIGNED"}\n',
        ":1: turn: ",
    ),
    "such a turn of a label": (
        '{"id": "a", "labels": {"p": [[99999, "MISALIGNED"]]}}\n',
        ":1: labels.p[0][0]",
    ),
    "a turn too many among others": (
        "conversation,turn,component,status\na,1,p,ALIGNED\na,9,p,MISALIGNED\na,2,p,ALIGNED\n",
        ":3: conversation 'a': a status at turn 9 of 4",
    ),
    "a step back after others": (
        "conversation,turn,component,status\na,1,p,MISALIGNED\na,2,p,MISALIGNED\na,3,p,ALIGNED\n",
        ":4: conversation 'a', turn 3: 'p' goes back",
    ),
    "another category's status after others": (
        "conversation,turn,component,status\na,1,p,ALIGNED\na,2,p,COMPLETE\n",
        ":3: conversation 'a', turn 2: COMPLETE is no status of a policy",
    ),
    "another category after others": (
        "conversation,turn,component,category,status\na,1,p,,ALIGNED\na,2,p,profile,ALIGNED\n",
        ":3: conversation 'a': 'p' is a profile here",
    ),
    "an unknown component after others": (
        "conversation,turn,component,status\na,1,p,ALIGNED\na,1,x,ALIGNED\n",
        ":3: conversation 'a': no file tells the category",
    ),
    "a status that is none below a cell of two lines": (
        'conversation,turn,component,status,user\na,1,p,ALIGNED,"one\ntwo"\na,2,p,GOOD,"three\nfour"\n',
        ":4: expected a status",
    ),
    "a quotation mark that is not closed": (
        'conversation,turn,component,status,text\na,1,p,ALIGNED,"Be polite.\na,2,p,ALIGNED,\n',
        ":2: broken CSV",
    ),
    "a turn with two labels": (
        '{"id": "a", "labels": {"p": [[1, "ALIGNED"], [1, "MISALIGNED"]]}}\n',
        ":1: labels.p: turn 1 stands there twice",
    ),
    "another text under the same id": (
        json.dumps({"conversation": "a", "turn": 1, "component": "p", "status": "ALIGNED", "text": "Shout."})
        + "\n",
        ":1: conversation 'a': 'p' is 'Shout.' here and 'Be polite.' in",
    ),
    "a label of no shape": ('{"id": "a", "labels": {"p": [[1]]}}\n', ":1: labels.p[0]"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line(goalstate, judge, tmp_path, text, words):
    bad = _broken(tmp_path, text)
    result = goalstate("agree", judge, bad)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (error,) = result.stderr.splitlines()
    assert str(bad) in error
    assert words in error


def test_other_numbers_of_turns(goalstate, judge, tmp_path):
    result = goalstate("agree", judge, tracked(tmp_path / "t.jsonl", OTHER, turns=3))
    assert result.exit_code == 2
    assert f"conversation 'a' has 3 turns here and 4 in {judge}" in result.stderr


def test_a_name_in_brackets_is_no_markup(goalstate, judge, tmp_path):
    result = goalstate("agree", judge, tracked(tmp_path / "t[draft].jsonl", OTHER))
    assert result.exit_code == 0, result.output
    assert "t[draft] by column" in result.stdout


def test_turns_of_a_track_out_of_order(goalstate, judge, tmp_path):
    state = {component["id"]: {"status": "INCOMPLETE", "probability": 1} for component in GOAL["components"]}
    line = {"id": "a", "goal": GOAL, "turns": [{"turn": 2, "state": state}]}
    result = goalstate("agree", judge, _broken(tmp_path, json.dumps(line) + "\n"))
    assert result.exit_code == 2
    assert "turns[0].turn: expected 1, found 2" in result.stderr


def test_a_file_without_labels(goalstate, judge, tmp_path):
    line = {"id": "a", "goal": GOAL, "messages": [{"role": "user", "content": "Hi."}]}
    result = goalstate("agree", judge, _broken(tmp_path, json.dumps(line) + "\n"))
    assert result.exit_code == 2
    assert "no conversation has labels" in result.stderr


def test_one_file_is_too_few(goalstate, judge):
    result = goalstate("agree", judge)
    assert result.exit_code == 2
    assert "takes two" in result.stderr


def test_people_against_people(goalstate, tmp_path):
    given = [("a", 1, "p", "ALIGNED"), ("a", 2, "p", "MISALIGNED")]
    one = bare(tmp_path / "one.jsonl", {"a": {"p": [(2, "MISALIGNED")]}})
    other = rows(tmp_path / "other.jsonl", given)
    result = goalstate("agree", one, other)
    assert result.exit_code == 2  # nobody says what p is
    assert "no file tells the category" in result.stderr

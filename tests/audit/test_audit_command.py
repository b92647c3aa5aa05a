"""``goalstate audit`` as a user meets it."""

import json

import pytest
from audit_samples import DONE, ScriptedTracker, conversation, track, without
from click.testing import CliRunner

from tracker.cli import cli
from tracker.errors import InputError
from tracker.formats.native import conversation_to_json
from tracker.goal import Status
from tracker.output import track_as_json
from tracker.tracking import GoalTracker

DRIFTED = without(street=(2, Status.MISALIGNED))
SCRIPT = {"kept": (DONE, 0.0), "drifted": (DRIFTED, 0.0), "passed": (DONE, 1.0)}


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def runs(tmp_path):
    """A file of runs, in the native format, with rewards."""
    lines = [conversation_to_json(conversation(name, reward=reward)) for name, (_, reward) in SCRIPT.items()]
    return write(tmp_path / "runs.jsonl", lines)


@pytest.fixture
def tracks(tmp_path):
    """What ``track --output`` writes for them."""
    lines = [
        track_as_json(track(name, changes), {"version": "0", "model": "scripted", "decoder": "none"})
        for name, (changes, _) in SCRIPT.items()
    ]
    return write(tmp_path / "tracks.jsonl", lines)


@pytest.fixture
def labelled(tmp_path):
    lines = [
        conversation_to_json(conversation(name, reward=reward, labels=changes))
        for name, (changes, reward) in SCRIPT.items()
    ]
    return write(tmp_path / "judged.jsonl", lines)


@pytest.fixture
def scripted(monkeypatch):
    tracker = ScriptedTracker()
    monkeypatch.setattr(GoalTracker, "load", lambda *_, **__: tracker)
    return tracker


def goalstate(*arguments):
    result = CliRunner().invoke(cli, [str(each) for each in ("audit", *arguments)], prog_name="goalstate")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_runs_are_sorted_and_the_words_are_shown(runs, tracks, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    result = goalstate(runs, "--tracked", tracks)
    assert result.exit_code == 0, result.output
    out = " ".join(result.stdout.split())
    assert "3 runs" in out
    assert "the agent failed 1 failed, and the user kept its goal" in out
    assert "both 1 failed, and the user left its goal" in out
    assert "pass rate 33.3%" in out
    assert "pass rate where the user kept its goal 50.0%" in out
    assert (
        "drifted 0 2/3 policy MISALIGNED: You never give your street. 88% User at turn 2 of drifted." in out
    )
    assert "The agent failed: kept" in out
    assert "\x1b" not in result.output


def test_an_id_in_square_brackets_is_shown_as_it_is(tmp_path):
    name = "t[mms][/a]"
    runs = write(tmp_path / "runs.jsonl", [conversation_to_json(conversation(name, reward=0.0))])
    tracks = write(tmp_path / "tracks.jsonl", [track_as_json(track(name, DRIFTED), {})])
    result = goalstate(runs, "--tracked", tracks)
    assert result.exit_code == 0, result.output
    assert name in result.stdout


def test_without_tracks_the_runs_are_tracked(runs, scripted):
    result = goalstate(runs)
    assert result.exit_code == 0, result.output
    assert scripted.started == 3
    assert "No user drifted." in result.stdout


def test_json_has_everything(runs, tracks):
    found = json.loads(goalstate(runs, "--tracked", tracks, "--json").stdout)
    assert found["outcomes"] == {"neither": 1, "agent failed": 1, "user drifted": 0, "both": 1}
    assert found["corrected_pass_rate"]["value"] == 0.5
    assert found["tracker"] == ["version 0, model scripted, decoder none"]
    (verdict,) = [run for run in found["verdicts"] if run["drifted"]]
    assert (verdict["id"], verdict["outcome"]) == ("drifted", "both")
    assert verdict["breaks"][0] == {
        "component": "street",
        "category": "policy",
        "text": "You never give your street.",
        "turn": 2,
        "status": "MISALIGNED",
        "probability": 0.875,
        "words": "User at turn 2 of drifted.",
    }


def test_a_judged_file_is_compared_with(labelled, tracks, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    result = goalstate("--judged", labelled, "--tracked", tracks)
    assert result.exit_code == 0, result.output
    out = " ".join(result.stdout.split())
    assert 'precision of "the user drifted" 100.0%' in out
    assert "1 of 1" in out
    assert "Cohen's kappa of the verdicts: 1.00" in out
    found = json.loads(goalstate("--judged", labelled, "--tracked", tracks, "--json").stdout)
    assert found["against_judge"]["runs"] == 3
    assert found["against_judge"]["breaks_found"]["hits"] == 1


def test_markdown_is_written_and_holds_text_as_text(tmp_path):
    nasty = "Ping @someone | <img src=x> ``two`` [link](https://example.org)\n# heading"
    line = conversation_to_json(conversation("run|1", reward=0.0))
    line["messages"][2]["content"] = nasty
    runs = write(tmp_path / "runs.jsonl", [line])
    tracks = write(tmp_path / "tracks.jsonl", [track_as_json(track("run|1", DRIFTED), {"model": "scripted"})])
    out = tmp_path / "audit.md"
    result = goalstate(runs, "--tracked", tracks, "--output", out)
    assert result.exit_code == 0, result.output
    text = out.read_text(encoding="utf-8")
    (row,) = [each for each in text.splitlines() if "Ping" in each]
    assert row.count("|") - row.count(r"\|") == 8  # seven cells
    assert r"`run\|1`" in row
    assert "```Ping @someone \\| <img src=x> ``two`` [link](https://example.org) # heading```" in row
    assert not list(tmp_path.glob("*.partial"))


def test_a_track_without_a_run_is_passed_over(runs, tracks, tmp_path):
    more = track_as_json(track("unknown", DONE), {})
    short = track_as_json(track("kept", DONE, turns=2), {})
    lines = [json.loads(line) for line in tracks.read_text().splitlines()]
    result = goalstate(runs, "--tracked", write(tmp_path / "more.jsonl", [short, *lines[1:], more]))
    assert result.exit_code == 1
    assert "there is no conversation for the track 'unknown'" in result.stderr
    assert "conversation 'kept' has 3 turns, its track 2" in result.stderr
    assert "have no track" not in result.stderr
    assert "2 runs" in result.stdout


def test_runs_that_were_not_tracked_are_spoken_of(runs, tracks, tmp_path):
    one = [json.loads(tracks.read_text().splitlines()[0])]
    result = goalstate(runs, "--tracked", write(tmp_path / "one.jsonl", one))
    assert result.exit_code == 0
    assert result.stderr == "goalstate: 2 of 3 conversations have no track\n"
    assert result.stdout.startswith("1 run\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name a file of runs"),
        (["runs.jsonl", "--json", "--markdown"], "exclude each other"),
        (["missing.json"], "there is no such file"),
        (["runs.jsonl", "--tracked", "runs.jsonl"], "expected a line that goalstate track --output wrote"),
        (["runs.jsonl", "--tracked", "tracks.jsonl", "--output", "runs.jsonl"], "take the place of an input"),
        (
            ["runs.jsonl", "--tracked", "tracks.jsonl", "--judged", "runs.jsonl"],
            "none of the runs has labels",
        ),
        (["runs.jsonl", "--tracked", "tracks.jsonl", "--output", "no/folder.md"], "does not exist"),
    ],
)
def test_what_cannot_be_done_is_said(runs, tracks, monkeypatch, arguments, message):
    monkeypatch.chdir(runs.parent)
    result = goalstate(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_run_that_cannot_be_read_is_passed_over_beside_its_tracks_too(runs, tracks):
    with runs.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "broken", "goal"\n')
    result = goalstate(runs, "--tracked", tracks, "--json")
    assert result.exit_code == 1
    assert f"goalstate: passed over: {runs}:4: broken JSON" in result.stderr
    assert json.loads(result.stdout)["passed_over"] == 1
    assert goalstate(runs, "--tracked", tracks, "--strict").exit_code == 2


def test_a_judgement_that_cannot_be_read_is_passed_over(runs, tracks, labelled):
    with labelled.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "broken", "goal"\n')
    arguments = (runs, "--tracked", tracks, "--judged", labelled)
    result = goalstate(*arguments, "--json")
    assert result.exit_code == 1
    assert f"goalstate: passed over: {labelled}:4: broken JSON" in result.stderr
    assert json.loads(result.stdout)["against_judge"]["runs"] == 3
    assert goalstate(*arguments, "--strict").exit_code == 2
    alone = goalstate("--judged", labelled, "--tracked", tracks)
    assert alone.exit_code == 1
    assert alone.stderr.count("passed over") == 1


def test_judgements_that_share_an_id_are_compared_only_where_all_are_there(runs, tracks, labelled):
    twice = labelled.read_text().splitlines()
    labelled.write_text("\n".join([twice[1], *twice]) + "\n")
    result = goalstate(runs, "--tracked", tracks, "--judged", labelled, "--json")
    assert result.exit_code == 1
    assert "'drifted' is the id of 1 of the runs and of 2 of the conversations" in result.stderr
    assert json.loads(result.stdout)["against_judge"]["runs"] == 2


@pytest.fixture
def twins(tmp_path):
    """Runs, tracks and judgements in which two runs share an id: of the judgements, the second drifted."""
    scripts = (DONE, DRIFTED)
    runs = [conversation_to_json(conversation("a", reward=0.0)) for _ in scripts]
    judged = [conversation_to_json(conversation("a", reward=0.0, labels=script)) for script in scripts]
    tracks = [track_as_json(track("a", script), {}) for script in scripts]
    return tuple(
        write(tmp_path / f"twin-{name}.jsonl", lines)
        for name, lines in (("runs", runs), ("tracks", tracks), ("judged", judged))
    )


@pytest.mark.parametrize("tracked", [True, False], ids=["read", "tracked"])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside runs"])
def test_a_limit_does_not_part_runs_that_share_an_id_from_their_judgements(twins, scripted, tracked, alone):
    runs, tracks, judged = twins
    arguments = [*([] if alone else [runs]), *(["--tracked", tracks] if tracked else [])]
    result = goalstate(*arguments, "--judged", judged, "--limit", "1", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert len(found["verdicts"]) == found["against_judge"]["runs"] == 1


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside runs"])
def test_a_run_that_could_not_be_tracked_does_not_cost_its_twin_the_judgement(
    twins, scripted, monkeypatch, alone
):
    runs, _, judged = twins
    whole = scripted.track_many

    def fail_first(conversations, **options):
        yield InputError("too long")
        yield from whole(conversations[1:], **options)

    monkeypatch.setattr(scripted, "track_many", fail_first)
    result = goalstate(*([] if alone else [runs]), "--judged", judged, "--json")
    assert result.exit_code == 1
    assert result.stderr.count("passed over") == 1
    against = json.loads(result.stdout)["against_judge"]
    assert against["runs"] == 1
    assert (against["breaks_found"]["hits"], against["breaks_found"]["total"]) == (0, 1)


@pytest.mark.parametrize("spelling", ["absolute", "symlink"])
def test_the_judged_file_may_be_named_in_two_ways(labelled, tracks, monkeypatch, spelling):
    monkeypatch.chdir(labelled.parent)
    with labelled.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "broken", "goal"\n')
    (labelled.parent / "link.jsonl").symlink_to("judged.jsonl")
    runs = {"absolute": labelled, "symlink": "link.jsonl"}[spelling]
    result = goalstate(runs, "--tracked", tracks, "--judged", "judged.jsonl", "--json")
    assert result.exit_code == 1
    assert result.stderr.count("passed over") == 1
    assert json.loads(result.stdout)["passed_over"] == 1


def test_a_judged_file_without_conversations_is_one_line(runs, tracks, tmp_path):
    results = [{"task_id": n, "reward": 0.0, "info": {}, "traj": []} for n in range(3)]
    judged = tmp_path / "results.json"
    judged.write_text(json.dumps(results))
    result = goalstate(runs, "--tracked", tracks, "--judged", judged)
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert f"{judged}: expected conversations with a judge's labels" in error


@pytest.mark.parametrize("judged", ["missing.jsonl", "tracks.jsonl", "runs.jsonl", "strangers.jsonl"])
def test_judgements_that_are_none_are_told_before_anything_is_tracked(
    runs, tracks, scripted, monkeypatch, judged
):
    monkeypatch.chdir(runs.parent)
    stranger = conversation_to_json(conversation("stranger", labels=DONE))
    write(runs.parent / "strangers.jsonl", [stranger])
    result = goalstate("runs.jsonl", "--judged", judged)
    assert result.exit_code == 2
    assert scripted.started == 0
    said = {
        "missing.jsonl": "there is no such file",
        "tracks.jsonl": "these are tracks; expected conversations with a judge's labels",
    }
    assert said.get(judged, "none of the runs has labels in this file") in result.stderr


def test_markdown_has_the_number_of_runs_and_those_without_a_reward(tracks, tmp_path):
    lines = [conversation_to_json(conversation(name, reward=None)) for name in SCRIPT]
    runs = write(tmp_path / "unrewarded.jsonl", lines)
    text = goalstate(runs, "--tracked", tracks, "--markdown").stdout
    assert text.startswith("3 runs:\n")
    assert "| without a reward | 2 | 1 |" in text


def test_a_confidence_is_a_number(runs):
    result = goalstate(runs, "--confidence", "nan")
    assert result.exit_code == 2
    assert "not a finite number" in result.stderr

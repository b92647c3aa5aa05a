"""``goalstate report`` and ``goalstate export`` as a user meets them."""

import csv
import json

import pytest
from click.testing import CliRunner
from one_by_one import OneByOne
from report_samples import DRIFTED, RENTED, tracked

from tracker.cli import cli
from tracker.formats.native import conversation_to_json
from tracker.output import track_as_json
from tracker.state import GoalState
from tracker.table_export import write_table
from tracker.tracking import GoalTracker

TRACKED = [tracked("kept", reward=1.0), tracked("drifted", DRIFTED, reward=0.0)]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with conversations, and what ``track --output`` writes for them."""
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps(conversation_to_json(each.conversation)) for each in TRACKED]
    (tmp_path / "runs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    lines = [json.dumps(track_as_json(each.track, each.tracker)) for each in TRACKED]
    (tmp_path / "tracks.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def goalstate(*arguments):
    result = CliRunner().invoke(cli, list(arguments), prog_name="goalstate")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_tracks_alone_make_a_report_without_words(files):
    result = goalstate("report", "tracks.jsonl", "--output", "report.html")
    assert result.exit_code == 0, result.output
    assert "--conversations adds them" in result.stderr
    page = (files / "report.html").read_text(encoding="utf-8")
    assert "<title>tracks.jsonl" in page
    assert "I would like a bike" not in page


def test_conversations_bring_the_words_and_plots_are_files(files):
    result = goalstate(
        *("report", "tracks.jsonl", "--conversations", "runs.jsonl", "--output", "report.html"),
        *("--plots", "plots", "--title", "Bikes & bells"),
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    page = (files / "report.html").read_text(encoding="utf-8")
    assert "Bikes &amp; bells" in page
    assert "I would like a bike" in page
    assert {path.name for path in (files / "plots").iterdir()} == {"success.svg", "ends.svg", "drift.svg"}
    assert not list(files.rglob("*.partial"))


def test_plots_of_an_older_report_do_not_stay_beside_the_new_ones(files):
    goalstate("report", "tracks.jsonl", "--output", "report.html", "--plots", "plots")
    (files / "plots" / "notes.svg").write_text("mine")
    first, _ = (files / "tracks.jsonl").read_text(encoding="utf-8").splitlines()
    (files / "kept.jsonl").write_text(first, encoding="utf-8")
    goalstate("report", "kept.jsonl", "--output", "report.html", "--plots", "plots")
    assert {path.name for path in (files / "plots").iterdir()} == {"success.svg", "ends.svg", "notes.svg"}


class Still(OneByOne):
    """A tracker for which nothing ever changes."""

    def __init__(self, goal=None):
        self.state = None if goal is None else GoalState.start(goal)

    def describe(self):
        return {"version": "0", "model": "still", "decoder": "none"}

    def start(self, goal, *, opening=None):
        return Still(goal)

    def update(self, user, assistant=None):
        self.state = GoalState(self.state.turn + 1, self.state.components)
        return self.state

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_conversations_are_tracked_first(files, monkeypatch):
    monkeypatch.setattr(GoalTracker, "load", lambda *_, **__: Still())
    result = goalstate("report", "runs.jsonl", "--output", "report.html", "--limit", "1")
    assert result.exit_code == 0, result.output
    page = (files / "report.html").read_text(encoding="utf-8")
    assert "tracked by still (version 0, decoder none)" in page
    assert "1 conversation," in page
    assert "I would like a bike" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "tracks.jsonl"], "--output"),
        (["report", "missing.jsonl", "--output", "a.html"], "there is no such file"),
        (["report", "tracks.jsonl", "--output", "tracks.jsonl"], "take the place of an input"),
        (["report", "tracks.jsonl", "--output", "no/a.html"], "does not exist"),
        (
            ["report", "runs.jsonl", "--conversations", "runs.jsonl", "--output", "a.html"],
            "holds conversations",
        ),
        (["export", "tracks.jsonl", "--output", "a.xls"], "ends in .csv or .parquet"),
    ],
)
def test_what_cannot_be_done_is_said(files, arguments, message):
    before = {path.name for path in files.iterdir()}
    result = goalstate(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert {path.name for path in files.iterdir()} == before


def test_a_track_that_has_no_conversation_is_passed_over(files):
    stray = tracked("stray", RENTED)
    with (files / "tracks.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("\n" + json.dumps(track_as_json(stray.track, stray.tracker)))
    arguments = ("report", "tracks.jsonl", "--conversations", "runs.jsonl", "--output", "report.html")
    result = goalstate(*arguments)
    assert result.exit_code == 1
    assert "there is no conversation for the track 'stray'" in result.stderr
    assert "2 conversations" in (files / "report.html").read_text(encoding="utf-8")
    assert goalstate(*arguments, "--strict").exit_code == 2


def test_a_csv_table_has_a_row_per_turn_and_component(files):
    result = goalstate("export", "tracks.jsonl", "--conversations", "runs.jsonl", "--output", "table.csv")
    assert result.exit_code == 0, result.output
    with (files / "table.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 4 * 5
    (broken,) = [row for row in rows if row["component"] == "home" and row["changed"] == "True"]
    assert (broken["conversation"], broken["turn"], broken["status"]) == ("drifted", "2", "MISALIGNED")
    assert (broken["success"], broken["reward"], broken["model"]) == ("False", "0.0", "scripted")
    assert broken["user"].startswith("I would like a bike.")


def test_a_label_of_another_component_with_the_same_id_is_left_out(files):
    lines = [json.loads(line) for line in (files / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["labels"] = {"rent": [[4, "COMPLETE"]], "home": [[2, "MISALIGNED"]]}
        line["goal"]["components"][0]["text"] = "Sell a bike."
    (files / "others.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = ("export", "tracks.jsonl", "--conversations", "others.jsonl", "--output", "table.csv")
    assert goalstate(*arguments).exit_code == 0
    with (files / "table.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["label"] for row in rows if row["component"] == "rent"} == {""}
    assert {row["label"] for row in rows if row["component"] == "home"} == {"ALIGNED", "MISALIGNED"}


def test_a_lone_carriage_return_stays_in_its_cell(tmp_path):
    write_table([tracked("one", said="A bike,\rplease.")], tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["user"] for row in rows if row["turn"] == "1"} == {"A bike,\rplease. (one, turn 1)"}
    assert len(rows) == 4 * 5


def test_parquet_needs_its_extra_and_says_so(files, monkeypatch):
    monkeypatch.setattr("tracker.table_export.find_spec", lambda name: None)
    result = goalstate("export", "tracks.jsonl", "--output", "table.parquet")
    assert result.exit_code == 2
    assert "goalstate[table]" in result.stderr


def test_a_parquet_table_comes_back(files):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    result = goalstate("export", "tracks.jsonl", "--conversations", "runs.jsonl", "--output", "table.parquet")
    assert result.exit_code == 0, result.output
    frame = pandas.read_parquet(files / "table.parquet")
    assert frame.shape == (40, 15)
    assert frame.groupby("conversation")["success"].last().tolist() == [True, True]
    assert frame["reward"].tolist()[0] == 1.0
    assert frame["label"].isna().all()


def test_a_conversation_that_cannot_be_read_is_passed_over(files):
    with (files / "runs.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('\n{"id": "broken", "goal"\n')
    arguments = ("report", "tracks.jsonl", "--conversations", "runs.jsonl", "--output", "report.html")
    result = goalstate(*arguments)
    assert result.exit_code == 1
    assert "passed over: runs.jsonl:3: broken JSON" in result.stderr
    assert goalstate(*arguments, "--strict").exit_code == 2


def test_no_cell_of_a_csv_is_run_as_a_formula(files):
    lines = [json.loads(line) for line in (files / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    lines[0]["messages"][0]["content"] = '=HYPERLINK("http://example.org")'
    lines[0]["reward"] = -1.0
    (files / "runs.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    goalstate("export", "tracks.jsonl", "--conversations", "runs.jsonl", "--output", "table.csv")
    with (files / "table.csv").open(encoding="utf-8", newline="") as stream:
        row = next(csv.DictReader(stream))
    assert row["user"] == '\'=HYPERLINK("http://example.org")'
    assert row["reward"] == "-1.0"


def test_a_parquet_table_goes_where_a_link_leads(files):
    pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (files / "table.parquet").symlink_to("real.parquet")
    assert goalstate("export", "tracks.jsonl", "--output", "table.parquet").exit_code == 0
    assert (files / "table.parquet").is_symlink()
    assert (files / "real.parquet").exists()

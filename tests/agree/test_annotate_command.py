"""``goalstate annotate`` and back: a sheet that people fill in, and ``agree`` reads."""

from __future__ import annotations

import csv
import json

import pytest
from rated import native

from tracker.spreadsheets import as_written, harmless

JUDGE = {"a": {"o": [(2, "ATTEMPTED"), (4, "COMPLETE")], "p": [(3, "MISALIGNED")]}}


def _cells(path):
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def _fill(path, statuses):
    """Write statuses into the sheet, by component and turn, as a spreadsheet program would."""
    cells = _cells(path)
    with path.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.DictWriter(stream, cells[0].keys(), delimiter=";")
        writer.writeheader()
        for row in cells:
            row["status"] = statuses.get((row["component"], int(row["turn"])), "")
            writer.writerow(row)


def test_a_row_per_turn_and_component(goalstate, tmp_path):
    sheet = tmp_path / "sheet.csv"
    result = goalstate("annotate", native(tmp_path / "in.jsonl", JUDGE), "--output", sheet)
    assert result.exit_code == 0, result.output
    assert "12 rows to fill in" in result.stdout
    cells = _cells(sheet)
    assert len(cells) == 12
    assert cells[3] == {
        "conversation": "a",
        "turn": "2",
        "user": "user 2",
        "agent": "assistant 2",
        "component": "o",
        "category": "objective",
        "text": "Return a kettle.",
        "allowed": "INCOMPLETE / ATTEMPTED / COMPLETE",
        "status": "",
    }
    assert all(row["status"] == "" for row in cells)  # what the file's labels say is not shown


def test_filled_in_by_its_changes_and_read_back(goalstate, tmp_path):
    source, sheet = native(tmp_path / "in.jsonl", JUDGE), tmp_path / "sheet.csv"
    goalstate("annotate", source, "--output", sheet)
    _fill(
        sheet, {("o", 2): "attempted", ("o", 4): "COMPLETE", ("p", 3): " Misaligned ", ("r", 1): "INCOMPLETE"}
    )
    found = json.loads(goalstate("agree", source, sheet, "--json").stdout)
    assert found["pairs"][0]["labels"] == 12
    assert found["pairs"][0]["average"]["every_turn"]["accuracy"]["value"] == 1


def test_what_nobody_filled_in_is_left_out(goalstate, tmp_path):
    source, sheet = native(tmp_path / "in.jsonl", JUDGE), tmp_path / "sheet.csv"
    goalstate("annotate", source, "--output", sheet)
    _fill(sheet, {("p", 3): "MISALIGNED"})
    found = json.loads(goalstate("agree", source, sheet, "--json").stdout)
    assert found["pairs"][0]["components"] == 1
    assert found["pairs"][0]["components_left_out"] == 2


def test_the_words_come_from_the_sheet_where_no_other_file_has_them(goalstate, tmp_path):
    source = native(tmp_path / "in.jsonl", JUDGE)
    sheets = [tmp_path / "one.csv", tmp_path / "other.csv"]
    for path, turn in zip(sheets, (2, 3), strict=True):
        goalstate("annotate", source, "--output", path)
        _fill(path, {("p", turn): "MISALIGNED"})
    (found,) = json.loads(goalstate("agree", *sheets, "--json").stdout)["pairs"]
    assert found["labels"] == 4
    assert found["disagreements"][0]["words"] == {"user": "user 2", "agent": "assistant 2"}


def test_nothing_that_was_said_becomes_a_formula(goalstate, tmp_path):
    line = {
        "id": "=evil",
        "goal": {"components": [{"id": "-p", "category": "policy", "text": "+1 is polite"}]},
        "messages": [{"role": "user", "content": '=HYPERLINK("http://x")'}],
        "labels": {},
    }
    source, sheet = tmp_path / "in.jsonl", tmp_path / "sheet.csv"
    source.write_text(json.dumps(line) + "\n")
    goalstate("annotate", source, "--output", sheet)
    (row,) = _cells(sheet)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    _fill(sheet, {(row["component"], 1): "ALIGNED"})
    found = json.loads(goalstate("agree", source, sheet, "--json").stdout)
    assert found["pairs"][0]["labels"] == 1


@pytest.mark.parametrize("cell", ["=a", "'=a", "''=a", "'a", "a", "-1"])
def test_what_is_kept_from_being_a_formula_comes_back_as_it_was(cell):
    assert not harmless(cell).startswith("=")
    assert as_written(harmless(cell)) == cell


def test_a_sheet_that_is_there_is_not_replaced_unasked(goalstate, tmp_path):
    source, sheet = native(tmp_path / "in.jsonl", JUDGE), tmp_path / "sheet.csv"
    sheet.write_text("hours of work")
    result = goalstate("annotate", source, "--output", sheet)
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert sheet.read_text() == "hours of work"
    assert goalstate("annotate", source, "--output", sheet, "--force").exit_code == 0


def test_conversations_that_share_an_id_make_no_sheet(goalstate, tmp_path):
    sources = [native(tmp_path / name, JUDGE) for name in ("one.jsonl", "other.jsonl")]
    result = goalstate("annotate", *sources, "--output", tmp_path / "sheet.csv")
    assert result.exit_code == 2
    assert "2 conversations have the id 'a'" in result.stderr
    assert not (tmp_path / "sheet.csv").exists()


def test_bad_input(goalstate, tmp_path):
    for source in (tmp_path / "missing.jsonl", tmp_path):
        result = goalstate("annotate", source, "--output", tmp_path / "sheet.csv")
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
    result = goalstate(
        "annotate", native(tmp_path / "in.jsonl", JUDGE), "--output", tmp_path / "no" / "s.csv"
    )
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_a_bad_conversation_among_others_is_passed_over(goalstate, tmp_path):
    source = native(tmp_path / "in.jsonl", JUDGE)
    source.write_text(source.read_text() + '{"id": "bad", "messages": []}\n')
    result = goalstate("annotate", source, "--output", tmp_path / "sheet.csv")
    assert result.exit_code == 1
    assert "passed over" in result.stderr


def test_blank_rows_and_very_long_messages_are_read(goalstate, tmp_path):
    source, sheet = native(tmp_path / "in.jsonl", JUDGE), tmp_path / "sheet.csv"
    goalstate("annotate", source, "--output", sheet)
    _fill(sheet, {("p", 3): "MISALIGNED"})
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("user 1", "long " * 40_000), encoding="utf-8")
    with sheet.open("a", encoding="utf-8") as stream:
        stream.write(";;;;;;;;\n; ;;;;;;;\n\n")
    result = goalstate("agree", source, sheet, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["pairs"][0]["components"] == 1

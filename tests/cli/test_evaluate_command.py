"""``goalstate evaluate`` as a user meets it."""

import json
import re

from native_samples import line, unlabelled


def test_the_table_has_categories_average_floor_and_intervals(goalstate, file):
    result = goalstate(
        "evaluate", file(*(line(f"c-{i}", labels={} if i % 2 else line()["labels"]) for i in range(6)))
    )
    assert result.exit_code == 0, result.output
    assert "6 conversations, 18 components, 36 labels" in result.stdout
    assert "version 0, model fake, decoder branches" in result.stdout
    assert re.search(
        r"^every turn +labels floor +accuracy +macro-F1 +kappa +recall +ECE", result.stdout, re.MULTILINE
    )
    assert re.search(r"^objective +12 0\.750 +0\.750 +0\.733 +0\.500 +– +0\.125", result.stdout, re.MULTILINE)
    assert re.search(r"^policy +12 1\.000 +1\.000 +1\.000 +– +– +0\.125", result.stdout, re.MULTILINE)
    assert re.search(r"^average +36 .* 0\.750 +0\.\d+ +0\.\d+ +1\.000 +0\.\d+", result.stdout, re.MULTILINE)
    assert re.search(r"^last turn +labels floor +accuracy +macro-F1 +kappa", result.stdout, re.MULTILINE)
    assert "1.00–1.00" in result.stdout
    assert re.search(
        r"ECE: expected\s+calibration error, on average 0\.\d{3} on as few labels", result.stdout
    )
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.output


def test_json_has_everything(goalstate, file):
    source = file(line("a"), line("b"))
    result = goalstate("evaluate", source, "--json", "--decoder", "plain")
    assert result.exit_code == 0
    written = json.loads(result.stdout)
    assert written["file"] == str(source)
    assert written["tracker"] == {"version": "0", "model": "fake", "decoder": "plain"}
    assert (written["conversations"], written["components"], written["labels"]) == (2, 6, 12)
    assert written["passed_over"] == 0
    objective = written["categories"]["objective"]
    assert objective["every_turn"]["accuracy"]["value"] == 1
    assert objective["every_turn"]["start_accuracy"]["value"] == 0.5
    assert objective["confusion"] == [[2, 0, 0], [0, 0, 0], [0, 0, 2]]
    assert written["categories"]["policy"]["every_turn"]["kappa"]["value"] is None
    assert 0 < written["average"]["calibration_error_by_chance"] <= 0.125


def test_nothing_is_left_behind(goalstate, file, tmp_path):
    goalstate("evaluate", file(line("a"), line("b")))
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_limit(goalstate, file, fakes):
    assert goalstate("evaluate", file(line("a"), line("b"), line("c")), "--limit", "2").exit_code == 0
    assert fakes[0].started == 2


def test_probes_are_compared_only_when_asked_for(goalstate, file):
    probed = [
        line(
            name,
            probes=[{"id": "window", "category": "preference", "text": "By the window, if they can."}],
            labels=line()["labels"] | {"window": [[2, "ALIGNED"]]},
        )
        for name in ("a", "b")
    ]
    without = json.loads(goalstate("evaluate", file(*probed), "--json").stdout)
    assert "preference" not in without["categories"]
    with_them = json.loads(goalstate("evaluate", file(*probed), "--json", "--probes").stdout)
    assert with_them["categories"]["preference"]["labels"] == 4


def test_a_file_without_labels_is_refused_in_one_line(goalstate, file, fakes):
    source = file(unlabelled("a"), unlabelled("b"))
    result = goalstate("evaluate", source)
    assert result.exit_code == 2
    assert result.stderr == f"goalstate: error: {source}: no conversation has labels to compare with\n"
    assert fakes == []


def test_conversations_without_labels_among_others_are_passed_over(goalstate, file):
    source = file(line("a"), unlabelled("b"), line("c"))
    result = goalstate("evaluate", source, "--json")
    assert result.exit_code == 1
    assert result.stderr == f"goalstate: passed over: {source}: conversation 'b' has no labels\n"
    assert json.loads(result.stdout)["passed_over"] == 1


def test_strict_stops(goalstate, file):
    result = goalstate("evaluate", file(line("a"), "[1, 2", line("c")), "--strict")
    assert result.exit_code == 2
    assert result.stdout == ""

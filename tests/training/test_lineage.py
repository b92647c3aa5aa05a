"""The runs that a run stands on, nested and one after another."""

import json

import pytest

from training.lineage import flat, nested

FIRST = {"passes": 10}
SECOND = {"passes": 20, "start": FIRST}
RELEASED = {**SECOND, "beside": [FIRST]}
LATER = {"passes": 30, "start": RELEASED, "beside": [RELEASED, SECOND], "notes": ["a note"]}


def test_every_run_is_written_once_and_read_back_in_its_place() -> None:
    written = flat(LATER)
    assert written == {
        "passes": 30,
        "notes": ["a note"],
        "start": 1,
        "beside": [1, 2],
        "earlier": [{"passes": 10}, {"passes": 20, "start": 0, "beside": [0]}, {"passes": 20, "start": 0}],
    }
    assert nested(json.loads(json.dumps(written))) == LATER


def test_releases_that_stand_on_one_another_take_a_line_each() -> None:
    release = FIRST
    for number in range(12):
        release = {"passes": number, "start": release, "beside": [release]}
    assert len(flat(release)["earlier"]) == 12
    assert nested(flat(release)) == release


def test_a_run_that_stands_on_none_and_one_that_is_nested_already_stay_as_they_are() -> None:
    assert flat(FIRST) == FIRST
    assert nested(FIRST) == FIRST
    assert nested(LATER) == LATER


@pytest.mark.parametrize(
    ("run", "what"),
    [
        ({"start": 1, "earlier": [{"passes": 1}]}, "1 is not the place"),
        ({"start": -1, "earlier": [{"passes": 1}]}, "-1 is not the place"),
        ({"start": 0, "earlier": [{"passes": 1, "beside": [0]}]}, "0 is not the place"),
        ({"start": 0, "earlier": [7]}, "7 in 'earlier' is not"),
        ({"start": {"passes": 1}, "earlier": [{"passes": 1}]}, "is not the place"),
    ],
)
def test_a_place_where_no_run_stands_is_told(run: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        nested(run)

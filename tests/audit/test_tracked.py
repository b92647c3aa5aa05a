"""Tracks that are read back."""

import json

import pytest
from audit_samples import DONE, conversation, track

from tracker.errors import InputError
from tracker.output import TrackWriter, track_as_json
from tracker.tracked import Tracked, holds_tracks, join, read_tracks

DESCRIPTION = {"version": "0", "model": "scripted", "decoder": "none"}


def changed(**changes):
    return track_as_json(track("a", DONE), DESCRIPTION) | changes


def read(tmp_path, *lines):
    path = tmp_path / "tracks.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return list(read_tracks(path))


def test_what_was_written_is_read_back(tmp_path):
    path = tmp_path / "tracks.jsonl"
    with TrackWriter(path) as writer:
        writer.write(track("a", DONE), DESCRIPTION)
        writer.write(track("b", {}, turns=0), DESCRIPTION)
    assert holds_tracks(path)
    assert list(read_tracks(path)) == [
        Tracked(track("a", DONE), DESCRIPTION),
        Tracked(track("b", {}, turns=0), DESCRIPTION),
    ]


def state(turn, component, status):
    turns = json.loads(json.dumps(changed()["turns"]))
    turns[turn - 1]["state"][component] = {"status": status, "probability": 0.5}
    return turns


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        (state(3, "red", "INCOMPLETE"), "turns[2].state.red: goes back from COMPLETE to INCOMPLETE"),
        (state(1, "name", "COMPLETE"), "turns[0].state.name: COMPLETE is no status of a profile"),
        (state(1, "name", "FINE"), "turns[0].state.name.status"),
        (state(1, "new", "ALIGNED"), "expected the status of every component"),
        (changed()["turns"][1:], "turns[0].turn: expected 1, found 2"),
    ],
)
def test_a_line_that_cannot_be_a_track_is_named(tmp_path, turns, message):
    good, bad = read(tmp_path, changed(), changed(turns=turns))
    assert good.track.id == "a"
    assert isinstance(bad, InputError)
    assert ":2: " in str(bad)
    assert message in str(bad)


def test_tracks_and_conversations_with_one_id_are_joined_in_order(tmp_path):
    tracks = [Tracked(track("a", DONE)), Tracked(track("a", {}))]
    conversations = [conversation("a", reward=0.0), conversation("a", reward=1.0)]
    joined = list(join(tracks, conversations, tmp_path))
    assert [each.conversation.reward for each in joined] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("tracks", "conversations", "message"),
    [
        ([3, 3], [3], "'a' is the id of 2 of the tracks and of 1 of the conversations"),
        ([3], [3, 3], "'a' is the id of 1 of the tracks and of 2 of the conversations"),
        ([3, 2], [2, 3], "the conversations 'a' have 2, 3 turns, their tracks 3, 2"),
        ([3, 2], [3, 3], "the conversations 'a' have 3, 3 turns, their tracks 3, 2"),
    ],
)
def test_where_it_is_not_known_which_belong_together_none_is_joined(tmp_path, tracks, conversations, message):
    given = [Tracked(track("a", {}, turns=turns)) for turns in tracks]
    said = [conversation("a", turns=turns) for turns in conversations]
    other = (Tracked(track("b", {})), conversation("b"))
    *refused, joined = join([*given, other[0]], [other[1], *said], tmp_path)
    assert len(refused) == len(given)
    assert all(message in str(each) for each in refused)
    assert joined.conversation == other[1]

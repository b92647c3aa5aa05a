"""The simple ways that the tracker has to beat, on invented conversations."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from fixture_types import Talk, WriteNative

from tracker.conversation import Conversation
from tracker.goal import Category, Component, Status, reachable
from tracker.state import GoalState, Track
from training.baselines import (
    Baseline,
    MajorityByTurn,
    StartStatus,
    WithExamples,
    WordsRegression,
    compare,
    examples,
    main,
)

COLOURS = ("red", "green", "blue", "yellow", "white", "black")


@pytest.fixture(scope="module")
def orders(talk: Talk) -> list[Conversation]:
    """Half of the users voice their colour at turn 2, the others another; all orders are done at turn 3."""
    made = []
    for number in range(96):
        wanted = COLOURS[number % 6]
        true_to_it = number // 6 % 2 == 1
        voiced = wanted if true_to_it else COLOURS[(number + 1) % 6]
        made.append(
            talk(
                ("I need a boat for the day", "Which colour would you like?"),
                (f"Make it a {voiced} boat", "That is possible."),
                ("Then book the boat", "Your boat is booked."),
                ("Bye", None),
                name=f"order-{number}",
                goal=(
                    Component(id="o", category=Category.OBJECTIVE, text="Book a boat for the day."),
                    Component(id="w", category=Category.PREFERENCE, text=f"You like a {wanted} boat."),
                    Component(id="p", category=Category.PROFILE, text="You live by the sea."),
                ),
                labels={
                    "o": ((3, Status.COMPLETE),),
                    **({"w": ((2, Status.ALIGNED),)} if true_to_it else {}),
                },
            )
        )
    return made


def _never_back(track: Track) -> bool:
    for component in track.goal:
        statuses = (component.start, *track.statuses(component.id))
        for before, after in pairwise(statuses):
            if after not in reachable(component.category, before):
                return False
    return True


def test_the_start_status_never_moves(orders: list[Conversation]) -> None:
    track = StartStatus().track(orders[0])
    assert track.statuses("o") == (Status.INCOMPLETE,) * 4
    assert track.statuses("w") == (Status.MISALIGNED,) * 4


def test_the_majority_is_learnt_by_turn_and_does_not_go_back(orders: list[Conversation], talk: Talk) -> None:
    track = MajorityByTurn(orders).track(orders[0])
    assert track.statuses("o") == (Status.INCOMPLETE, Status.INCOMPLETE, Status.COMPLETE, Status.COMPLETE)
    assert track.states[0]["o"].probability == 1.0
    # Beyond the turns that training had, and where few conversations are still open, it stays where it is.
    long = talk(*[("And?", "Wait.")] * 14, goal=orders[0].goal.components)
    later = MajorityByTurn(orders).track(long)
    assert set(later.statuses("o")[2:]) == {Status.COMPLETE}
    assert _never_back(later)


@pytest.mark.parametrize("overlap", [False, True])
def test_words_say_that_an_order_is_done(orders: list[Conversation], overlap: bool) -> None:
    way = WordsRegression(orders[:72], overlap=overlap)
    for conversation in orders[72:]:
        track = way.track(conversation)
        assert track.statuses("o") == conversation.labelled_statuses("o")
        assert track.statuses("p") == (Status.ALIGNED,) * 4
        assert _never_back(track)


def test_only_overlap_says_whether_a_wish_is_voiced(orders: list[Conversation]) -> None:
    found = compare(
        [(str(overlap), WordsRegression(orders[:72], overlap=overlap)) for overlap in (False, True)],
        {"new": orders[72:]},
    )
    without, with_overlap = (f.agreement.categories[Category.PREFERENCE].figures.every_turn for f in found)
    assert with_overlap.accuracy.value > without.accuracy.value


class Recording:
    """Stands for a tracker; keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Conversation] = []

    def track(self, conversation: Conversation) -> Track:
        self.given.append(conversation)
        return StartStatus().track(conversation)


def test_examples_stand_before_a_conversation_and_are_no_turn(
    orders: list[Conversation], boats: Conversation
) -> None:
    recording = Recording()
    way: Baseline = WithExamples(recording, orders)
    track = way.track(boats)
    (given,) = recording.given
    assert given.turns == boats.turns
    assert [state.turn for state in track.states] == [1, 2, 3, 4]
    assert isinstance(track.states[0], GoalState)
    assert given.opening is not None
    assert given.opening.endswith("Harbour desk, hello.")
    assert 'Book a boat for the day.\n{"status":"COMPLETE"}\n' in given.opening


def test_examples_show_each_status_once(orders: list[Conversation]) -> None:
    text = examples(orders, most=4)
    for status in ("COMPLETE", "MISALIGNED"):
        assert text.count(f'"{status}"') == 1
    assert text.count('"ALIGNED"') == 2  # a profile's and a preference's


def test_one_command_compares_all_files(
    tmp_path: Path,
    orders: list[Conversation],
    write_native: WriteNative,
    capsys: pytest.CaptureFixture[str],
) -> None:
    train = write_native(tmp_path / "train.jsonl", orders[:24])
    files = [str(write_native(tmp_path / name, orders[84:])) for name in ("one.jsonl", "two.jsonl")]
    assert main(["--train", str(train), *files]) == 0
    shown = capsys.readouterr().out
    assert shown.index("one.jsonl") < shown.index("two.jsonl")
    assert shown.count("majority by turn") == 2
    assert "1.000" in shown

    assert main(["--train", str(train), *files, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f["way"] for f in found][:2] == ["start status", "majority by turn"]
    assert {f["file"].split("/")[1] for f in found} == {"one.jsonl", "two.jsonl"}
    assert all("kappa" in f["average"]["every_turn"] for f in found)


def test_a_missing_file_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--train", str(tmp_path / "none.jsonl"), str(tmp_path / "none.jsonl")]) == 2
    said = capsys.readouterr().err
    assert "none.jsonl" in said
    assert said.count("\n") == 1

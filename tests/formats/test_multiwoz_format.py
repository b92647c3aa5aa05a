"""MultiWOZ files: messages, and goals split along the templates of their message."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from format_samples import MULTIWOZ, write
from pydantic import JsonValue

from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.formats import read


def dialogues(path: Path) -> list[Conversation]:
    found = list(read(path))
    assert all(isinstance(item, Conversation) for item in found), found
    return [item for item in found if isinstance(item, Conversation)]


def test_messages_alternate_and_the_goal_is_plain_text(tmp_path: Path) -> None:
    first, second = dialogues(write(tmp_path, MULTIWOZ, indent=1))
    assert first.id == "multiwoz-TEST01"
    assert first.domain == "hotel+train"
    assert [(turn.user, turn.assistant) for turn in first.turns] == [
        ("I need the old mill .", "Booked , reference Q1 .")
    ]
    assert first.goal.text.startswith(
        "You are planning a trip. You are looking for a particular hotel. Its name is"
    )
    assert "<" not in first.goal.text
    assert second.turns[0].assistant is None


def test_a_goal_is_split_into_objectives_with_their_requirements(tmp_path: Path) -> None:
    goal = dialogues(write(tmp_path, MULTIWOZ))[0].goal
    assert [(str(c.category), c.objective, c.text) for c in goal] == [
        ("profile", None, "You are planning a trip."),
        ("objective", None, "Find the hotel called the old mill and barn and book it."),
        ("requirement", "objective-1", "The hotel booking should be for 2 people and 3 nights."),
        ("policy", None, "If the hotel booking fails, you ask for 1 nights."),
        ("requirement", "objective-1", "Get the reference number of the hotel booking."),
        ("objective", None, "Find a train."),
        ("requirement", "objective-2", "The train should be on monday."),
        ("requirement", "objective-2", "The train should go to ely."),
        ("requirement", "objective-2", "Get the price of the train."),
        ("requirement", "objective-2", "Get the travel time of the train."),
        ("requirement", "objective-2", "Find out whether the train has internet."),
        ("objective", None, "Book a taxi to commute between the two places."),
        ("requirement", "objective-3", "The taxi should leave the hotel by 10:15."),
    ]


def test_a_goal_in_other_words_is_split_like_any_text(tmp_path: Path) -> None:
    goal = dialogues(write(tmp_path, MULTIWOZ))[1].goal
    assert [(str(c.category), c.text) for c in goal] == [
        ("objective", "You want to feed the ducks."),
        ("requirement", "It must be before noon."),
    ]


@pytest.mark.parametrize("names", [["val.json"], ["README.md", "x/data.json", "x/ontology.json"]])
def test_zipped(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "archive"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, json.dumps(MULTIWOZ if name.endswith(("val.json", "data.json")) else {}))
    assert [dialogue.id for dialogue in dialogues(path)] == ["multiwoz-TEST01", "multiwoz-TEST02"]


@pytest.mark.parametrize(
    ("dialogue", "complaint"),
    [
        ({"goal": {"message": "Hm."}, "log": [{"text": "Hi."}, {"text": " "}]}, "BAD.log[1].text: empty"),
        ({"goal": {"message": "Hm."}, "log": [{}]}, "BAD.log[0].text: missing"),
        ({"goal": {"message": "Hm."}, "log": []}, "BAD.log: empty"),
        ({"goal": {}, "log": [{"text": "Hi."}]}, "BAD.goal.message: missing"),
        ({"goal": {"message": ["<b></b>"]}, "log": [{"text": "Hi."}]}, "BAD.goal.message: empty"),
        ({"log": [{"text": "Hi."}]}, "BAD.goal: missing"),
        ({"goal": {"message": "Hm."}, "log": [{"text": "\ud83d"}]}, "BAD.log[0].text: expected text"),
        ({"goal": {"message": ["\ud83d"]}, "log": [{"text": "Hi."}]}, "BAD.goal.message[0]: expected text"),
    ],
)
def test_one_bad_dialogue_is_named(tmp_path: Path, dialogue: JsonValue, complaint: str) -> None:
    first, second, error = read(write(tmp_path, {**MULTIWOZ, "BAD.json": dialogue}))
    assert isinstance(first, Conversation)
    assert isinstance(second, Conversation)
    assert isinstance(error, InputError)
    assert complaint in str(error).replace("BAD.json", "BAD")

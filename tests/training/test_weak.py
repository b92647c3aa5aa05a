"""Weak labels: what the acts of an annotated dialogue say, and the command that writes it.

The dialogues and venues are invented; the format is MultiWOZ's.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from tracker.conversation import check_labels
from tracker.errors import InputError
from tracker.formats import native
from tracker.goal import Category, Status
from training import phrases
from training.acts import Dialogue, Label, joined
from training.habits import habits
from training.multiwoz import Annotated, Databases, Utterance, exchanges, mentions, normal, read_dialogues
from training.weak import main, weak_conversations

Acts = Mapping[str, Sequence[tuple[str, str]]]

VENUES = {
    "restaurant": [
        {"name": "blue heron kitchen", "food": "turkish", "area": "north", "pricerange": "cheap"},
        {"name": "olive yard", "food": "greek", "area": "south", "pricerange": "expensive"},
        {"name": "paper lantern", "food": "thai", "area": "west", "pricerange": "moderate"},
    ],
    "hotel": [
        {
            "name": "mill pond inn",
            "area": "east",
            "pricerange": "cheap",
            "stars": "3",
            "type": "guesthouse",
            "parking": "yes",
            "internet": "no",
        }
    ],
    "attraction": [
        {"name": "clockwork collection", "type": "museum", "area": "south", "phone": "01999555001"},
        {"name": "harbour stage", "type": "theatre", "area": "north", "phone": "01999555002"},
    ],
    "train": [
        {
            "trainID": "TR9001",
            "departure": "ashby",
            "destination": "wickham",
            "day": "friday",
            "leaveAt": "09:10",
            "arriveBy": "10:00",
        }
    ],
}


def said(
    user: str,
    reply: str,
    asked: Acts | None = None,
    answered: Acts | None = None,
    belief: Mapping[str, Mapping[str, str]] | None = None,
    booked: Mapping[str, str] | None = None,
) -> list[Utterance]:
    """One annotated turn; ``belief`` and ``booked`` are what the annotation holds after it."""
    metadata: dict[str, object] = {}
    for domain in {*(belief or {}), *(booked or {})}:
        slots = dict((belief or {}).get(domain, {}))
        book: dict[str, object] = {k: slots.pop(k) for k in ("people", "day", "time", "stay") if k in slots}
        book["booked"] = [{"reference": booked[domain]}] if booked and domain in booked else []
        metadata[domain] = {"semi": slots, "book": book}
    return [
        Utterance.model_validate({"text": user, "dialog_act": asked or {}}),
        Utterance.model_validate({"text": reply, "dialog_act": answered or {}, "metadata": metadata}),
    ]


BYE = said("Thanks, bye.", "Goodbye.", {"general-thank": []}, {"general-bye": [("none", "none")]})


@pytest.fixture
def databases(tmp_path: Path) -> Databases:
    for domain, rows in VENUES.items():
        (tmp_path / f"{domain}_db.json").write_text(json.dumps(rows), encoding="utf-8")
    return Databases(tmp_path)


@pytest.fixture
def dialogue(databases: Databases):
    def build(*turns: list[Utterance], goal: Mapping[str, object] | None = None) -> Dialogue:
        log = [message for turn in turns for message in turn]
        return Dialogue("multiwoz-X1", goal or {}, exchanges(log), databases)

    return build


ASK_NORTH = said(
    "Somewhere to eat in the north, please.",
    "Many places there. Which food?",
    {"Restaurant-Inform": [("Area", "north")]},
    {"Restaurant-Inform": [("Choice", "several")], "Restaurant-Request": [("Food", "?")]},
    {"restaurant": {"area": "north"}},
)
OFFER_HERON = said(
    "Turkish.",
    "Blue Heron Kitchen would do.",
    {"Restaurant-Inform": [("Food", "turkish")]},
    {"Restaurant-Recommend": [("Name", "blue heron kitchen")]},
    {"restaurant": {"area": "north", "food": "turkish"}},
)


def test_a_named_condition_is_met_by_the_first_offer_that_honours_it_not_by_a_count(dialogue) -> None:
    talk = dialogue(ASK_NORTH, OFFER_HERON, BYE)
    assert talk.requirement("restaurant", "area", "north") == ((2, Status.COMPLETE),)
    assert talk.requirement("restaurant", "food", "turkish") == ((2, Status.COMPLETE),)
    assert talk.objective("restaurant", book=False, name=None) == ((2, Status.COMPLETE),)


def test_a_value_that_nobody_speaks_of_stays_open(dialogue) -> None:
    talk = dialogue(ASK_NORTH, OFFER_HERON, BYE)
    assert talk.requirement("restaurant", "area", "west") == ()
    assert talk.requirement("restaurant", "pricerange", "expensive") == ()


def test_a_reply_that_nobody_annotated_leaves_the_condition_unsure(dialogue) -> None:
    bare_reply = said(*[m.text for m in OFFER_HERON], asked={"Restaurant-Inform": [("Food", "turkish")]})
    talk = dialogue(ASK_NORTH, bare_reply, OFFER_HERON, BYE)
    assert talk.requirement("restaurant", "area", "north") is None
    assert talk.objective("restaurant", book=False, name=None) is None


def test_an_offer_that_breaks_the_condition_is_not_called_met(dialogue) -> None:
    wrong = said(
        "In the south.",
        "Blue Heron Kitchen would do.",
        {"Restaurant-Inform": [("Area", "south")]},
        {"Restaurant-Recommend": [("Name", "blue heron kitchen")]},
        {"restaurant": {"area": "south"}},
    )
    assert dialogue(wrong, BYE).requirement("restaurant", "area", "south") is None


NO_WELSH = said(
    "Any Welsh food?",
    "No, there are no Welsh places. Another cuisine?",
    {"Restaurant-Inform": [("Food", "welsh")]},
    {"Restaurant-NoOffer": [("Food", "welsh")], "Restaurant-Request": [("Food", "?")]},
    {"restaurant": {"food": "welsh"}},
)


def test_what_cannot_be_had_is_attempted_and_another_way_leaves_the_task_open(dialogue) -> None:
    talk = dialogue(NO_WELSH, OFFER_HERON, BYE)
    assert talk.requirement("restaurant", "food", "welsh") == ((1, Status.ATTEMPTED),)
    assert talk.objective("restaurant", book=False, name=None) == ((2, Status.COMPLETE),)
    assert talk.failed_before("restaurant", "food", "turkish")


def test_a_flat_no_fails_the_whole_task(dialogue) -> None:
    flat = said(
        "Any Welsh food?",
        "There is nothing of that kind.",
        {"Restaurant-Inform": [("Food", "welsh")]},
        {"Restaurant-NoOffer": [("none", "none")]},
        {"restaurant": {"food": "welsh"}},
    )
    label = dialogue(flat, OFFER_HERON, BYE).objective("restaurant", book=False, name=None)
    assert label == ((1, Status.ATTEMPTED), (2, Status.COMPLETE))


WISHES = {"people": "2", "day": "sunday", "time": "18:00"}
NO_TABLE = said(
    "A table for 2 on Sunday at 18:00.",
    "That could not be booked. Another day or time?",
    {"Restaurant-Inform": [("People", "2"), ("Day", "sunday"), ("Time", "18:00")]},
    {"Booking-NoBook": [("none", "none")], "Booking-Request": [("Day", "?"), ("Time", "?")]},
    {"restaurant": WISHES},
)
TABLE = said(
    "Then at 19:00.",
    "Booked, your reference is QQ77.",
    {"Restaurant-Inform": [("Time", "19:00")]},
    {"Booking-Book": [("Ref", "QQ77")]},
    {"restaurant": {**WISHES, "time": "19:00"}},
    {"restaurant": "QQ77"},
)
DONE = said(
    "Thanks, bye.",
    "Goodbye.",
    {"general-thank": []},
    {"general-bye": [("none", "none")]},
    {"restaurant": {**WISHES, "time": "19:00"}},
    {"restaurant": "QQ77"},
)


def test_a_refused_booking_fails_its_time_but_not_its_people(dialogue) -> None:
    talk = dialogue(OFFER_HERON, NO_TABLE, TABLE, DONE)
    assert talk.booking("restaurant", "time", "18:00") == ((2, Status.ATTEMPTED),)
    assert talk.booking("restaurant", "time", "19:00") == ((3, Status.COMPLETE),)
    assert talk.booking("restaurant", "people", "2") == ((3, Status.COMPLETE),)
    assert talk.objective("restaurant", book=True, name=None) == ((3, Status.COMPLETE),)
    assert talk.fact("restaurant", "reference") == ((3, Status.COMPLETE),)


def test_facts_are_told_missing_or_never_raised(dialogue) -> None:
    offer = said(
        "A museum?",
        "Clockwork Collection.",
        {"Attraction-Inform": [("Type", "museum")]},
        {"Attraction-Inform": [("Name", "clockwork collection")]},
        {"attraction": {"type": "museum"}},
    )
    ask = said(
        "Its phone and what entry costs?",
        "It is 01999555001; I do not have the entrance fee.",
        {"Attraction-Request": [("Phone", "?"), ("Fee", "?")]},
        {"Attraction-Inform": [("Phone", "01999555001")]},
    )
    talk = dialogue(offer, ask, BYE)
    assert talk.fact("attraction", "phone") == ((2, Status.COMPLETE),)
    assert talk.fact("attraction", "entrance fee") == ((2, Status.ATTEMPTED),)
    assert talk.fact("attraction", "postcode") == ()


@pytest.mark.parametrize(
    ("labels", "whole"),
    [
        ([((2, Status.COMPLETE),), ((4, Status.COMPLETE),)], ((4, Status.COMPLETE),)),
        ([((2, Status.COMPLETE),), ()], ()),
        (
            [((3, Status.ATTEMPTED), (5, Status.COMPLETE)), ((5, Status.COMPLETE),)],
            ((3, Status.ATTEMPTED), (5, Status.COMPLETE)),
        ),
        ([((3, Status.ATTEMPTED),), ((2, Status.COMPLETE),)], ((3, Status.ATTEMPTED),)),
    ],
)
def test_conditions_in_one_sentence(labels: list[Label], whole: Label) -> None:
    assert joined(labels) == whole


def test_telling_the_size_unasked_breaks_the_policy(dialogue) -> None:
    talk = dialogue(OFFER_HERON, NO_TABLE, TABLE, DONE)
    policies = [
        label for category, text, label in habits(talk, random.Random(0)) if category is Category.POLICY
    ]
    assert ((2, Status.MISALIGNED),) in policies


def test_what_is_given_up_when_a_booking_fails_decides_a_policy(dialogue) -> None:
    talk = dialogue(OFFER_HERON, NO_TABLE, TABLE, DONE)
    found = set()
    for seed in range(60):
        for _, text, label in habits(talk, random.Random(seed)):
            for slot in ("time", "day"):
                if text in {one.format("restaurant", slot) for one in phrases.ANOTHER}:
                    found.add((slot, label))
    assert found == {("time", ()), ("day", ((3, Status.MISALIGNED),))}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Three", "3"),
        ("5:30 pm", "17:30"),
        ("9:05", "09:05"),
        ("Center", "centre"),
        ("the Olive Yard", "olive yard"),
    ],
)
def test_values_have_one_spelling(written: str, value: str) -> None:
    assert normal(written) == value


@pytest.mark.parametrize(
    ("text", "slot", "value", "there"),
    [
        ("Something central.", "area", "centre", True),
        ("We are four.", "people", "4", True),
        ("There are 14 of them.", "people", "4", False),
        ("Not too pricey", "pricerange", "expensive", True),
        ("inexpensive", "pricerange", "expensive", False),
    ],
)
def test_mentions_of_values(text: str, slot: str, value: str, there: bool) -> None:
    assert mentions(text, slot, value) is there


GOAL = {
    "restaurant": {
        "info": {"area": "north", "food": "turkish"},
        "fail_info": {},
        "book": {**WISHES, "time": "19:00", "invalid": False},
        "fail_book": {"time": "18:00"},
        "reqt": [],
    },
    "taxi": {},
    "message": ["Invented."],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A zip of three annotated dialogues and the databases beside it."""
    (tmp_path / "db").mkdir()
    for domain, rows in VENUES.items():
        (tmp_path / "db" / f"{domain}_db.json").write_text(json.dumps(rows), encoding="utf-8")
    log = [m.model_dump() for turn in (ASK_NORTH, OFFER_HERON, NO_TABLE, TABLE, DONE) for m in turn]
    dialogues = {name: {"goal": GOAL, "log": log} for name in ("X1.json", "X2", "X3")}
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("some.json", json.dumps(dialogues))
    (tmp_path / "judged.jsonl").write_text('{"id": "multiwoz-X2"}\n', encoding="utf-8")
    return tmp_path


def run(folder: Path, *options: str) -> Path:
    output = folder / "weak.jsonl"
    arguments = [str(folder / "some.zip"), "--output", str(output), *options]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return output


def test_the_command_writes_labelled_native_conversations(folder: Path) -> None:
    conversations = list(native.read(run(folder)))
    assert [one.id for one in conversations] == ["multiwoz-X1", "multiwoz-X2", "multiwoz-X3"]
    for one in conversations:
        assert one.source == "multiwoz-weak"
        assert one.labels is not None
        check_labels(one.goal, dict(one.labels), len(one.turns))
        objective = next(c for c in one.goal if c.category is Category.OBJECTIVE)
        assert one.labelled_statuses(objective.id)[-1] is Status.COMPLETE


def test_judged_dialogues_never_come_out(folder: Path) -> None:
    output = run(folder, "--exclude", str(folder / "judged.jsonl"))
    assert [json.loads(line)["id"] for line in output.read_text().splitlines()] == [
        "multiwoz-X1",
        "multiwoz-X3",
    ]


def test_the_command_ends_on_a_mistake_with_one_line_and_writes_nothing(folder: Path) -> None:
    (folder / "judged.jsonl").write_text('{"id": "multiwoz-X2"}\n{"name": "no id"}\n', encoding="utf-8")
    output = folder / "weak.jsonl"
    arguments = [str(folder / "some.zip"), "--output", str(output), "--exclude", str(folder / "judged.jsonl")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert "judged.jsonl:2:" in line
    assert not output.exists()


def test_the_same_seed_writes_the_same_file(folder: Path) -> None:
    first = run(folder, "--seed", "5").read_bytes()
    assert run(folder, "--seed", "5").read_bytes() == first
    assert run(folder, "--seed", "6").read_bytes() != first


def test_open_conditions_speak_of_nothing_that_was_said(folder: Path) -> None:
    annotated = read_dialogues(folder / "some.zip")
    databases = Databases(folder / "db")
    spoken = ("turkish", "north", "19:00", "sunday", "2 people")
    seen = 0
    for seed in range(30):
        for one in weak_conversations({"X1": annotated["X1.json"]}, databases, seed=seed):
            labels = one.labels or {}
            single = [c for c in one.goal if c.category is Category.REQUIREMENT and not labels[c.id]]
            for component in (c for c in single if sum(word in c.text.lower() for word in spoken) > 0):
                # Only in a sentence of several conditions may a met one stand beside one that is not.
                assert " at " in component.text or "," in component.text
            seen += len(single)
    assert seen > 20


def test_a_file_of_something_else_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"X1": {"goal": {}}}', encoding="utf-8")
    with pytest.raises(InputError, match="log"):
        read_dialogues(path)
    with pytest.raises(InputError, match="database"):
        Databases(tmp_path)


def test_a_dialogue_without_turns_gives_nothing(databases: Databases) -> None:
    assert list(weak_conversations({"X1": Annotated(goal={}, log=[])}, databases)) == []

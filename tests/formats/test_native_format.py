"""goalstate's own format: what is read, what is written back, and that bad lines never break a file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from format_samples import NATIVE, Json, native, write, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.formats import read
from tracker.formats.native import conversation_to_json
from tracker.formats.native import read as read_native
from tracker.goal import Goal, Status


def only(path: Path, **options: bool) -> Conversation:
    (found,) = read_native(path, **options)
    assert isinstance(found, Conversation), found
    return found


def test_everything_in_a_line_is_read(tmp_path: Path) -> None:
    conversation = only(write_lines(tmp_path, NATIVE))
    assert conversation.id == "kettle"
    assert conversation.goal["r"].objective == "o"
    assert [turn.user for turn in conversation.turns][1] == "Then a voucher. I live in Bruges."
    assert conversation.labels == {"o": ((2, Status.COMPLETE),), "r": ((1, Status.ATTEMPTED),)}
    assert (conversation.source, conversation.domain, conversation.drift) == ("written", "shop", "none")
    assert conversation.reward == 1.0


def test_probes_join_the_components_only_when_asked(tmp_path: Path) -> None:
    path = write_lines(tmp_path, NATIVE)
    assert [component.id for component in only(path).goal] == ["o", "r"]
    probed = only(path, probes=True)
    assert [component.id for component in probed.goal] == ["o", "r", "p"]
    assert probed.labels is not None
    assert probed.labels["p"] == ((2, Status.MISALIGNED),)


def test_labels_and_all_but_id_goal_and_messages_are_optional(tmp_path: Path) -> None:
    bare: Json = {key: NATIVE[key] for key in ("id", "goal", "messages")}
    conversation = only(write_lines(tmp_path, bare))
    assert conversation.labels is None
    assert conversation.reward is None


def test_reading_back_what_was_written_gives_the_same(tmp_path: Path) -> None:
    first = only(write_lines(tmp_path, NATIVE))
    again = only(write_lines(tmp_path, conversation_to_json(first), name="again.jsonl"))
    assert again == first


def test_a_goal_may_be_only_a_text(tmp_path: Path) -> None:
    line = native(goal={"text": "You want a bike. It must be red."}, labels=None, probes=[])
    goal = only(write_lines(tmp_path, line)).goal
    assert [(c.category, c.text) for c in goal] == [
        ("objective", "You want a bike."),
        ("requirement", "It must be red."),
    ]


def test_control_words_vanish_and_messages_of_one_role_are_joined(tmp_path: Path) -> None:
    line = native(
        messages=[
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": "One."},
            {"role": "user", "content": "Two.  Three. ###STOP###"},
            {"role": "assistant", "content": "Fine."},
            {"role": "user", "content": "###OUT-OF-SCOPE###"},
        ],
        labels={},
    )
    conversation = only(write_lines(tmp_path, line))
    assert conversation.opening == "Hi."
    assert [(t.user, t.assistant) for t in conversation.turns] == [("One.\nTwo.  Three.", "Fine.")]


def test_a_given_goal_takes_the_place_of_the_files_and_drops_its_labels(tmp_path: Path) -> None:
    goal = Goal(components=())
    (found,) = read(write_lines(tmp_path, NATIVE), goal=goal)
    assert isinstance(found, Conversation)
    assert found.goal == goal
    assert found.labels is None


def test_one_pretty_printed_conversation_and_a_list_of_them(tmp_path: Path) -> None:
    (one,) = read(write(tmp_path, NATIVE, indent=2))
    both = list(read(write(tmp_path, [NATIVE, native(id="second")], "list.json", indent=1)))
    assert isinstance(one, Conversation)
    assert [c.id for c in both if isinstance(c, Conversation)] == ["kettle", "second"]


def with_component(**changes: JsonValue) -> Json:
    goal = native()["goal"]
    assert isinstance(goal, dict)
    assert isinstance(goal["components"], list)
    assert isinstance(goal["components"][1], dict)
    goal["components"][1].update(changes)
    return native(goal=goal)


USER = {"role": "user", "content": "Hello."}

BAD_LINES: list[tuple[str | Json, str]] = [
    ('{"id": "x", "goal": ', "broken JSON at column 20: Expecting value"),
    ("[[" * 5000, "JSON nested too deeply"),
    (
        with_component(category="wish"),
        "goal.components[1].category: expected profile, policy, objective, requi",
    ),
    (with_component(id="o"), "goal: two components have the id 'o'; ids must be unique"),
    (with_component(objective="o-9"), "goal: 'r' belongs to the unknown objective 'o-9'"),
    (with_component(text=" "), "goal.components[1].text: expected a sentence, found only white space"),
    (with_component(importance=3), "goal.components[1].importance: unknown field"),
    (native(goal=None), "goal: missing"),
    (native(goal="  "), "goal: expected an object, found text '  '"),
    (native(id=7), "id: expected text, found 7"),
    (native(id=""), "id: empty"),
    (native(messages=[]), "messages: empty"),
    (native(messages=[USER, {"role": "assistant"}]), "messages[1].content: missing"),
    (
        native(messages=[USER, {"role": "assistant", "content": None}]),
        "messages[1].content: expected text, found null",
    ),
    (native(messages=[{"role": "user", "content": " \n"}]), "messages[0].content: empty"),
    (
        native(messages=[{"role": "bot", "content": "Hi."}]),
        "messages[0].role: expected user or assistant; found 'bot'",
    ),
    (native(messages=[{"role": "user", "content": "###STOP###"}]), "messages: nobody says anything"),
    (
        native(labels={"o": [[1, "DONE"]]}),
        "labels.o[0][1]: expected ALIGNED, MISALIGNED, INCOMPLETE, ATTEMPTED or",
    ),
    (
        native(labels={"o": [[1, "ALIGNED"]]}),
        "labels: labels of 'o': objective cannot go from INCOMPLETE to ALIGNED",
    ),
    (native(labels={"o": [[3, "COMPLETE"]]}), "labels: labels of 'o': turn 3 is not in 1..2"),
    (native(labels={"o": [["a", "COMPLETE"]]}), "labels.o[0][0]: expected a whole number, found text 'a'"),
    (native(labels={"zzz": []}), "labels: labels name the unknown component 'zzz'"),
    (native(labels={"a\nb": 1}), "expected a list, found 1"),
    (
        native(probes=[{"id": "o", "category": "policy", "text": "Hm."}]),
        "probes: two components have the id 'o'",
    ),
    (native(reward="high"), "reward: expected a number, found text 'high'"),
    (
        native(messages=[{"role": "user", "content": "\ud800"}]),
        "messages[0].content: expected text, found half",
    ),
]


@pytest.mark.parametrize(("bad", "message"), BAD_LINES, ids=[message for _, message in BAD_LINES])
def test_a_bad_line_is_named_in_one_line_and_its_neighbours_are_read(
    tmp_path: Path, bad: str | Json, message: str
) -> None:
    path = write_lines(tmp_path, NATIVE, bad, native(id="third"))
    first, error, third = read(path)
    assert isinstance(first, Conversation)
    assert isinstance(third, Conversation)
    assert isinstance(error, InputError)
    assert str(error).startswith(f"{path}:2: ")
    assert message in str(error)
    assert str(error).isprintable()
    assert error.line == 2


def test_a_line_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    good = json.dumps(NATIVE).encode()
    path.write_bytes(good + b"\n" + good.replace(b"kettle", b"caf\xe9") + b"\n")
    first, error = read(path)
    assert isinstance(first, Conversation)
    assert "latin.jsonl:2: expected UTF-8 text, found the byte 0xe9" in str(error)


def test_a_broken_first_line_does_not_hide_the_others(tmp_path: Path) -> None:
    error, second = read(write_lines(tmp_path, '{"id": "x", ', NATIVE))
    assert isinstance(error, InputError)
    assert error.line == 1
    assert isinstance(second, Conversation)


@pytest.mark.parametrize("listed", [False, True], ids=["lines", "list"])
def test_a_first_line_without_its_goal_does_not_hide_the_others(tmp_path: Path, listed: bool) -> None:
    bare: Json = {key: NATIVE[key] for key in ("id", "messages")}
    path = write(tmp_path, [bare, NATIVE]) if listed else write_lines(tmp_path, bare, NATIVE)
    error, second = read(path)
    assert isinstance(error, InputError)
    assert str(error).endswith("goal: missing")
    assert error.line == 1
    assert isinstance(second, Conversation)


def test_lines_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = write_lines(tmp_path, NATIVE, NATIVE)
    conversations = read(path)
    assert isinstance(next(conversations), Conversation)
    with path.open("a") as stream:
        stream.write("{broken\n")
    assert isinstance(next(conversations), Conversation)
    assert isinstance(next(conversations), InputError)


# --- nothing but InputError, whatever stands in the line ----------------------------------------------------

json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("o"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: JsonValue, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value inside a JSON value."""
    if isinstance(value, dict):
        inner = [place for key, item in value.items() for place in places(item, (*path, key))]
    elif isinstance(value, list):
        inner = [place for index, item in enumerate(value) for place in places(item, (*path, index))]
    else:
        inner = []
    return [path, *inner] if path else inner


@st.composite
def mutated_lines(draw: st.DrawFn) -> bytes:
    """A native line in which values are replaced or removed, and bytes may be lost."""
    line = native()
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(places(line) or [("id",)]))
        holder: JsonValue = line
        for step in parents:
            holder = holder[step]  # type: ignore[index, call-overload]
        if draw(st.booleans()):
            holder[last] = draw(json_values)  # type: ignore[index, call-overload]
        else:
            del holder[last]  # type: ignore[union-attr, arg-type]
    text = json.dumps(line, ensure_ascii=draw(st.booleans())).encode()
    if draw(st.integers(0, 3)) == 0:
        position = draw(st.integers(0, len(text)))
        text = text[:position] + draw(st.binary(max_size=2)) + text[position + draw(st.integers(0, 3)) :]
    return text


@settings(max_examples=75, deadline=None)
@given(lines=st.lists(mutated_lines(), min_size=1, max_size=2))
def test_mutated_lines_raise_nothing_but_input_errors(lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mutated.jsonl")
        path.write_bytes(b"\n".join(lines))
        try:
            found = list(read(path))
        except InputError as error:
            found = [error]
    for item in found:
        if isinstance(item, InputError):
            assert str(item).startswith(str(path))
            assert "\n" not in str(item)
        else:
            assert item.messages
            assert conversation_to_json(item)

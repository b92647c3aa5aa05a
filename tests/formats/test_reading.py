"""Recognising formats by content, files that cannot be used at all, and the examples that ship."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from format_samples import NATIVE, SAMPLES, write, write_lines
from pydantic import JsonValue

from tracker.conversation import Conversation
from tracker.decomposition import decompose, read_goal
from tracker.errors import InputError
from tracker.formats import FORMATS, read

ROOT = Path(__file__).resolve().parents[2]
GOAL = decompose("You want to buy a red bike.")


def test_the_formats_have_names() -> None:
    assert FORMATS == ("native", "openai", "tau-bench", "tau2", "multiwoz")


@pytest.mark.parametrize("indent", [None, 2], ids=["one line", "many lines"])
@pytest.mark.parametrize("name", FORMATS)
def test_content_decides_the_format_and_not_the_name(tmp_path: Path, name: str, indent: int | None) -> None:
    path = write(tmp_path, SAMPLES[name], "conversations.txt", indent)
    found = list(read(path, goal=GOAL if name == "openai" else None))
    assert found
    assert all(isinstance(item, Conversation) for item in found)
    assert found == list(read(path, format=name, goal=GOAL if name == "openai" else None))
    (source,) = {item.source for item in found if isinstance(item, Conversation)}
    assert source == ("written" if name == "native" else name)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("other", FORMATS)
def test_a_file_read_as_another_format_gives_errors_and_no_crash(
    tmp_path: Path, name: str, other: str
) -> None:
    path = write(tmp_path, SAMPLES[name])
    with suppress(InputError):
        found = list(read(path, format=other, goal=GOAL))
        assert all(isinstance(item, Conversation | InputError) for item in found)


def test_an_unknown_format_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    path = write(tmp_path, {"hello": "world"})
    with pytest.raises(
        InputError, match="not known; expected one of native, openai, tau-bench, tau2, multiwoz"
    ):
        read(path)
    with pytest.raises(InputError, match="no format 'csv'; expected one of native, openai, tau-bench"):
        read(path, format="csv")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", ": the file is empty"),
        (b" \n\n", ": the file is empty"),
        (b"\xef\xbb\xbf", ": the file is empty"),
        (b"hello\n", ":1: broken JSON at column 1: Expecting value"),
        (b'[\n{"role": "user",\n"content" "Hi."}]', ":3: broken JSON at column 11: Expecting ':' delimiter"),
        ("[1]".encode("utf-16"), ": expected UTF-8 text, found UTF-16"),
        ("[1]".encode("utf-16-le"), ": expected UTF-8 text, found null characters"),
        (b'["caf\xe9"]', ": expected UTF-8 text, found the byte 0xe9 at position 6"),
        (b"[" * 100_000, ": JSON nested too deeply"),
        (b"9" * 5_000, ": JSON with a number of too many digits"),
        (b"PK\x03\x04 and no more", ": broken or unsupported zip archive"),
    ],
)
def test_a_file_that_cannot_be_used_is_answered_in_one_line(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{complaint}")
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "nothing.json")
    with pytest.raises(InputError, match="this is a folder"):
        read(tmp_path)


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.jsonl"
    line = json.dumps(NATIVE).encode()
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\r\n" + line + b"\r\n")
    assert len([item for item in read(path) if isinstance(item, Conversation)]) == 2


def test_one_value_with_an_object_on_each_of_its_first_lines_is_no_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    path.write_text('{"messages": [\n{"role": "user", "content": "Hi."}\n]}\n')
    (found,) = read(path, goal=GOAL)
    assert isinstance(found, Conversation)
    assert [message.content for message in found.messages] == ["Hi."]


def test_a_plain_chat_in_front_does_not_change_how_the_others_are_read(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "A bike?"}, {"role": "assistant", "content": "Sure."}]
    chats = [
        {"id": "plain", "messages": said},
        {"id": "tools", "messages": [{"role": "system", "content": "Be kind."}, *said]},
    ]
    for order in (chats, chats[::-1]):
        for path in (write_lines(tmp_path, *order), write(tmp_path, order)):
            found = list(read(path, goal=GOAL))
            assert [item.id for item in found if isinstance(item, Conversation)] == [
                one["id"] for one in order
            ]


def test_a_broken_first_line_of_chats_that_are_lists_is_passed_over(tmp_path: Path) -> None:
    chat = '[{"role": "user", "content": "Hi."}]'
    broken, *found = read(write_lines(tmp_path, chat[:-1], chat, chat), format="openai", goal=GOAL)
    assert isinstance(broken, InputError)
    assert broken.line == 1
    assert [isinstance(each, Conversation) for each in found] == [True, True]


def test_an_archive_with_several_files_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.json", "[]")
        archive.writestr("b.json", "[]")
    with pytest.raises(InputError, match=r"expected one JSON file in the archive .* found a.json, b.json"):
        read(path)


@pytest.mark.parametrize("name", ["tau-bench", "tau2", "multiwoz"])
def test_text_behind_a_files_one_value_is_not_ignored(tmp_path: Path, name: str) -> None:
    value: JsonValue = SAMPLES[name]
    with pytest.raises(InputError, match="expected one JSON value, found several"):
        read(write_lines(tmp_path, value, value))


# --- the examples -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.jsonl")), ids=lambda path: path.stem)
def test_the_native_examples_are_labelled_conversations(path: Path) -> None:
    (conversation,) = read(path)
    assert isinstance(conversation, Conversation)
    assert conversation.id == path.stem
    assert conversation.labels


def test_the_chat_example_reads_with_its_goal() -> None:
    goal = read_goal(ROOT / "examples" / "lost-luggage-goal.txt")
    (chat,) = read(ROOT / "examples" / "lost-luggage-chat.json", goal=goal)
    assert isinstance(chat, Conversation)
    assert len(chat.turns) == 4
    assert {str(component.category) for component in goal} == {
        "profile",
        "policy",
        "objective",
        "requirement",
        "preference",
    }


# --- the data that the project was built on, where it is at hand --------------------------------------------

DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the data folder beside the checkout is not there")


@needs_data
def test_tau_bench_messages_are_those_that_were_judged() -> None:
    judged = {c.id: c for c in read(DATA / "taubench" / "judged.jsonl") if isinstance(c, Conversation)}
    runs = {c.id: c for c in read(DATA / "taubench" / "gpt-4o-airline.json") if isinstance(c, Conversation)}
    assert len(runs) == 200
    assert judged.keys() <= runs.keys()
    for name, conversation in judged.items():
        run = runs[name]
        assert run.messages == conversation.messages
        assert (run.goal.text, run.reward) == (conversation.goal.text, conversation.reward)


@needs_data
@pytest.mark.parametrize(
    "name",
    ["written/validation.jsonl", "multiwoz/judged.jsonl", "taubench/judged.jsonl", "multiwoz/val.json.zip"],
)
def test_every_conversation_of_the_data_can_be_read(name: str) -> None:
    found = list(read(DATA / name))
    assert found
    assert not [str(item) for item in found if isinstance(item, InputError)]

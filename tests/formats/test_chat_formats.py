"""Recorded chats: openai, τ-bench and τ²-bench. Only what the user wrote and saw is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from format_samples import CHAT, CHAT_SEEN, TAU2, TAU_BENCH, write, write_lines
from pydantic import JsonValue

from tracker.conversation import Conversation
from tracker.decomposition import RuleDecomposer, decompose
from tracker.errors import InputError
from tracker.formats import read

GOAL = decompose("You want to buy a red bike.")


def conversations(path: Path, **options: object) -> list[Conversation]:
    found = list(read(path, **options))  # type: ignore[arg-type]
    assert all(isinstance(item, Conversation) for item in found), found
    return [item for item in found if isinstance(item, Conversation)]


def seen(conversation: Conversation) -> list[tuple[str, str]]:
    return [(str(message.role), message.content) for message in conversation.messages]


# --- openai -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [CHAT, {"model": "m", "messages": CHAT}], ids=["list", "object"])
def test_a_chat_shows_what_the_user_saw(tmp_path: Path, value: JsonValue) -> None:
    (chat,) = conversations(write(tmp_path, value, "shop.json"), goal=GOAL)
    assert chat.id == "shop"
    assert chat.goal == GOAL
    assert seen(chat) == CHAT_SEEN
    assert chat.opening == "Welcome to the bicycle shop."
    assert chat.turns[-1].assistant is None


def test_one_chat_a_line(tmp_path: Path) -> None:
    path = write_lines(tmp_path, {"messages": CHAT}, {"messages": CHAT}, name="many.jsonl")
    assert [chat.id for chat in conversations(path, goal=GOAL)] == ["many-1", "many-2"]


def test_a_chat_keeps_its_id_and_reward(tmp_path: Path) -> None:
    chats: list[JsonValue] = [
        {"id": "first", "messages": CHAT, "reward": 1},
        {"id": 7, "messages": CHAT, "reward": "good"},
        {"messages": CHAT},
    ]
    for path, name in (
        (write_lines(tmp_path, *chats, name="many.jsonl"), "many-3"),
        (write(tmp_path, chats, "list.json"), "list-3"),
    ):
        found = conversations(path, goal=GOAL)
        assert [(chat.id, chat.reward) for chat in found] == [("first", 1.0), ("7", None), (name, None)]
        assert all(seen(chat) == CHAT_SEEN for chat in found)


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [([], "messages: nobody says anything"), ([{"content": "Hi."}], "messages[0].role: missing")],
)
def test_a_broken_chat_with_an_id_is_named(tmp_path: Path, messages: JsonValue, complaint: str) -> None:
    (error,) = read(write(tmp_path, {"id": "c", "messages": messages}), goal=GOAL)
    assert complaint in str(error)


def test_half_a_character_pair_is_named(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    bad = r'{"messages": [{"role": "user", "content": "hi \ud83d there"}]}'
    path.write_text(bad + "\n" + json.dumps({"messages": CHAT}) + "\n", encoding="utf-8")
    first, second = read(path, goal=GOAL)
    assert isinstance(first, InputError)
    assert "half of a character pair" in str(first)
    assert isinstance(second, Conversation)


def test_a_chat_needs_a_goal(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a chat carries no goal of its own; give one"):
        read(write(tmp_path, CHAT))


def test_other_parts_than_text_keep_their_place(tmp_path: Path) -> None:
    picture: JsonValue = {"type": "image_url", "image_url": {"url": "data:"}}
    chat: JsonValue = [
        {"role": "user", "content": [picture]},
        {"role": "assistant", "content": "A red bike."},
    ]
    (read_chat,) = conversations(write(tmp_path, chat), goal=GOAL)
    assert seen(read_chat) == [("user", "[image_url]"), ("assistant", "A red bike.")]


def test_an_agent_that_answers_nothing_is_passed_over_and_a_refusal_is_read(tmp_path: Path) -> None:
    chat: JsonValue = [
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "Two."},
        {"role": "assistant", "content": None, "refusal": "I cannot do that."},
    ]
    (read_chat,) = conversations(write(tmp_path, chat), goal=GOAL)
    assert seen(read_chat) == [("user", "One.\nTwo."), ("assistant", "I cannot do that.")]


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ({"role": "user"}, "[1].content: missing"),
        ({"role": "user", "content": None}, "[1].content: missing"),
        ({"role": "user", "content": " "}, "[1].content: empty"),
        ({"role": "assistant"}, "[1].content: missing"),
        ({"role": "assistant", "content": 5}, "[1].content: expected text, found 5"),
        (
            {"role": "assistant", "content": [{"type": 5}]},
            "[1].content: expected parts with a type and a text",
        ),
        (
            {"role": "robot", "content": "Hi."},
            "[1].role: expected system, developer, user, assistant, tool or",
        ),
        ({"content": "Hi."}, "[1].role: missing"),
        ("Hi.", "[1]: expected an object, found text 'Hi.'"),
    ],
)
def test_a_bad_message_is_named(tmp_path: Path, message: JsonValue, complaint: str) -> None:
    path = write(tmp_path, [{"role": "user", "content": "Hello."}, message])
    (error,) = read(path, goal=GOAL)
    assert isinstance(error, InputError)
    assert str(error).startswith(f"{path}:1: {complaint}")


def test_a_chat_in_which_nobody_speaks(tmp_path: Path) -> None:
    (error,) = read(write(tmp_path, [{"role": "system", "content": "Be kind."}]), goal=GOAL)
    assert "nobody says anything" in str(error)


# --- τ-bench ------------------------------------------------------------------------------------------------


def test_tau_bench_runs(tmp_path: Path) -> None:
    first, second = conversations(write(tmp_path, TAU_BENCH, indent=2), decomposer=RuleDecomposer())
    assert first.id == "tau-bicycle-03-1"
    assert first.domain == "bicycle"
    assert first.reward == 0.0
    assert seen(first) == CHAT_SEEN
    assert first.goal.text == "You are Bo. You want to buy a red bike."
    assert [str(component.category) for component in first.goal] == ["profile", "objective"]
    assert second.id == "tau-12-0"
    assert len(second.turns) == 1  # the message that is nothing but a control word is gone


def test_one_bad_run_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    failed: JsonValue = {"task_id": 4, "trial": 0, "reward": 0.0, "info": {"error": "timeout"}, "traj": []}
    silent: JsonValue = {**TAU_BENCH[1], "traj": [{"role": "user", "content": None}]}  # type: ignore[dict-item]
    path = write(tmp_path, [*TAU_BENCH, failed, silent, *TAU_BENCH])
    found = list(read(path))
    assert [isinstance(item, InputError) for item in found] == [False, False, True, True, False, False]
    assert "[2].info.task: missing" in str(found[2])
    assert "[3].traj[0].content: missing" in str(found[3])


def test_a_given_goal_is_used_for_every_run(tmp_path: Path) -> None:
    assert {run.goal for run in conversations(write(tmp_path, TAU_BENCH), goal=GOAL)} == {GOAL}


# --- τ²-bench -----------------------------------------------------------------------------------------------


def test_tau2_simulations(tmp_path: Path) -> None:
    first, second = conversations(write(tmp_path, TAU2, indent=4), decomposer=RuleDecomposer())
    assert first.id == "tau2-bicycles-7-0"
    assert first.domain == "bicycles"
    assert first.reward == 1.0
    assert seen(first) == CHAT_SEEN
    assert first.goal.text == "You are a retired postman.\nYou want to buy a red bike.\nYou are Bo in Ghent."
    assert [str(component.category) for component in first.goal] == ["profile", "objective", "profile"]
    assert second.id == "tau2-bicycles-8-bbbb"
    assert second.reward is None
    assert second.goal.text == "You want to sell a blue bike."
    assert seen(second) == [("user", "I sell a bike.")]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"task_id": "99"}, "simulations[0].task_id: the file has no task '99'"),
        (
            {"messages": None, "ticks": [{"tick_id": 0}]},
            "simulations[0].messages: a voice run without messages",
        ),
        ({"messages": [{"role": "assistant"}]}, "simulations[0].messages[0].content: missing"),
        ({"reward_info": {"reward": "much"}}, "simulations[0].reward_info.reward: expected a number"),
    ],
)
def test_one_bad_simulation_is_named(tmp_path: Path, changes: dict[str, JsonValue], complaint: str) -> None:
    simulations = TAU2["simulations"]
    assert isinstance(simulations, list)
    bad: JsonValue = {**simulations[0], **changes}  # type: ignore[dict-item]
    error, good = read(write(tmp_path, {**TAU2, "simulations": [bad, simulations[1]]}))
    assert complaint in str(error)
    assert isinstance(good, Conversation)


def test_a_tau2_file_without_tasks_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tasks: expected a list, found null"):
        read(write(tmp_path, {**TAU2, "tasks": None}))

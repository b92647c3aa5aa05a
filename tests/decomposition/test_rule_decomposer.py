"""Splitting free text by rule, and reading goals from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.decomposition import Decomposer, RuleDecomposer, read_goal
from tracker.errors import InputError
from tracker.goal import Category, Goal

TEXT = (
    "You are a nurse and 34 years old. You want to book a room at the Sea Inn; it must cost no more than "
    "90 euros and have a desk, and you need to find out whether breakfast is included. You would rather face "
    "the garden. You also want to cancel your table for Friday. Never mention your job. If the agent "
    "refuses, you ask for Mr. Lund."
)


def decompose(text: str) -> Goal:
    return RuleDecomposer().decompose(text)


def test_a_goal_as_simulators_are_given_it() -> None:
    goal = decompose(TEXT)
    assert goal.text == TEXT
    assert [(c.id, c.objective, c.text) for c in goal] == [
        ("profile-1", None, "You are a nurse and 34 years old."),
        ("objective-1", None, "You want to book a room at the Sea Inn."),
        ("requirement-1", "objective-1", "It must cost no more than 90 euros."),
        ("requirement-2", "objective-1", "It must have a desk."),
        ("requirement-3", "objective-1", "You need to find out whether breakfast is included."),
        ("preference-1", "objective-1", "You would rather face the garden."),
        ("objective-2", None, "You also want to cancel your table for Friday."),
        ("policy-1", None, "Never mention your job."),
        ("policy-2", None, "If the agent refuses, you ask for Mr. Lund."),
    ]


@pytest.mark.parametrize(
    ("clause", "category"),
    [
        ("You do not tell the agent your age.", Category.POLICY),
        ("Only give your code when you are asked for it.", Category.POLICY),
        ("You never use exclamation marks.", Category.POLICY),
        ("You are reactive to the agent and will not say anything that is not asked.", Category.POLICY),
        ("Thank the agent before you leave.", Category.POLICY),
        ("Write one sentence in every message.", Category.POLICY),
        ("Your name is Ann Lee.", Category.PROFILE),
        ("You have never been abroad.", Category.PROFILE),
        ("You are impatient.", Category.PROFILE),
        ("You prefer direct flights.", Category.PREFERENCE),
        ("A window seat would be nice.", Category.PREFERENCE),
        ("You would like a quiet room if possible.", Category.PREFERENCE),
        ("If there are multiple options, you prefer the cheapest one.", Category.PREFERENCE),
        ("The car has to be an automatic.", Category.REQUIREMENT),
        ("You may pay at most 40 euros.", Category.REQUIREMENT),
        ("You do not want insurance.", Category.REQUIREMENT),
        ("You want to change your flight.", Category.OBJECTIVE),
        ("You would like to book a table.", Category.OBJECTIVE),
        ("I need to return a lamp.", Category.OBJECTIVE),
        ("The user wants to return a lamp.", Category.OBJECTIVE),
        ("Cancel order 55.", Category.OBJECTIVE),
        ("Find out when the library opens.", Category.OBJECTIVE),
    ],
)
def test_the_words_of_a_clause_give_its_category(clause: str, category: Category) -> None:
    (component,) = decompose(clause)
    assert (component.category, component.text) == (category, clause)


def test_requirements_belong_to_the_objective_before_them_or_to_the_first() -> None:
    goal = decompose("It must be red. You want to buy a bike. It must be cheap. You also want to sell a car.")
    assert [(c.id, c.objective) for c in goal if c.category is Category.REQUIREMENT] == [
        ("requirement-1", "objective-1"),
        ("requirement-2", "objective-1"),
    ]


def test_requirements_without_any_objective_stand_alone() -> None:
    (component,) = decompose("It must be red.")
    assert component.objective is None


def test_wrapped_lines_are_joined_and_lists_are_not() -> None:
    wrapped = decompose("You want to send a parcel from the post office in Ghent to\nyour sister in Leith.")
    assert [c.text for c in wrapped] == [
        "You want to send a parcel from the post office in Ghent to your sister in Leith."
    ]
    listed = decompose("- Book a room\n- It must be quiet\n2. Never shout")
    assert [c.text for c in listed] == ["Book a room.", "It must be quiet.", "Never shout."]
    broken = decompose(
        "You want to book a hotel room in Leith that costs no more than\n90. It must be quiet."
    )
    assert [c.text for c in broken] == [
        "You want to book a hotel room in Leith that costs no more than 90.",
        "It must be quiet.",
    ]
    numbered = decompose("1. You want to book a hotel room in Leith for two nights in May.\n2. Never shout")
    assert [c.text for c in numbered][1] == "Never shout."
    unclosed = decompose(
        "1. You want to book a hotel room in Leith for two nights\n"
        "from the third of May for yourself and for your son"
        "\n2. Never shout"
    )
    assert [c.text for c in unclosed][-1] == "Never shout."


def test_abbreviations_and_numbers_do_not_end_a_sentence() -> None:
    text = "You want to see Dr. A. Holm at No. 5 before 9.30 on Monday."
    assert [c.text for c in decompose(text)] == [text]
    text = "You want to book a table for four at 7 p.m. on Friday."
    assert [c.text for c in decompose(text)] == [text]
    assert len(decompose("You want to leave at 7 p.m. Never shout.")) == 2


@given(st.text(max_size=200))
def test_any_text_gives_valid_components(text: str) -> None:
    goal = decompose(text)
    assert bool(len(goal)) == bool(text.strip())
    assert len({component.id for component in goal}) == len(goal)


words = st.sampled_from([*TEXT.replace(".", " .").split(), ";", ":", ",", "and", "must", "if", "\n", "- "])


@given(st.lists(words, min_size=1, max_size=60))
def test_any_order_of_a_goals_words_keeps_them_all(shuffled: list[str]) -> None:
    text = " ".join(shuffled)
    goal = decompose(text)
    kept = " ".join(component.text for component in goal).lower()
    for word in text.lower().split():
        if len(word) > 4 and word.isalpha():
            assert word in kept


# --- files --------------------------------------------------------------------------------------------------

NATIVE_GOAL = {
    "text": "Buy a bike.",
    "components": [{"id": "x", "category": "objective", "text": "Buy a bike."}],
}


@pytest.mark.parametrize("value", [NATIVE_GOAL, {"id": "c", "goal": NATIVE_GOAL, "messages": []}])
def test_a_goal_in_json(tmp_path: Path, value: dict[str, object]) -> None:
    path = tmp_path / "goal.json"
    path.write_text(json.dumps(value))
    assert [(c.id, c.text) for c in read_goal(path)] == [("x", "Buy a bike.")]


def test_a_goal_as_free_text(tmp_path: Path) -> None:
    path = tmp_path / "goal.txt"
    path.write_text("\ufeffYou want to buy a bike.\nNever shout.\n", encoding="utf-8")
    goal = read_goal(path, decomposer=RuleDecomposer())
    assert goal.text == "You want to buy a bike.\nNever shout."
    assert [str(component.category) for component in goal] == ["objective", "policy"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", ": the file is empty"),
        (b" \n", ": the file is empty"),
        (b"caf\xe9", ": expected UTF-8 text, found the byte 0xe9 at position 4"),
        (b'{"text": "Hm.",\n "components": [}', ":2: broken JSON at column 17: Expecting value"),
        (
            b'{"text": "Hm.", "components": [{"id": "a", "category": "x", "text": "b"}]}',
            ": components[0].category",
        ),
        (b'{"goal": {"components": 3}}', ": goal.components: expected a list, found 3"),
        (b"{}", ": components: missing"),
        (b'[\n  {"id": "a", "category": "profile", "text": "b"}]', ": expected an object, found a list"),
    ],
)
def test_a_bad_goal_file_is_answered_in_one_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "goal"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_goal(path)
    assert str(caught.value).startswith(f"{path}{complaint}")


def test_a_missing_goal_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_goal(tmp_path / "goal.txt")


def test_another_decomposer_can_take_its_place(tmp_path: Path) -> None:
    class Shouting:
        def decompose(self, text: str) -> object:
            return RuleDecomposer().decompose(text.upper())

    path = tmp_path / "goal.txt"
    path.write_text("Buy a bike.")
    other: Decomposer = Shouting()  # type: ignore[assignment]
    assert read_goal(path, decomposer=other).text == "BUY A BIKE."

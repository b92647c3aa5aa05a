"""The learned split: what it makes of goals, and that it adds nothing to them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.decomposition import (
    LearnedDecomposer,
    RuleDecomposer,
    decompose,
    decomposer_named,
    default_decomposer,
    learned_weights,
)
from tracker.errors import ModelError
from tracker.goal import Category
from tracker.splitter.model import Weights, best_split
from tracker.splitter.pieces import cut

installed = pytest.mark.skipif(learned_weights() is None, reason="the decomposer's weights are not installed")

LEARNED = default_decomposer()

TEXT = (
    "You are a retired teacher. You want to book a berth on the night ferry to Kirkwall; it must cost "
    "no more than 90 pounds and have a window, and you want to find out whether dogs are allowed. You "
    "would rather have the lower bunk. You also want your old booking cancelled. Never mention your "
    "age. If the agent refuses, ask for a supervisor."
)


@installed
def test_a_goal_as_simulators_are_given_it() -> None:
    goal = decompose(TEXT)
    assert goal.text == TEXT
    assert [(c.id, c.objective, c.text) for c in goal] == [
        ("profile-1", None, "You are a retired teacher."),
        ("objective-1", None, "You want to book a berth on the night ferry to Kirkwall."),
        ("requirement-1", "objective-1", "It must cost no more than 90 pounds."),
        ("requirement-2", "objective-1", "It must have a window."),
        ("requirement-3", "objective-1", "You want to find out whether dogs are allowed."),
        ("preference-1", "objective-1", "You would rather have the lower bunk."),
        ("objective-2", None, "You also want your old booking cancelled."),
        ("policy-1", None, "Never mention your age."),
        ("policy-2", None, "If the agent refuses, ask for a supervisor."),
    ]


@installed
@pytest.mark.parametrize(("you", "your", "are"), [("I", "my", "am"), ("The user", "their", "is")])
def test_it_does_not_matter_whom_the_goal_speaks_of(you: str, your: str, are: str) -> None:
    wants, has = ("wants", "has") if you == "The user" else ("want", "have")
    text = (
        f"{you} {are} a nurse. {you} {wants} to return a lamp. It {has} to be free. Never mention {your} job."
    )
    assert [c.category for c in decompose(text)] == [
        Category.PROFILE,
        Category.OBJECTIVE,
        Category.REQUIREMENT,
        Category.POLICY,
    ]


@installed
def test_a_list_is_split_at_its_bullets() -> None:
    goal = decompose("- You want to book a room\n- It must be quiet\n- Never shout")
    assert [c.text for c in goal] == ["You want to book a room.", "It must be quiet.", "Never shout."]


@installed
def test_a_rule_of_conduct_is_not_left_out() -> None:
    goal = decompose("Be polite. Cancel my flight. Don't be rude.")
    assert [c.text for c in goal if c.category is Category.POLICY] == ["Be polite.", "Don't be rude."]


@installed
@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_gives_valid_components(text: str) -> None:
    goal = LEARNED.decompose(text)
    assert bool(len(goal)) == bool(text.strip())
    assert len({component.id for component in goal}) == len(goal)


words = st.sampled_from([*TEXT.replace(".", " .").split(), ";", ":", ",", "and", "must", "if", "\n", "- "])


@installed
@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=40))
def test_a_component_has_only_words_of_the_goal(shuffled: list[str]) -> None:
    text = " ".join(shuffled)
    for component in LEARNED.decompose(text):
        assert set(re.findall(r"\w+", component.text.lower())) <= set(re.findall(r"\w+", text.lower()))


def test_without_weights_goals_are_split_by_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tracker.decomposition.models_dir", lambda: tmp_path)
    assert isinstance(default_decomposer(), RuleDecomposer)
    with pytest.raises(ModelError, match="weights are missing"):
        decomposer_named("learned")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut short"])
def test_damaged_weights_are_an_error_of_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "decomposer.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"decomposer.npz: the decomposer's weights cannot be read"):
        LearnedDecomposer(path).decompose("Buy a bike.")


def test_weights_of_other_shapes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "decomposer.npz"
    _weights({"word bike": Category.OBJECTIVE}).save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **(arrays | {"start": np.zeros(2)}))
    with pytest.raises(ModelError, match="do not fit each other"):
        Weights.load(path)


def test_the_best_split_is_the_one_of_the_highest_score() -> None:
    weights = _weights({"word bike": Category.OBJECTIVE, "word shout": Category.POLICY}, joined=-0.5)
    pieces = cut("You want a bike, and you never shout.")
    assert [(run.first, run.stop, run.label) for run in best_split(pieces, weights)] == [
        (0, 1, Category.OBJECTIVE),
        (1, 2, Category.POLICY),
    ]


def test_weights_are_the_same_after_saving(tmp_path: Path) -> None:
    weights = _weights({"word bike": Category.OBJECTIVE})
    weights.save(tmp_path / "decomposer.npz")
    loaded = Weights.load(tmp_path / "decomposer.npz")
    assert loaded.run_features == weights.run_features
    np.testing.assert_array_equal(loaded.runs, weights.runs)


def _weights(words: dict[str, Category], *, joined: float = -1.0) -> Weights:
    """Weights under which a word speaks for a category, and a place between pieces for a cut."""
    labels = [None, *Category]
    runs = np.zeros((len(words), len(labels)))
    for row, category in enumerate(words.values()):
        runs[row, labels.index(category)] = 1.0
    return Weights(
        run_features={word: row for row, word in enumerate(words)},
        place_features={"inside": 0},
        runs=runs,
        places=np.array([joined]),
        follow=np.zeros((len(labels), len(labels))),
        start=np.zeros(len(labels)),
    )

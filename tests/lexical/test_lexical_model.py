"""The lexical model: trees as arrays, the file that they come in, and the answers that they give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tracker.conversation import Conversation
from tracker.errors import ModelError
from tracker.goal import STATUSES, Category, Status
from tracker.lexical import NAMES, LexicalModel, Lexicon
from tracker.lexical.trees import Trees
from tracker.prompt import Question
from tracker.resources import models_dir


def stump(classes: int, *, feature: int = 0, last: float = 2.0) -> Trees:
    """One tree for the last class: nothing up to 0.4, ``last`` above."""
    return Trees(
        feature=np.array([feature, 0, 0]),
        threshold=np.array([0.4, 0.0, 0.0]),
        left=np.array([1, 1, 2]),
        right=np.array([2, 1, 2]),
        value=np.array([0.0, 0.0, last]),
        roots=np.array([0]),
        classes=np.array([classes - 1]),
        start=np.zeros(classes),
    )


def made(feature: str = "share in message") -> LexicalModel:
    position = list(NAMES).index(feature)
    return LexicalModel(
        Lexicon(), {c: stump(len(STATUSES[c]), feature=position, last=20.0) for c in Category}
    )


def test_leaves_are_added_up_and_made_probabilities() -> None:
    found = stump(2).probabilities(np.array([[0.4], [0.5]]))
    assert found == pytest.approx(np.array([[0.5, 0.5], [1 / (1 + np.e**2), 1 / (1 + np.e**-2)]]))


@pytest.mark.parametrize(
    "broken",
    [
        {"left": np.array([1, 1, 3])},
        {"left": np.array([1, 0, 2])},
        {"roots": np.array([3])},
        {"classes": np.array([2])},
        {"threshold": np.array([0.5])},
        {"feature": np.array([-1, 0, 0])},
    ],
)
def test_arrays_that_do_not_fit_are_refused(broken: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        replace(stump(2), **broken)


def test_a_saved_model_is_read_as_it_was(tmp_path: Path) -> None:
    made().save(tmp_path / "lexical.npz")
    again = LexicalModel.read(tmp_path / "lexical.npz")
    rows = np.random.default_rng(0).normal(size=(20, len(NAMES)))
    for category, trees in made().trees.items():
        assert np.array_equal(again.trees[category].probabilities(rows), trees.probabilities(rows))


def test_a_saved_lexicon_is_read_as_it_was(tmp_path: Path, conversation: Conversation) -> None:
    lexicon = Lexicon.of([conversation] * 3)
    assert lexicon.conversations == 3
    assert set(lexicon.counts.values()) == {3}
    LexicalModel(lexicon, made().trees).save(tmp_path / "lexical.npz")
    assert LexicalModel.read(tmp_path / "lexical.npz").lexicon == lexicon


def test_questions_are_answered_in_their_order(conversation: Conversation) -> None:
    reading = made().start(conversation.goal).after(conversation.turns[1])
    # The second message names Friday; nothing in it is of the profile.
    asked = [
        Question(conversation.goal[name], status)
        for name, status in (
            ("when", Status.INCOMPLETE),
            ("who", Status.ALIGNED),
            ("when", Status.ATTEMPTED),
        )
    ]
    first, second, third = reading.ask(asked)
    assert list(first) == [Status.INCOMPLETE, Status.ATTEMPTED, Status.COMPLETE]
    assert first[Status.COMPLETE] > 0.99
    assert second == pytest.approx({Status.ALIGNED: 0.5, Status.MISALIGNED: 0.5})
    assert list(third) == [Status.ATTEMPTED, Status.COMPLETE]
    assert all(sum(answer.values()) == pytest.approx(1) for answer in (first, second, third))
    assert min(first.values()) > 0


def test_what_is_no_lexical_model_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "lexical.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ModelError, match="lexical model cannot be read") as caught:
        LexicalModel.read(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="cannot be read"):
        LexicalModel.read(tmp_path / "nowhere.npz")


def test_arrays_of_something_else_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "lexical.npz"
    for save in (np.save, np.savez):
        with path.open("wb") as file:
            save(file, np.arange(3))
        with pytest.raises(ModelError, match="lexical model cannot be read"):
            LexicalModel.read(path)


def test_a_model_of_other_features_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lexical.npz"
    made().save(path)
    monkeypatch.setattr("tracker.lexical.model.NAMES", tuple(NAMES)[1:])
    with pytest.raises(ModelError, match="other features"):
        LexicalModel.read(path)


def test_the_shipped_model_sees_a_wish_that_is_voiced(conversation: Conversation) -> None:
    folder = models_dir()
    assert folder is not None
    reading = LexicalModel.read(folder / "lexical.npz").start(conversation.goal)
    wish = Question(conversation.goal["wish"], Status.MISALIGNED)
    voiced = []
    for turn in conversation.turns:
        reading = reading.after(turn)
        voiced.append(reading.ask([wish])[0][Status.ALIGNED])
    assert voiced[2] > 2 * max(voiced[:2])

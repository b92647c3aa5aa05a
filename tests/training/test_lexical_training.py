"""Growing the lexical model: rows from labels, trees as scikit-learn has them, a file that is read again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from voiced import voiced

from tracker.conversation import Conversation
from tracker.goal import STATUSES, Category, Status
from tracker.lexical import LexicalModel, Lexicon
from tracker.model.digest import sha256
from tracker.prompt import Question
from training.lexical import exported, grow, main, rows

Talk = Callable[..., Conversation]
WriteNative = Callable[[Path, Iterable[Conversation]], Path]


def test_a_component_is_a_row_until_it_cannot_move(boats: Conversation) -> None:
    found = rows([boats], Lexicon())
    counts = {category: after.tolist() for category, (_, after) in found.items()}
    assert counts == {
        Category.PROFILE: [0, 0, 1],
        Category.OBJECTIVE: [0, 0, 2],
        Category.REQUIREMENT: [0, 1, 1, 1],
        Category.PREFERENCE: [1, 0, 0, 0, 0],
    }  # The policy is one that code checks.


@pytest.mark.parametrize("classes", [2, 3])
def test_exported_trees_say_what_scikit_learn_says(classes: int) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(600, 4))
    after = (features[:, 0] + features[:, 1] > 0).astype(int) + (classes == 3) * (features[:, 2] > 0.5)
    model = HistGradientBoostingClassifier(max_iter=12, early_stopping=False).fit(features, after)
    unseen = random.normal(size=(200, 4))
    assert exported(model).probabilities(unseen) == pytest.approx(model.predict_proba(unseen))


def test_a_status_that_never_comes_up_is_named() -> None:
    with pytest.raises(ValueError, match="objective: no component becomes ATTEMPTED"):
        grow(np.zeros((4, 1)), np.array([0, 2, 0, 2]), np.ones(4), Category.OBJECTIVE)


def test_the_command_writes_a_model_that_sees_what_it_was_shown(
    talk: Talk, write_native: WriteNative, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = write_native(tmp_path / "train.jsonl", [voiced(talk, number) for number in range(60)])
    monkeypatch.setattr("training.lexical.TREES", 100)
    monkeypatch.setattr(sys, "argv", ["lexical", str(train), str(tmp_path)])
    main()
    manifest = json.loads((tmp_path / "lexical.json").read_text())
    assert manifest["trees"]["sha256"] == sha256(tmp_path / "lexical.npz")
    assert [(one["use"], one["sha256"]) for one in manifest["training"]["data"]] == [
        ("judged labels", sha256(train))
    ]
    model = LexicalModel.read(tmp_path / "lexical.npz")
    assert {category: len(trees.start) for category, trees in model.trees.items()} == {
        category: len(STATUSES[category]) for category in Category
    }
    for number in (61, 62):
        unseen = voiced(talk, number)
        reading = model.start(unseen.goal).after(unseen.turns[0]).after(unseen.turns[1])
        answer = reading.ask([Question(unseen.goal["w"], Status.MISALIGNED)])[0]
        assert (answer[Status.ALIGNED] > 0.5) == (number % 2 == 0)

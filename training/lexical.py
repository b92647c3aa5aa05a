"""Grow the trees of the lexical model: ``python -m training.lexical TRAIN.jsonl ... MODELS``.

Knows labels, features (``tracker.lexical``) and scikit-learn's boosted trees. Knows nothing about the
language model: a row is a component after a turn, given its labelled status before it, and the class is its
labelled status after it. Weak labels may stand beside judged ones and count for less.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from tracker.atomic import check_writable
from tracker.conversation import Conversation
from tracker.goal import STATUSES, Category
from tracker.lexical import Featuriser, LexicalModel, Lexicon, names
from tracker.lexical.trees import Floats, Ints, Trees
from tracker.model.digest import sha256
from training.command import exit_code
from training.data import questions_by_turn, read_labelled
from training.provenance import file_entry, write_manifest

TREES = 400
LEARNING_RATE = 0.04
LEAVES = 16
LEAST_IN_LEAF = 40
PENALTY = 10.0
"""Of leaves' squared values."""
FEATURES_PER_SPLIT = 0.3
WEAK = 0.25
"""What a row with weak labels counts for. It and the six above were chosen on validation."""


def rows(conversations: Iterable[Conversation], lexicon: Lexicon) -> dict[Category, tuple[Floats, Ints]]:
    """Features, shape (rows, features) in the order of ``tracker.lexical.names``, and the positions of the
    statuses that came after, shape (rows,).

    Policies that code checks are left out, as they are where the model is asked.
    """
    found: dict[Category, list[tuple[Floats, int]]] = defaultdict(list)
    for conversation in conversations:
        by_turn = questions_by_turn(conversation)
        featuriser = Featuriser(lexicon, conversation.goal, opening=conversation.opening)
        for turn in conversation.turns:
            featuriser = featuriser.after(turn)
            for asked in by_turn[turn.index]:
                question, category = asked.question, asked.question.category
                values = np.array(featuriser.features(question.component, question.previous))
                found[category].append((values, STATUSES[category].index(asked.target)))
    return {
        category: (np.array([values for values, _ in made]), np.array([after for _, after in made]))
        for category, made in found.items()
    }


def grow(features: Floats, after: Ints, weights: Floats, category: Category) -> Trees:
    """Boosted trees for a category, of rows as :func:`rows` makes them and what each counts for.

    Raises ``ValueError`` where a status never comes up.
    """
    statuses = STATUSES[category]
    counts = Counter(after.tolist())
    missing = [str(status) for position, status in enumerate(statuses) if not counts[position]]
    if missing:
        raise ValueError(f"{category}: no component becomes {' or '.join(missing)} in the training files")
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=LEARNING_RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST_IN_LEAF,
        l2_regularization=PENALTY,
        max_features=FEATURES_PER_SPLIT,
        early_stopping=False,
        random_state=0,
    ).fit(features, after, sample_weight=weights)
    return exported(model)


def exported(model: HistGradientBoostingClassifier) -> Trees:
    """A fitted classifier's trees; with two classes, its one score is the second class's.

    Raises ``ValueError`` unless they give the probabilities that the classifier gives: where its trees are
    kept is no part of scikit-learn's promises.
    """
    start = model._baseline_prediction.ravel()
    binary = len(start) == 1
    parts: dict[str, list[np.ndarray]] = defaultdict(list)
    roots, classes, size = [], [], 0
    for step in model._predictors:
        for position, predictor in enumerate(step):
            nodes = predictor.nodes
            own = np.arange(len(nodes))
            leaf = nodes["is_leaf"].astype(bool)
            parts["feature"].append(np.where(leaf, 0, nodes["feature_idx"]))
            parts["threshold"].append(np.where(leaf, 0.0, nodes["num_threshold"]))
            parts["left"].append(np.where(leaf, own, nodes["left"]) + size)
            parts["right"].append(np.where(leaf, own, nodes["right"]) + size)
            parts["value"].append(np.where(leaf, nodes["value"], 0.0))
            roots.append(size)
            classes.append(position + binary)
            size += len(nodes)
    trees = Trees.from_arrays(
        {
            **{name: np.concatenate(arrays) for name, arrays in parts.items()},
            "roots": np.array(roots),
            "classes": np.array(classes),
            "start": np.concatenate([[0.0], start]) if binary else start,
        }
    )
    probe = np.random.default_rng(0).normal(size=(64, model.n_features_in_))
    if not np.allclose(trees.probabilities(probe), model.predict_proba(probe), atol=1e-9):
        raise ValueError("this version of scikit-learn keeps its trees in another way than is known here")
    return trees


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path, nargs="+", help="native files with labels; never a test file")
    parser.add_argument("models", type=Path, help="folder to write lexical.npz and lexical.json to")
    parser.add_argument(
        "--weak", type=Path, action="append", default=[], help="a file with weak labels; repeatable"
    )
    arguments = parser.parse_args()
    path = arguments.models / "lexical.npz"
    check_writable(path)
    uses = (("judged labels", arguments.train, 1.0), ("weak labels", arguments.weak, WEAK))
    read = [[one for path in paths for one in read_labelled(path, probes=False)] for _, paths, _ in uses]
    lexicon = Lexicon.of(read[0])
    parts = [(rows(found, lexicon), weight) for found, (_, _, weight) in zip(read, uses, strict=True)]
    trees = {}
    for category in Category:
        made = [(*found[category], weight) for found, weight in parts if category in found]
        features, after = (np.concatenate([part[n] for part in made]) for n in (0, 1))
        weights = np.concatenate([np.full(len(part), weight) for _, part, weight in made])
        trees[category] = grow(features, after, weights, category)
        counts = Counter(str(STATUSES[category][position]) for position in after.tolist())
        shape = {"rows": len(after), "features": len(names(lexicon, category))}
        print(json.dumps({"category": str(category), **shape, **counts}))
    LexicalModel(lexicon, trees).save(path)
    manifest = {
        "trees": {"sha256": sha256(path), "bytes": path.stat().st_size},
        "training": {
            "date": datetime.now(UTC).date().isoformat(),
            "trees": TREES,
            "learning_rate": LEARNING_RATE,
            "leaves": LEAVES,
            "least_in_leaf": LEAST_IN_LEAF,
            "penalty": PENALTY,
            "features_per_split": FEATURES_PER_SPLIT,
            "weak_weight": WEAK,
            "data": [file_entry(source, use=use) for use, sources, _ in uses for source in sources],
        },
    }
    write_manifest(manifest, arguments.models / "lexical.json")


if __name__ == "__main__":
    sys.exit(exit_code(main))

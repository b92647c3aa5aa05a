"""How a model in training does: the statuses that a forward filter makes of its answers, against labels.

Knows questions, answers and labels. Knows nothing about weights. The figures that count are made by
``goalstate evaluate`` with the exported, quantised model; these only steer a run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score

from tracker.conversation import Conversation
from tracker.forward import Belief
from tracker.goal import STATUSES, Category, reachable
from training.data import Asked


def chain_figures(
    answered: Iterable[tuple[Conversation, Sequence[Asked], npt.NDArray[np.float64]]],
) -> dict[str, dict[str, float]]:
    """Accuracy and Cohen's kappa per category, and their averages; a kappa that is not defined counts as 0.

    Parameters
    ----------
    answered
        For each conversation the questions asked (all statuses that can still move, every turn) and the
        probabilities of what can follow, shape (questions, 3), padded with zeros.
    """
    truth: dict[Category, list[int]] = defaultdict(list)
    found: dict[Category, list[int]] = defaultdict(list)
    for conversation, asked, probabilities in answered:
        moves = {
            (a.question.component.id, a.turn, a.question.previous): row
            for a, row in zip(asked, probabilities, strict=True)
        }
        for component in conversation.goal:
            statuses = STATUSES[component.category]
            belief = Belief.start(component.category)
            for turn, label in enumerate(conversation.labelled_statuses(component.id), start=1):
                answers = {}
                for previous in belief.open:
                    row = moves[component.id, turn, previous]
                    following = reachable(component.category, previous)
                    answers[previous] = dict(zip(following, map(float, row), strict=False))
                belief = belief.after(answers)
                truth[component.category].append(statuses.index(label))
                found[component.category].append(statuses.index(belief.reported))
    figures = {}
    for category in truth:
        accuracy = float(np.mean(np.equal(truth[category], found[category])))
        kappa = float(np.nan_to_num(cohen_kappa_score(truth[category], found[category]), nan=0.0))
        figures[str(category)] = {"accuracy": round(accuracy, 4), "kappa": round(kappa, 4)}
    figures["average"] = {
        name: round(float(np.mean([f[name] for f in figures.values()])), 4) for name in ("accuracy", "kappa")
    }
    return figures

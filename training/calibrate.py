"""Fit the calibration: ``python -m training.calibrate VALIDATION.jsonl ... MODELS``.

Knows the raw answers of the shipped model and of the opinions beside it (``tracker.opinions``), labels, and
the calibration that ``tracker.forward`` applies. Knows nothing about weights or trees.

What is fitted is what is used. A tracker does not ask the model what the other opinions settle by themselves,
so a calibration of theirs comes first, and that of all is fitted to the questions that they leave open.

Three things are fitted on validation, per category. A temperature, a weight of each other opinion and a bias
per status, by maximum likelihood of the labelled changes (Platt 1999; Guo et al. 2017, arXiv 1706.04599, with
a bias because training favours changes), with a weak prior towards changing nothing, or towards equal shares
where there are several opinions. Then the thresholds at which the forward filter reports a status. Then how
sure to be of each status that is reported.

What each step brings is printed, and how well each file does with calibrations that were fitted without the
conversations that they report: by the model, by each other opinion, by those that go together without a
model, and by all. Trackers without a model have calibrations of their own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_expit, log_softmax, logit

from tracker.agreement import Agreement, evaluate
from tracker.atomic import check_writable, write_text
from tracker.forward import Calibration, CategoryCalibration
from tracker.goal import STATUSES, Category, Status, is_final, reachable
from tracker.metrics import Floats, accuracy, cohen_kappa
from tracker.modelless import MODELLESS, calibration_name, decoder_by
from tracker.opinions import Opinion, read_opinions
from tracker.state import Track
from tracker.tracking import GoalTracker
from training.answered import Answered, ask_everything
from training.command import exit_code
from training.data import read_labelled

PRIOR = 1.0
"""Weight of the prior on log-temperature and biases, in labels."""
THRESHOLDS = tuple(round(0.2 + 0.05 * step, 2) for step in range(13))
FOLDS = 8
TINY = 1e-9
"""Taken for a probability of 0 where its logarithm is asked for."""
RESAMPLES = 25
"""Of the conversations, to fit a threshold on each."""


@dataclass(frozen=True)
class _Moves:
    """What follows the labelled status before each turn, where the model is asked."""

    logs: Floats
    """(opinions, questions, statuses): log-probabilities, the model's first; 0 where one cannot follow."""
    allowed: npt.NDArray[np.bool_]
    """(questions, statuses): whether one can follow."""
    after: npt.NDArray[np.int64]
    """(questions,): positions of the labelled ones."""

    def loss(self, weights: Floats, bias: Floats) -> tuple[float, Floats, Floats]:
        """The negative log-likelihood of the labels, and its gradients by weights and biases.

        ``weights`` has shape (opinions,), ``bias`` (statuses,). It is what ``CategoryCalibration.mend`` does.
        """
        scores = np.where(self.allowed, np.tensordot(weights, self.logs, 1) + bias, -np.inf)
        logs = log_softmax(scores, axis=1)
        labelled = np.arange(len(self.after)), self.after
        wrong = np.exp(logs)
        wrong[labelled] -= 1
        return -float(logs[labelled].sum()), np.tensordot(self.logs, wrong, 2), wrong.sum(axis=0)


def _moves(answered: Sequence[Answered], category: Category, opinions: Sequence[Opinion]) -> _Moves:
    statuses = STATUSES[category]
    logs, allowed, after = [], [], []
    for item in answered:
        for component in item.asked(category):
            before = component.start
            for turn, follows in enumerate(item.conversation.labelled_statuses(component.id), start=1):
                if is_final(category, before):
                    break
                key = component.id, turn, before
                if key not in item.settled:
                    said = item.said(key)
                    answers = [item.answers[key], *(said[opinion] for opinion in opinions)]
                    logs.append([[math.log(max(one.get(s, 1.0), TINY)) for s in statuses] for one in answers])
                    allowed.append([status in reachable(category, before) for status in statuses])
                    after.append(statuses.index(follows))
                before = follows
    return _Moves(
        np.array(logs).reshape(-1, 1 + len(opinions), len(statuses)).swapaxes(0, 1),
        np.array(allowed, dtype=np.bool_).reshape(-1, len(statuses)),
        np.array(after, dtype=np.int64),
    )


def fit_probabilities(answered: Sequence[Answered], category: Category) -> CategoryCalibration:
    """Temperature, weights of other opinions and biases of a category by penalised maximum likelihood on the
    labelled transitions that the other opinions do not settle."""
    names = sorted({opinion for item in answered for opinion in item.others})
    moves = _moves(answered, category, names)
    if not len(moves.after):
        return CategoryCalibration()
    opinions = 1 + len(names)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights = np.exp(parameters[:opinions]) / opinions
        lost, by_weight, by_bias = moves.loss(weights, np.array([0.0, *parameters[opinions:]]))
        gradient = np.array([*(by_weight * weights), *by_bias[1:]])
        return lost + PRIOR * float(np.square(parameters).sum()), gradient + 2 * PRIOR * parameters

    moving = STATUSES[category][1:]
    found = minimize(loss, np.zeros(opinions + len(moving)), jac=True, method="L-BFGS-B").x
    first, *weights = np.exp(found[:opinions]) / opinions
    return CategoryCalibration(
        temperature=float(1 / first),
        beside={opinion: float(weight) for opinion, weight in zip(names, weights, strict=True)},
        bias={status: float(value) for status, value in zip(moving, found[opinions:], strict=True)},
    )


def fit_thresholds(
    answered: Sequence[Answered], category: Category, calibration: CategoryCalibration
) -> CategoryCalibration:
    """From which probability on a status is reported.

    Each threshold is the mean of those that score best on many resamples of the conversations (bagging,
    Breiman 1996): what scores best on the conversations themselves depends on a few of them. Scored is the
    sum of accuracy and kappa over all turns: kappa alone would call every second policy broken where policies
    are hard, and accuracy alone none.
    """
    parts = [part for one in answered if len((part := _reached([one], category, calibration)).labels)]
    if not parts:
        return calibration
    chance = np.random.default_rng(0)
    best = [
        _together([parts[n] for n in chance.integers(len(parts), size=len(parts))]).best_thresholds()
        for _ in range(RESAMPLES)
    ]
    thresholds = [round(float(mean), 3) for mean in np.mean(best, axis=0)]
    return calibration.model_copy(
        update={"threshold": dict(zip(STATUSES[category][1:], thresholds, strict=True))}
    )


@dataclass(frozen=True)
class _Reached:
    """What thresholds are compared with after every turn."""

    values: Floats
    """(labels, statuses but the start)"""
    labels: npt.NDArray[np.int64]
    """(labels,): positions in the category's statuses."""

    def confusion(self, thresholds: Sequence[float]) -> Floats:
        """Labels (rows) against what is reported with the thresholds (columns)."""
        furthest = np.zeros(len(self.labels), dtype=int)
        for position, threshold in enumerate(thresholds):
            furthest[self.values[:, position] >= threshold] = position + 1
        counts = np.zeros((len(thresholds) + 1, len(thresholds) + 1))
        np.add.at(counts, (self.labels, furthest), 1)
        return counts

    def best_thresholds(self) -> tuple[float, ...]:
        """Those with the highest score; near ties go to the ones nearest to one half."""
        grid = itertools.product(THRESHOLDS, repeat=self.values.shape[1])
        return max(
            grid, key=lambda ts: (round(_score(self.confusion(ts)), 2), -sum(abs(t - 0.5) for t in ts))
        )


def _together(parts: Sequence[_Reached]) -> _Reached:
    return _Reached(np.concatenate([p.values for p in parts]), np.concatenate([p.labels for p in parts]))


def _score(counts: Floats) -> float:
    """Accuracy plus Cohen's kappa, which counts as 0 where it is not defined."""
    return float(accuracy(counts)) + float(np.nan_to_num(cohen_kappa(counts), nan=0.0))


def _reached(answered: Sequence[Answered], category: Category, calibration: CategoryCalibration) -> _Reached:
    statuses = STATUSES[category]
    # A threshold that is never met keeps the belief going past what would be reported.
    unreported = calibration.model_copy(update={"threshold": dict.fromkeys(statuses, 1.0)})
    values, labels = [], []
    for item in answered:
        for component in item.asked(category):
            reported = item.conversation.labelled_statuses(component.id)
            for belief, label in zip(item.beliefs(component, unreported), reported, strict=True):
                values.append(np.cumsum(belief.masses[::-1])[::-1][1:])
                labels.append(statuses.index(label))
    return _Reached(np.array(values).reshape(-1, len(statuses) - 1), np.array(labels, dtype=np.int64))


def fit_certainty(
    answered: Sequence[Answered], category: Category, calibration: CategoryCalibration
) -> CategoryCalibration:
    """How much surer, or less sure, to be of a status once it is reported.

    One number for each status, by penalised maximum likelihood of its being right after every turn at which
    it is reported.
    """
    found: dict[Status, list[tuple[float, bool]]] = {}
    for item in answered:
        for component in item.asked(category):
            labels = item.conversation.labelled_statuses(component.id)
            for belief, label in zip(item.beliefs(component, calibration), labels, strict=True):
                right = belief.reported is label
                found.setdefault(belief.reported, []).append((belief.probability, right))
    certainty = {status: _shift(found[status]) for status in STATUSES[category] if status in found}
    return calibration.model_copy(update={"certainty": certainty})


def _shift(found: Sequence[tuple[float, bool]]) -> float:
    """What to add to the log-odds of probabilities, in view of what came true of them."""
    probabilities, came_true = np.array(found, dtype=float).T
    odds = logit(probabilities.clip(1e-3, 1 - 1e-3))

    def loss(shift: float) -> float:
        likelihood = log_expit(np.where(came_true, odds + shift, -odds - shift))
        return float(-likelihood.sum() + PRIOR * shift**2)

    return round(float(minimize_scalar(loss).x), 3)


def fit(answered: Sequence[Answered]) -> dict[str, Calibration]:
    """Calibrations by how far they go: ``probabilities``, with ``thresholds``, and with ``certainty`` too."""
    mended = {category: fit_probabilities(answered, category) for category in Category}
    reported = {category: fit_thresholds(answered, category, mended[category]) for category in Category}
    full = {category: fit_certainty(answered, category, reported[category]) for category in Category}
    return {
        "probabilities": Calibration(categories=mended),
        "thresholds": Calibration(categories=reported),
        "certainty": Calibration(categories=full),
    }


def fit_alone(answered: Sequence[Answered]) -> Calibration | None:
    """The calibration by which the other opinions settle questions before the model is asked; ``None`` where
    no decoder goes by just these opinions, so that they settle nothing."""
    decoder = decoder_by(answered[0].others)
    if decoder is None:
        return None
    by = MODELLESS[decoder]
    without = [item.without_model(by) for item in answered]
    mended = {category: fit_probabilities(without, category) for category in Category}
    return modelless(Calibration(categories=mended), by[0])


def steps(answered: Sequence[Answered], fitted: Mapping[str, Calibration]) -> dict[str, Agreement]:
    """Agreement on the same conversations after each step, the first believing each turn by itself.

    The first two know the model's answers alone.
    """
    conversations = [item.conversation for item in answered]

    def agreement(calibration: Calibration, *, ruled: bool = False) -> Agreement:
        return evaluate(conversations, [item.replay(calibration, ruled=ruled) for item in answered])

    def by_model(*, filtered: bool) -> Agreement:
        return evaluate(
            conversations, [item.by_model.replay(Calibration(), filtered=filtered) for item in answered]
        )

    return {
        "each turn by itself": by_model(filtered=False),
        "forward filter": by_model(filtered=True),
        "and calibrated": agreement(fitted["probabilities"]),
        "and thresholds": agreement(fitted["thresholds"]),
        "and certainty": agreement(fitted["certainty"]),
        "and rules that code checks": agreement(fitted["certainty"], ruled=True),
    }


def held_out(
    fitted: Sequence[Sequence[Answered]], also: Sequence[Sequence[Answered]] = ()
) -> list[Agreement]:
    """Agreement on each file, as reported with calibrations that its conversations had no part in.

    A calibration is fitted on seven eighths of the ``fitted`` files and reports the last eighth of each, and
    as many of the files in ``also``. In the order of the files.
    """
    without = []
    for fold in range(FOLDS):
        others = [item for file in fitted for n, item in enumerate(file) if n % FOLDS != fold]
        alone = fit_alone(others)
        without.append((alone, fit([item.settled_by(alone) for item in others])["certainty"]))

    def track(item: Answered, fold: int) -> Track:
        alone, calibration = without[fold]
        return item.settled_by(alone).replay(calibration, ruled=True)

    return [
        evaluate(
            [item.conversation for item in file], [track(item, n % FOLDS) for n, item in enumerate(file)]
        )
        for file in (*fitted, *also)
    ]


def figures(agreement: Agreement) -> dict[str, object]:
    """What is printed of an agreement."""
    average = agreement.average
    kappas = {
        str(category): round(part.figures.every_turn.kappa.value, 3)
        for category, part in agreement.categories.items()
    }
    return {
        "accuracy": round(average.every_turn.accuracy.value, 4),
        "kappa": round(average.every_turn.kappa.value, 4),
        "attempted_recall": round(average.attempted_recall.value, 4),
        "calibration_error": round(average.calibration_error.value, 4),
        "kappas": kappas,
    }


def modelless(calibration: Calibration, first: Opinion) -> Calibration:
    """A calibration in which an opinion took the model's place, as one of opinions beside none."""
    return Calibration(
        categories={
            category: part.model_copy(
                update={"temperature": 1.0, "beside": {first: 1 / part.temperature, **part.beside}}
            )
            for category, part in calibration.categories.items()
        }
    )


def report(
    validation: Mapping[Path, Sequence[Answered]], also: Mapping[Path, Sequence[Answered]]
) -> Iterator[dict[str, object]]:
    """What each step brings on ``validation``, and how each file does, held out, by whose opinion."""
    answered = [item for file in validation.values() for item in file]
    alone = fit_alone(answered)
    as_used = [item.settled_by(alone) for item in answered]
    for name, agreement in steps(as_used, fit(as_used)).items():
        yield {"step": name, **figures(agreement)}
    opinions = answered[0].others.keys()
    ways: dict[str, Callable[[Answered], Answered]] = {"model": attrgetter("by_model")}
    ways |= {f"{one} alone": partial(Answered.without_model, opinions=[one]) for one in opinions}
    ways |= {name: partial(Answered.without_model, opinions=by) for name, by in _modelless(opinions)}
    if opinions:
        ways["all"] = lambda item: item
    for way, of in ways.items():
        taken = [[[of(item) for item in file] for file in group.values()] for group in (validation, also)]
        for path, agreement in zip((*validation, *also), held_out(*taken), strict=True):
            yield {"held out": str(path), "by": way, **figures(agreement)}


def shippable(answered: Sequence[Answered]) -> dict[str, Calibration]:
    """The calibrations that are shipped, by their files' names."""
    alone = fit_alone(answered)
    found = {"calibration.json": fit([item.settled_by(alone) for item in answered])["certainty"]}
    for name, by in _modelless(answered[0].others):
        without = fit([item.without_model(by) for item in answered])["certainty"]
        found[calibration_name(name)] = modelless(without, by[0])
    return found


def _modelless(opinions: Collection[Opinion]) -> list[tuple[str, tuple[Opinion, ...]]]:
    """The decoders without a model whose opinions are all there."""
    return [(name, by) for name, by in MODELLESS.items() if set(by) <= set(opinions)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "validation", type=Path, nargs="+", help="native files with labels; never a test file"
    )
    parser.add_argument("models", type=Path, help="folder of the opinions' models, to write calibrations to")
    parser.add_argument("--model", help="a GGUF in place of the shipped model")
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        help="a file to report on and not to fit on; repeatable",
    )
    arguments = parser.parse_args()
    for name in ("calibration.json", *map(calibration_name, MODELLESS)):
        check_writable(arguments.models / name)
    there = {one: path for one in Opinion if (path := arguments.models / f"{one}.npz").exists()}
    opinions = read_opinions(there, threads=None)
    with GoalTracker.load(arguments.model) as tracker:
        validation, also = (
            {
                path: [
                    ask_everything(one, tracker.decoder, opinions)
                    for one in read_labelled(path, probes=False)
                ]
                for path in paths
            }
            for paths in (arguments.validation, arguments.also)
        )
    for row in report(validation, also):
        print(json.dumps(row), flush=True)
    for name, calibration in shippable([item for file in validation.values() for item in file]).items():
        write_text(arguments.models / name, calibration.model_dump_json(indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(exit_code(main))

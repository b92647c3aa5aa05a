"""What the tracker has to beat: ``python -m training.baselines --train TRAIN.jsonl FILE.jsonl...``.

Knows labelled conversations and five simple ways to guess: the start status, the commonest status by turn,
TF-IDF with logistic regression (with and without word overlap), and the base model as it comes, with and
without examples in its prompt. Knows nothing about how agreement is measured (``tracker.agreement``): every
way makes tracks, and the same function compares them all, the shipped tracker among them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tracker.agreement import Agreement, Scores, evaluate
from tracker.conversation import Conversation, Message, Role
from tracker.decoding import Distribution
from tracker.forward import Belief
from tracker.goal import STATUSES, Category, Component, Status, reachable
from tracker.model.base import find_base
from tracker.state import ComponentState, GoalState, Track
from training.command import exit_code
from training.data import labelled_questions, read_labelled
from training.provenance import file_name

Floats = npt.NDArray[np.float64]

TURN_EDGES = (1, 2, 3, 4, 5, 6, 8, 11)
"""First turns of the buckets of ``MajorityByTurn``; the last bucket is open."""


class Baseline(Protocol):
    """A way to guess how components stand: the part of a ``GoalTracker`` that a comparison needs."""

    def track(self, conversation: Conversation) -> Track: ...


class StartStatus:
    """Nothing ever moves."""

    def track(self, conversation: Conversation) -> Track:
        turns = len(conversation.turns)
        return _track(conversation, lambda component: [ComponentState(component.start, 1.0)] * turns)


class MajorityByTurn:
    """The commonest status of a category in a bucket of turns, kept where a later bucket would go back."""

    def __init__(self, conversations: Iterable[Conversation]) -> None:
        counts: dict[tuple[Category, int], Counter[Status]] = {}
        for conversation in conversations:
            for component in conversation.goal:
                for turn, status in enumerate(conversation.labelled_statuses(component.id), start=1):
                    counts.setdefault((component.category, _bucket(turn)), Counter())[status] += 1
        self._states: dict[tuple[Category, int], ComponentState] = {}
        for category in Category:
            furthest = 0
            for bucket in range(len(TURN_EDGES)):
                seen = counts.get((category, bucket), Counter())
                statuses = STATUSES[category]
                if seen:
                    furthest = max(furthest, statuses.index(seen.most_common(1)[0][0]))
                share = seen[statuses[furthest]] / seen.total() if seen else 1.0
                self._states[category, bucket] = ComponentState(statuses[furthest], share)

    def track(self, conversation: Conversation) -> Track:
        buckets = [_bucket(turn.index) for turn in conversation.turns]
        return _track(conversation, lambda component: [self._states[component.category, b] for b in buckets])


class WordsRegression:
    """TF-IDF features and one logistic regression per category and status before the turn.

    Asks for the change, as the tracker does: given the status before the turn, which one follows? The answers
    are put together over the turns in the same left-to-right chain.

    Parameters
    ----------
    conversations
        With labels, to learn from.
    overlap
        Whether the similarity of the component with what was said is a feature too. Without it a linear model
        sees what is wanted and what is said, but not whether they are the same thing.
    """

    def __init__(self, conversations: Sequence[Conversation], *, overlap: bool) -> None:
        self._words = _Words(conversations, overlap=overlap)
        self._models: dict[tuple[Category, Status], LogisticRegression] = {}
        learnt = [(self._words.features(c), labelled_questions(c)) for c in conversations]
        for category in Category:
            for previous in STATUSES[category][:-1]:
                kind = (category, previous)
                rows: list[sparse.csr_matrix] = []
                targets: list[int] = []
                for features, questions in learnt:
                    asked = [q for q in questions if (q.question.category, q.question.previous) == kind]
                    if asked:
                        rows.append(features.rows([(q.question.component.id, q.turn) for q in asked]))
                        targets += [STATUSES[category].index(q.target) for q in asked]
                if len(set(targets)) > 1:
                    self._models[kind] = LogisticRegression(max_iter=300).fit(sparse.vstack(rows), targets)

    def track(self, conversation: Conversation) -> Track:
        features = self._words.features(conversation)
        turns = range(1, len(conversation.turns) + 1)

        def states(component: Component) -> list[ComponentState]:
            rows = features.rows([(component.id, turn) for turn in turns])
            return self._states(component.category, rows)

        return _track(conversation, states)

    def _states(self, category: Category, rows: sparse.csr_matrix) -> list[ComponentState]:
        """Put the answers about all turns, one row each, together in the tracker's chain."""
        answers: dict[Status, list[Distribution]] = {}
        for previous in STATUSES[category][:-1]:
            model = self._models.get((category, previous))
            if model is not None:
                answers[previous] = [
                    dict.fromkeys(reachable(category, previous), 0.0)
                    | {STATUSES[category][k]: float(p) for k, p in zip(model.classes_, row, strict=True)}
                    for row in model.predict_proba(rows)
                ]
        belief, states = Belief.start(category), []
        for turn in range(rows.shape[0]):
            said = {previous: answers[previous][turn] for previous in belief.open if previous in answers}
            belief = belief.after(said)
            states.append(ComponentState(belief.reported, belief.probability))
        return states


class _Words:
    """TF-IDF weights learnt from conversations: of components, messages, replies and whole conversations."""

    def __init__(self, conversations: Sequence[Conversation], *, overlap: bool) -> None:
        def learn(texts: Iterable[str], longest: int) -> TfidfVectorizer:
            return TfidfVectorizer(ngram_range=(1, longest), sublinear_tf=True, min_df=2).fit(texts)

        self.overlap = overlap
        self.component = learn((c.text for v in conversations for c in v.goal), 2)
        self.user = learn((turn.user for v in conversations for turn in v.turns), 2)
        self.reply = learn((turn.assistant or "" for v in conversations for turn in v.turns), 2)
        self.whole = learn((" ".join(m.content for m in v.messages) for v in conversations), 1)

    def features(self, conversation: Conversation) -> _Features:
        turns = conversation.turns
        users, replies = [turn.user for turn in turns], [turn.assistant or "" for turn in turns]
        so_far = [" ".join((*users[: i + 1], *replies[: i + 1])) for i in range(len(turns))]
        texts = [component.text for component in conversation.goal]
        wanted = self.whole.transform(texts)
        progress = sparse.csr_matrix(np.minimum(np.arange(1, len(turns) + 1), 10)[:, None] / 10)
        said = (
            self.user.transform(users),
            self.reply.transform(replies),
            self.whole.transform(so_far),
            progress,
        )
        similar = [(wanted @ self.whole.transform(side).T).toarray() for side in (users, replies, so_far)]
        return _Features(
            {component.id: position for position, component in enumerate(conversation.goal)},
            self.component.transform(texts),
            sparse.hstack(said, format="csr"),
            np.stack(similar, axis=-1) if self.overlap else None,
        )


@dataclass(frozen=True)
class _Features:
    """What is known of one conversation; a row of features for every component and turn."""

    position: Mapping[str, int]
    components: sparse.csr_matrix
    """(components, words)"""
    turns: sparse.csr_matrix
    """(turns, words of the message, of the reply and of the conversation so far, and one for the turn)"""
    similar: Floats | None
    """(components, turns, 3): cosine similarity with the message, the reply and the conversation so far."""

    def rows(self, asked: Sequence[tuple[str, int]]) -> sparse.csr_matrix:
        """Features of pairs of a component's id and a turn, counted from 1; shape (asked, features)."""
        components = [self.position[component_id] for component_id, _ in asked]
        turns = [turn - 1 for _, turn in asked]
        parts = [self.components[components], self.turns[turns]]
        if self.similar is not None:
            parts.append(sparse.csr_matrix(self.similar[components, turns]))
        return sparse.hstack(parts, format="csr")


class WithExamples:
    """A tracker that reads judged examples before a conversation, as if the agent had opened with them."""

    def __init__(self, tracker: Baseline, conversations: Sequence[Conversation], *, most: int = 4) -> None:
        self._tracker = tracker
        self._examples = examples(conversations, most=most)

    def track(self, conversation: Conversation) -> Track:
        opening = conversation.opening
        said = conversation.messages if opening is None else conversation.messages[1:]
        first = Message(role=Role.ASSISTANT, content=self._examples + (opening or ""))
        return self._tracker.track(replace(conversation, messages=(first, *said)))


def examples(conversations: Sequence[Conversation], *, most: int) -> str:
    """The shortest conversations that show a status not shown before, each with such components as answers.

    At most ``most`` of them; the answers are written as the tracker's grammar writes them.
    """
    shown: set[tuple[Category, Status]] = set()
    parts: list[str] = []
    for conversation in sorted(conversations, key=lambda c: sum(len(m.content) for m in c.messages)):
        answers: list[str] = []
        for component in conversation.goal:
            status = conversation.labelled_statuses(component.id)[-1]
            if (component.category, status) not in shown:
                shown.add((component.category, status))
                answers.append(f'{component.category}\n{component.text}\n{{"status":"{status}"}}\n')
        if answers:
            parts.append(
                "".join(f"{m.role}\n{m.content}\n" for m in conversation.messages) + "".join(answers)
            )
        if len(parts) == most:
            break
    return "\n".join(parts) + "\n"


@dataclass(frozen=True)
class Comparison:
    """How one way agrees with the labels of one file."""

    file: str
    way: str
    agreement: Agreement

    def as_json(self) -> dict[str, Any]:
        return {"file": self.file, "way": self.way, **self.agreement.as_json()}


def compare(
    ways: Iterable[tuple[str, Baseline]], files: Mapping[str, Sequence[Conversation]]
) -> list[Comparison]:
    """Track every file's conversations in every way; files in the order given, in each the ways in theirs.

    A way is asked for all files before the next one is made, so that only one is in memory.
    """
    found = [
        Comparison(name, way, evaluate(conversations, map(baseline.track, conversations)))
        for way, baseline in ways
        for name, conversations in files.items()
    ]
    order = list(files)
    return sorted(found, key=lambda comparison: order.index(comparison.file))


def all_ways(
    train: Sequence[Conversation], *, untrained: bool = False, tracker: bool = False
) -> Iterator[tuple[str, Baseline]]:
    """The cheap ways, and those that need a model where they are wanted, each with its name."""
    yield "start status", StartStatus()
    yield "majority by turn", MajorityByTurn(train)
    yield "TF-IDF + logistic regression", WordsRegression(train, overlap=False)
    yield "the same, with word overlap", WordsRegression(train, overlap=True)
    if untrained or tracker:
        from tracker import GoalTracker  # loads llama.cpp
    if untrained:
        with GoalTracker.load(find_base().path) as base:
            yield "untrained base", base
            yield "untrained base, with examples", WithExamples(base, train)
    if tracker:
        with GoalTracker.load() as shipped:
            yield "goalstate", shipped


def table(comparisons: Iterable[Comparison]) -> Table:
    """Accuracy after every turn, and Cohen's kappa beside it, by category."""
    drawn = Table(box=box.SIMPLE, pad_edge=False)
    drawn.add_column("accuracy (kappa), every turn", no_wrap=True)
    for heading in (*Category, "average"):
        drawn.add_column(str(heading), justify="right", no_wrap=True)
    file = ""
    for comparison in comparisons:
        if comparison.file != file:
            file = comparison.file
            drawn.add_section()
            drawn.add_row(f"{file}: {comparison.agreement.conversations} conversations", style="bold")
        parts = comparison.agreement.categories
        figures = [parts[category].figures if category in parts else None for category in Category]
        cells = [
            _cell(figure.every_turn) if figure else "–" for figure in (*figures, comparison.agreement.average)
        ]
        drawn.add_row(f"  {comparison.way}", *cells)
    return drawn


def _cell(scores: Scores) -> str:
    kappa = scores.kappa.value
    return f"{scores.accuracy.value:.3f} ({'–' if math.isnan(kappa) else f'{kappa:.2f}'})"


def _track(conversation: Conversation, states_of: Callable[[Component], Sequence[ComponentState]]) -> Track:
    by_component = {component.id: states_of(component) for component in conversation.goal}
    states = [
        GoalState(
            turn.index,
            {component_id: states[turn.index - 1] for component_id, states in by_component.items()},
        )
        for turn in conversation.turns
    ]
    return Track(conversation.id, conversation.goal, tuple(states))


def _bucket(turn: int) -> int:
    return sum(edge <= turn for edge in TURN_EDGES) - 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.baselines", description=__doc__.splitlines()[0])
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE.jsonl", help="labelled files to compare on"
    )
    parser.add_argument(
        "--train",
        action="append",
        required=True,
        type=Path,
        metavar="TRAIN.jsonl",
        help="to learn from; repeatable",
    )
    parser.add_argument("--untrained", action="store_true", help="the base model as it comes, too (slow)")
    parser.add_argument("--tracker", action="store_true", help="the shipped tracker, too")
    parser.add_argument("--json", action="store_true", help="all figures, for machines")
    given = parser.parse_args(arguments)
    return exit_code(lambda: _compare_files(given))


def _compare_files(given: argparse.Namespace) -> None:
    train = [c for path in given.train for c in read_labelled(path)]
    files = {file_name(path): read_labelled(path, probes=False) for path in given.files}
    comparisons = compare(all_ways(train, untrained=given.untrained, tracker=given.tracker), files)
    if given.json:
        print(json.dumps([comparison.as_json() for comparison in comparisons], indent=2))
    else:
        # Off a terminal rich takes 80 columns, which is too few for seven figures.
        Console(width=None if sys.stdout.isatty() else 140, highlight=False).print(table(comparisons))


if __name__ == "__main__":
    sys.exit(main())

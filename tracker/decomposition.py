"""Splits a goal that is free text into components.

Knows the JSON in which people write goals down, and how a split becomes a goal: ids, and the objective that
a requirement or preference belongs to. Knows nothing about conversations. There are two ways to split: a
learned one (``tracker.splitter``), which is the usual one, and one by rule (``tracker.clauses``,
``tracker.cues``). Both copy the text's own words and never invent a component.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue, ValidationError

from tracker.clauses import as_sentence, clauses, sentences
from tracker.cues import category_of
from tracker.errors import InputError, ModelError
from tracker.goal import Category, Component, Goal
from tracker.resources import models_dir
from tracker.source import is_json, parse, read_text
from tracker.validation import input_error

if TYPE_CHECKING:
    from tracker.splitter.model import Run, Weights
    from tracker.splitter.pieces import Pieces

# --- the doors ----------------------------------------------------------------------------------------------


class Decomposer(Protocol):
    """Whatever turns the text of a goal into its components."""

    def decompose(self, text: str) -> Goal:
        """Split a goal's text; the result's ``text`` is the text that was given.

        A text that is not blank gives at least one component.
        """
        ...


class LearnedDecomposer:
    """Cuts a text into small pieces and lets a model fitted to written goals group and name them.

    It leaves out what is no component, such as a fact that only leads to a wish. ``weights`` is a file that
    ``Weights.save`` wrote. It is read when the first text is split, which raises ``ModelError`` where that
    fails.
    """

    name = "learned"

    def __init__(self, weights: Path) -> None:
        self._path = weights

    def decompose(self, text: str) -> Goal:
        from tracker.splitter.model import best_split
        from tracker.splitter.pieces import cut

        pieces = cut(text)
        drafts = list(_worded(pieces, best_split(pieces, self._weights)))
        if not drafts:
            return RuleDecomposer().decompose(text)
        return Goal(text=text, components=tuple(_numbered(drafts)))

    @cached_property
    def _weights(self) -> Weights:
        from tracker.splitter.model import Weights

        return Weights.load(self._path)


class RuleDecomposer:
    """Splits at sentences and clauses and reads each one's category off its words.

    It takes every clause for a component, and leaves details where they stand ("a later flight on the same
    day" stays one objective).
    """

    name = "rules"

    def decompose(self, text: str) -> Goal:
        return _by_rule(text, clauses(text))


class SentenceDecomposer:
    """Takes every sentence for one component; a floor to see other ways against."""

    name = "sentences"

    def decompose(self, text: str) -> Goal:
        return _by_rule(text, sentences(text))


def learned_weights() -> Path | None:
    """Where the weights of the learned split are; ``None`` where goalstate was installed without them."""
    folder = models_dir()
    path = None if folder is None else folder / "decomposer.npz"
    return path if path is not None and path.exists() else None


def default_decomposer() -> Decomposer:
    """The learned split where its weights are installed, the one by rule otherwise."""
    weights = learned_weights()
    return RuleDecomposer() if weights is None else LearnedDecomposer(weights)


NAMES = ("learned", "rules", "sentences")
"""What :func:`decomposer_named` knows."""


def decomposer_named(name: str) -> Decomposer:
    """One of ``NAMES``.

    Raises ``InputError`` for another name, and ``ModelError`` for ``learned`` where its weights are not
    installed.
    """
    if name not in NAMES:
        raise InputError(f"there is no split {name!r}; expected one of {', '.join(NAMES)}")
    if name == LearnedDecomposer.name:
        weights = learned_weights()
        if weights is None:
            raise ModelError("the decomposer's weights are missing: goalstate is not completely installed")
        return LearnedDecomposer(weights)
    return RuleDecomposer() if name == RuleDecomposer.name else SentenceDecomposer()


def decompose(text: str) -> Goal:
    """Split a goal's text into components; for many texts make one :func:`default_decomposer`."""
    return default_decomposer().decompose(text)


def read_goal(path: Path, *, decomposer: Decomposer | None = None) -> Goal:
    """Read a goal from a file: JSON with ``text`` and ``components``, or free text, which is split.

    A whole native conversation will do as well: its ``goal`` is taken. Raises ``InputError`` when the file
    cannot be read or its JSON is no goal.
    """
    decomposer = decomposer or default_decomposer()
    text = read_text(path)
    if not is_json(text):
        return decomposer.decompose(text.strip())
    value = parse(text, path)
    try:
        if isinstance(value, dict) and "goal" in value:
            return goal_from_json(value["goal"], within="goal", decomposer=decomposer)
        return goal_from_json(value, within="", decomposer=decomposer)
    except InputError as error:
        raise error.at(source=path) from None


def goal_from_json(value: JsonValue, *, within: str, decomposer: Decomposer) -> Goal:
    """Make a goal of its JSON: an object with components, or only a text, which is split.

    ``within`` is the path of the value in its file. Raises ``InputError`` when the value is no goal.
    """
    text = value.get("text") if isinstance(value, dict) and value.keys() == {"text"} else value
    try:
        if isinstance(text, str) and text.strip():
            return decomposer.decompose(text)
        return Goal.model_validate(value)
    except ValidationError as error:
        raise input_error(error, within=within) from None


def _by_rule(text: str, parts: Iterable[str]) -> Goal:
    """A goal of sentences, their categories read off their words."""
    drafts: list[tuple[Category, str]] = []
    has_objective = False
    for part in parts:
        category = category_of(part, has_objective)
        has_objective = has_objective or category is Category.OBJECTIVE
        drafts.append((category, part))
    return Goal(text=text, components=tuple(_numbered(drafts)))


def _worded(pieces: Pieces, runs: Sequence[Run]) -> Iterator[tuple[Category, str]]:
    """The components of a split, each worded with the help of the one before it in its sentence."""
    from tracker.splitter.wording import component_text

    sentence, before = -1, ""
    for run in runs:
        opening, closing = pieces.pieces[run.first], pieces.pieces[run.stop - 1]
        if opening.sentence != sentence:
            sentence, before = opening.sentence, ""
        text = component_text(pieces.text(run.first, run.stop), before=before, category=run.label)
        if run.label is not None:
            yield run.label, text
        else:
            yield from _rules_of_conduct(pieces, run)
        # What was said with the help of ``before`` as a whole leaves it standing for the next fragment.
        if not before or (run.label is not None and not text.startswith(before.removesuffix("."))):
            sentence, before = closing.sentence, text


def _rules_of_conduct(pieces: Pieces, run: Run) -> Iterator[tuple[Category, str]]:
    """Whole sentences that the model left out and whose words make them policies, "Be polite." say.

    A fact too many is seen and struck out; a rule of conduct that is missing is not noticed.
    """
    for number, start, stop in pieces.runs(run.first, run.stop):
        sentence = pieces.sentences[number]
        whole = start == 0 and stop == len(sentence.tokens)
        if whole and category_of(sentence.text, True) is Category.POLICY:
            yield Category.POLICY, as_sentence(sentence.text)


def _numbered(drafts: Sequence[tuple[Category, str]]) -> Iterator[Component]:
    """Give components their ids (``policy-1``, ...) and their objectives.

    A requirement or preference belongs to the objective named last before it, or to the first one where none
    comes before. In the written goals that holds for 997 of 1,000 requirements and 948 of 1,000 preferences.
    """
    has_objective = any(category is Category.OBJECTIVE for category, _ in drafts)
    counts: Counter[Category] = Counter()
    for category, text in drafts:
        counts[category] += 1
        owned = has_objective and category in (Category.REQUIREMENT, Category.PREFERENCE)
        objective = f"{Category.OBJECTIVE}-{max(counts[Category.OBJECTIVE], 1)}" if owned else None
        yield Component(
            id=f"{category}-{counts[category]}", category=category, text=text, objective=objective
        )

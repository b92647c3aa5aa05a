"""The grammar of an answer: which tokens may come next, and which status they lead to.

Knows the JSON schemas in ``grammars/``, regular expressions and token pieces (bytes). Knows nothing about
models: a vocabulary is a list of byte strings here, and logits are rows of numbers.

An answer is compact JSON such as ``{"status":"ALIGNED"}``, its enum cut down to the statuses that the
previous one allows. All that comes before the first choice, ``{"status":"``, is forced: it is read, never
decided. At the open place the probability of a status is the softmax over the tokens that the grammar allows
there, summed over the tokens that lead to that status; where statuses share a token, its probability is
divided among them by the same rule at the place behind it. Every decoder and the training use this one
definition.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import jsonschema
import numpy as np
import numpy.typing as npt
from outlines_core import Guide, Index
from outlines_core import Vocabulary as GuideVocabulary
from outlines_core.json_schema import build_regex_from_schema

from tracker.errors import ModelError
from tracker.goal import Category, Status, reachable
from tracker.resources import grammars_dir
from tracker.vocabulary import Vocabulary

Logits = npt.NDArray[np.float32]
"""What a model says about the next token, shape ``(vocabulary,)``, any scale shift."""


@dataclass(frozen=True)
class Place:
    """An open place of an answer: the grammar allows several tokens, and statuses part here."""

    path: tuple[int, ...]
    """The tokens between the forced text and this place; empty at the first one."""
    statuses: Mapping[Status, tuple[int, ...]]
    """The tokens that lead to exactly one status, by status."""
    shared: Mapping[int, int]
    """A token that several statuses share → the number of the place behind it."""


class StatusGrammar:
    """The answers of one enum over one vocabulary.

    Attributes
    ----------
    answers
        Each status, in the order in which they can be reached, with the JSON text that says it.
    forced
        The text that every answer begins with.
    forced_tokens
        The same as token ids: at each step the longest token that the grammar allows.
    places
        The places at which a decoder must look at the model's logits, the first one first. Where no two
        statuses share a first token this is the first place alone.
    """

    def __init__(
        self,
        schema: Mapping[str, object],
        answers: Mapping[Status, str],
        index: Index,
        pieces: Mapping[int, bytes],
    ):
        self.answers = dict(answers)
        self.forced = _common_start(answers.values())
        self._validator = jsonschema.Draft202012Validator(schema)
        self._index = index
        self._pieces = pieces
        self.forced_tokens = self._forced_tokens()
        self.places = self._places()

    @property
    def statuses(self) -> tuple[Status, ...]:
        return tuple(self.answers)

    def guide(self) -> Guide:
        """A fresh walk through the grammar, standing before the first token of an answer."""
        return Guide(self._index)

    def piece(self, token: int) -> bytes:
        """The text of a token that the grammar can allow; nothing for the one that ends an answer."""
        return self._pieces.get(token, b"")

    def status_of(self, answer: str) -> Status:
        """The status that a whole answer says.

        Raises ``ModelError`` when the answer breaks the schema: the grammar did not hold.
        """
        try:
            value = json.loads(answer)
            self._validator.validate(value)
        except (json.JSONDecodeError, jsonschema.ValidationError):
            raise ModelError(
                f"the model answered {answer!r}, which the grammar forbids: the grammar did not hold"
            ) from None
        for status, text in self.answers.items():
            if json.loads(text) == value:
                return status
        raise ModelError(f"the model answered {answer!r}, which says no status")

    def probabilities(self, logits: Sequence[Logits] | Logits) -> dict[Status, float]:
        """The probability of each status, summing to 1, in the order of ``answers``.

        Parameters
        ----------
        logits
            One row per place, shape ``(places, vocabulary)``.
        """
        total = dict.fromkeys(self.answers, 0.0)
        weights = {0: 1.0}
        # A place behind a shared token has a higher number than the place of that token.
        for number, (place, row) in enumerate(zip(self.places, logits, strict=True)):
            allowed = [token for tokens in place.statuses.values() for token in tokens] + list(place.shared)
            values = row[allowed].astype(np.float64)
            exponents = np.exp(values - values.max())
            share = dict(zip(allowed, weights[number] * exponents / exponents.sum(), strict=True))
            for status, tokens in place.statuses.items():
                total[status] += sum(float(share[token]) for token in tokens)
            for token, behind in place.shared.items():
                weights[behind] = float(share[token])
        return total

    def _forced_tokens(self) -> tuple[int, ...]:
        tokens: list[int] = []
        state, rest = self._index.get_initial_state(), self.forced.encode()
        while rest:
            allowed = [
                t
                for t in self._index.get_allowed_tokens(state) or ()
                if rest.startswith(self._pieces.get(t, b"\0"))
            ]
            if not allowed:
                raise ModelError(f"the model's vocabulary cannot write {self.forced!r}")
            token = max(allowed, key=lambda t: (len(self._pieces[t]), -t))
            tokens.append(token)
            rest = rest[len(self._pieces[token]) :]
            state = self._next(state, token)
        return tuple(tokens)

    def _places(self) -> tuple[Place, ...]:
        state = self._index.get_initial_state()
        for token in self.forced_tokens:
            state = self._next(state, token)
        open_places: list[tuple[tuple[int, ...], int]] = [((), state)]
        places: list[Place] = []
        while len(places) < len(open_places):
            path, state = open_places[len(places)]
            written = self.forced.encode() + b"".join(self._pieces[token] for token in path)
            leading: dict[Status, list[int]] = {}
            shared: dict[int, int] = {}
            for token in sorted(self._index.get_allowed_tokens(state) or ()):
                text = written + self.piece(token)
                able = [status for status, answer in self.answers.items() if answer.encode().startswith(text)]
                if len(able) == 1:
                    leading.setdefault(able[0], []).append(token)
                else:
                    shared[token] = len(open_places)
                    open_places.append(((*path, token), self._next(state, token)))
            places.append(Place(path, {status: tuple(tokens) for status, tokens in leading.items()}, shared))
        reached = {status for place in places for status in place.statuses}
        if reached != set(self.answers):
            missing = ", ".join(status for status in self.answers if status not in reached)
            raise ModelError(f"the model's vocabulary cannot write {missing}")
        return tuple(places)

    def _next(self, state: int, token: int) -> int:
        following = self._index.get_next_state(state, token)
        assert following is not None, "the index allows a token that leads nowhere"
        return int(following)


class Grammars:
    """The grammars of all questions over one vocabulary; each distinct enum is compiled once.

    Raises ``ModelError`` where a schema file is missing or is not of the expected form.
    """

    def __init__(self, vocabulary: Vocabulary, folder: Path | None = None) -> None:
        self._vocabulary = vocabulary
        self._folder = grammars_dir() if folder is None else folder
        self._schemas: dict[Category, dict[str, object]] = {}
        self._compiled: dict[str, StatusGrammar] = {}
        self._found: dict[tuple[Category, Status], StatusGrammar] = {}

    def __call__(self, category: Category, previous: Status) -> StatusGrammar:
        """The grammar of the answer about a component of a category that stood at ``previous``."""
        if (category, previous) not in self._found:
            schema, answers = cut_schema(self._schema(category), reachable(category, previous))
            pattern = build_regex_from_schema(json.dumps(schema), "")
            if pattern not in self._compiled:
                self._compiled[pattern] = self._compile(schema, answers, pattern)
            self._found[category, previous] = self._compiled[pattern]
        return self._found[category, previous]

    def _schema(self, category: Category) -> dict[str, object]:
        if category not in self._schemas:
            self._schemas[category] = read_schema(self._folder, category)
        return self._schemas[category]

    def _compile(
        self, schema: dict[str, object], answers: Mapping[Status, str], pattern: str
    ) -> StatusGrammar:
        # A token with any other byte in it occurs in no answer, so leaving it out changes nothing but
        # the time to build the index (hundreds of tokens instead of tens of thousands).
        letters = set("".join(answers.values()).encode())
        pieces = {
            token: piece
            for token, piece in enumerate(self._vocabulary.pieces)
            if piece and letters.issuperset(piece)
        }
        pieces.pop(self._vocabulary.end, None)
        ids: dict[bytes, list[int]] = {}
        for token, piece in pieces.items():
            ids.setdefault(piece, []).append(token)
        try:
            index = Index(pattern, GuideVocabulary(self._vocabulary.end, ids))
        except ValueError as error:
            raise ModelError(f"the model's vocabulary cannot write an answer: {error}") from error
        return StatusGrammar(schema, answers, index, pieces)


def read_schema(folder: Path, category: Category) -> dict[str, object]:
    """Read a category's schema. Raises ``ModelError`` where it is missing or not JSON."""
    path = folder / f"{category}.schema.json"
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: the grammar cannot be read: {error}") from error
    if not isinstance(schema, dict):
        raise ModelError(f"{path}: expected a JSON schema, an object")
    return schema


def cut_schema(
    schema: Mapping[str, object], statuses: Sequence[Status]
) -> tuple[dict[str, object], dict[Status, str]]:
    """The schema with its enum cut down to ``statuses``, and each status's answer as compact JSON.

    Raises ``ModelError`` when the schema is not an object whose one property is an enum with the statuses.
    """
    match schema:
        case {"properties": {**properties}} if len(properties) == 1:
            ((name, field),) = properties.items()
            if isinstance(field, dict) and set(statuses) <= set(field.get("enum", ())):
                cut = {
                    **schema,
                    "properties": {name: {**field, "enum": [str(status) for status in statuses]}},
                }
                return cut, {
                    status: json.dumps({name: str(status)}, separators=(",", ":")) for status in statuses
                }
    raise ModelError(f"a grammar must be an object with one enum of {', '.join(statuses)}")


def status_tokens(vocabulary: Vocabulary, category: Category, previous: Status) -> dict[Status, list[int]]:
    """The tokens that lead to each status, in the order of ``reachable``, right behind the forced text.

    Raises ``ModelError`` where statuses share a first token, so that one place does not decide.
    """
    grammar = Grammars(vocabulary)(category, previous)
    if len(grammar.places) > 1:
        raise ModelError("statuses share their first token in this vocabulary")
    return {status: list(grammar.places[0].statuses[status]) for status in grammar.statuses}


def _common_start(texts: Iterable[str]) -> str:
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))
    return "".join(column[0] for column in columns)

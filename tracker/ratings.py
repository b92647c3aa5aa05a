"""Reads what raters said, whoever they are: judges, trackers and people, each from the files that they have.

Knows the kinds of files, told apart by content, and how statuses are lined up over turns. Knows nothing about
agreement (``tracker.comparison``).

- native files with labels (a judge's, or our own);
- the lines that ``goalstate track --output`` writes;
- people's CSV, such as a filled-in sheet of ``goalstate annotate`` (``tracker.annotation``);
- JSON lines with a CSV's fields, or with ``id`` and ``labels`` alone.

The last two may leave out the categories and texts of components and the number of turns; they are taken from
the raters beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, ValidationError

from tracker.annotation import MOST_TURNS, Row, parse_status, read_sheet
from tracker.conversation import Conversation, LabelChange
from tracker.errors import InputError
from tracker.formats import native
from tracker.goal import STATUSES, Category, Status, reachable, start_status
from tracker.source import Source, open_source, read_text
from tracker.state import Track
from tracker.tracked import read_tracks, recognises
from tracker.validation import input_error

_Model = TypeVar("_Model", bound=BaseModel)
_Read = TypeVar("_Read")

Words = tuple[str, str]
"""What the user and the agent said in a turn."""


@dataclass(frozen=True)
class RatedComponent:
    """What one rater says of a component."""

    category: Category
    text: str
    statuses: tuple[Status, ...]
    """After every turn, shape ``(turns,)``."""
    probabilities: tuple[float, ...] | None = None
    """Of these statuses, shape ``(turns,)``, where the rater gives any."""


@dataclass(frozen=True)
class Rater:
    """A file of ratings."""

    name: str
    path: Path
    conversations: Mapping[str, Mapping[str, RatedComponent]]
    """Conversation id → component id → what the rater says of it."""


@dataclass(frozen=True)
class Ratings:
    """Several raters, and what was said in the conversations, as far as any of their files has it."""

    raters: tuple[Rater, ...]
    words: Mapping[str, Mapping[int, Words]]
    """Conversation id → turn → words."""


def read_ratings(paths: Sequence[Path]) -> Ratings:
    """Read several raters' files and line them up.

    Raises ``InputError`` where a file or a line of it cannot be understood, or the files contradict each
    other: about the number of a conversation's turns, or a component's category.
    """
    drafts: list[dict[str, _Draft]] = []
    for path in paths:
        try:
            drafts.append(_read(path))
        except InputError as error:
            raise error.at(source=path) from None
    known = _Known(zip(paths, drafts, strict=True))
    raters = tuple(
        Rater(
            name,
            path,
            {
                draft.id: {
                    component_id: _lined_up(known, path, draft, component_id)
                    for component_id in known.components_of(draft)
                }
                for draft in conversations.values()
            },
        )
        for name, path, conversations in zip(_names(paths), paths, drafts, strict=True)
    )
    return Ratings(raters, known.words)


@dataclass
class _Draft:
    """What a file says of one conversation; it need not say all."""

    id: str
    line: int | None = None
    """Where it begins."""
    places: dict[tuple[str, int | None], int | None] = field(default_factory=dict)
    """Component id and turn → the line that tells its status; without a turn, the one that tells of it."""
    turns: int | None = None
    categories: dict[str, Category] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    changes: dict[str, dict[int, Status]] = field(default_factory=dict)
    """Component id → turn → the status that it has from there on."""
    probabilities: dict[str, tuple[float, ...]] = field(default_factory=dict)
    words: dict[int, Words] = field(default_factory=dict)
    last_row: int = 0
    """The last turn that there is a row for, filled in or not."""
    rest_keeps_start: bool = False
    """Whether components that are not among ``changes`` are rated too, as keeping their start."""

    @property
    def last_turn(self) -> int:
        return max((turn for changes in self.changes.values() for turn in changes), default=0)

    def line_of(self, component_id: str, turn: int | None = None) -> int | None:
        """The line that tells a component's status at a turn; without a turn, what component it is."""
        return self.places.get((component_id, turn), self.line)


class _Known:
    """What the raters' files say together about conversations: turns, categories, texts and words."""

    def __init__(self, drafts: Iterable[tuple[Path, Mapping[str, _Draft]]]) -> None:
        self.words: dict[str, dict[int, Words]] = {}
        self._turns: dict[str, tuple[int, Path]] = {}
        self._last: Counter[str] = Counter()
        self._categories: dict[tuple[str, str], tuple[Category, Path]] = {}
        self._texts: dict[tuple[str, str], tuple[str, Path]] = {}
        for path, conversations in drafts:
            for draft in conversations.values():
                self._add(path, draft)

    def turns(self, path: Path, draft: _Draft) -> int:
        """The number of a conversation's turns. Raises ``InputError`` where this draft goes beyond them."""
        turns = self._turns[draft.id][0] if draft.id in self._turns else self._last[draft.id]
        last = draft.last_turn
        if last > turns:
            component_id = next(name for name, changes in draft.changes.items() if last in changes)
            raise InputError(
                f"conversation {draft.id!r}: a status at turn {last} of {turns}",
                source=path,
                line=draft.line_of(component_id, last),
            )
        return turns

    def category(self, path: Path, draft: _Draft, component_id: str) -> Category:
        """A component's category. Raises ``InputError`` where no file tells it."""
        if (draft.id, component_id) not in self._categories:
            raise InputError(
                f"conversation {draft.id!r}: no file tells the category of component {component_id!r}",
                source=path,
                line=draft.line_of(component_id),
            )
        return self._categories[draft.id, component_id][0]

    def text(self, draft: _Draft, component_id: str) -> str:
        text, _ = self._texts.get((draft.id, component_id), ("", None))
        return text

    def components_of(self, draft: _Draft) -> list[str]:
        """The components that a draft rates."""
        if not draft.rest_keeps_start:
            return list(draft.changes)
        others = [component_id for name, component_id in self._categories if name == draft.id]
        return list(dict.fromkeys([*others, *draft.changes]))

    def _add(self, path: Path, draft: _Draft) -> None:
        if draft.turns is not None:
            turns, elsewhere = self._turns.setdefault(draft.id, (draft.turns, path))
            if turns != draft.turns:
                raise InputError(
                    f"conversation {draft.id!r} has {draft.turns} turns here and {turns} in {elsewhere}",
                    source=path,
                    line=draft.line,
                )
        self._last[draft.id] = max(self._last[draft.id], draft.last_turn, draft.last_row)
        for component_id, category in draft.categories.items():
            known, elsewhere = self._categories.setdefault((draft.id, component_id), (category, path))
            if known is not category:
                raise InputError(
                    f"conversation {draft.id!r}: {component_id!r} is a {category} here and a {known} in "
                    f"{elsewhere}",
                    source=path,
                    line=draft.line_of(component_id),
                )
        for component_id, text in draft.texts.items():
            said, there = self._texts.setdefault((draft.id, component_id), (text, path))
            if text.split() != said.split():
                raise InputError(
                    f"conversation {draft.id!r}: {component_id!r} is {_short(text)} here and "
                    f"{_short(said)} in {there}; a goal that was split anew has other components under the "
                    "same ids",
                    source=path,
                    line=draft.line_of(component_id),
                )
        self.words.setdefault(draft.id, {}).update(draft.words)


def _short(text: str) -> str:
    """A text in quotation marks, on one line and not long."""
    return repr(shorten(text, 80, placeholder=" …"))


def _lined_up(known: _Known, path: Path, draft: _Draft, component_id: str) -> RatedComponent:
    category = known.category(path, draft, component_id)
    changes = draft.changes.get(component_id, {})
    for turn, status in changes.items():
        if status not in STATUSES[category]:
            raise InputError(
                f"conversation {draft.id!r}, turn {turn}: {status} is no status of a {category} "
                f"({component_id!r})",
                source=path,
                line=draft.line_of(component_id, turn),
            )
    status = start_status(category)
    statuses: list[Status] = []
    for turn in range(1, known.turns(path, draft) + 1):
        following = changes.get(turn, status)
        if following not in reachable(category, status):
            raise InputError(
                f"conversation {draft.id!r}, turn {turn}: {component_id!r} goes back from {status} to "
                f"{following}; statuses only move forward",
                source=path,
                line=draft.line_of(component_id, turn),
            )
        status = following
        statuses.append(status)
    return RatedComponent(
        category,
        known.text(draft, component_id),
        tuple(statuses),
        draft.probabilities.get(component_id) or None,
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """Short names that tell the raters apart."""
    stems = Counter(path.stem for path in paths)
    return [path.stem if stems[path.stem] == 1 else str(path) for path in paths]


# --- the kinds of files -------------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, _Draft]:
    if not read_text(path).lstrip().startswith(("{", "[")):
        return _from_rows(read_sheet(path))
    source = open_source(path)
    first, line = next(_values(source), (None, None))
    fields = first.keys() if isinstance(first, dict) else set()
    if recognises(first):
        return _by_id(_from_track(_usable(tracked).track) for tracked in read_tracks(path))
    if "messages" in fields:
        return _by_id(_from_native(path))
    if "labels" in fields:
        return _by_id(_from_labels(value, line) for value, line in _values(source))
    if {"conversation", "component"} <= fields:
        return _from_rows(_json_row(value, line) for value, line in _values(source))
    raise InputError(
        "nobody's ratings: expected native lines with labels, what goalstate track writes, or rows with "
        "conversation, turn, component and status",
        line=line,
    )


def _by_id(drafts: Iterable[_Draft]) -> dict[str, _Draft]:
    found: dict[str, _Draft] = {}
    for draft in drafts:
        if draft.id in found:
            raise InputError(f"two conversations have the id {draft.id!r}", line=draft.line)
        found[draft.id] = draft
    return found


def _values(source: Source) -> Iterator[tuple[JsonValue, int | None]]:
    """The values of a file, those of lists one by one, with their lines."""
    for record in map(_usable, source):
        for value in record.value if isinstance(record.value, list) else [record.value]:
            yield value, record.line


def _from_native(path: Path) -> Iterator[_Draft]:
    unlabelled = labelled = 0
    for conversation in map(_usable, native.read(path)):
        if conversation.labels is None:
            unlabelled += 1
            continue
        labelled += 1
        yield _from_conversation(conversation, conversation.labels)
    if unlabelled and not labelled:
        raise InputError("no conversation has labels")


def _from_conversation(conversation: Conversation, labels: Mapping[str, Sequence[LabelChange]]) -> _Draft:
    return _Draft(
        id=conversation.id,
        turns=len(conversation.turns),
        categories={component.id: component.category for component in conversation.goal},
        texts={component.id: component.text for component in conversation.goal},
        changes={component.id: dict(labels.get(component.id, ())) for component in conversation.goal},
        words={turn.index: (turn.user, turn.assistant or "") for turn in conversation.turns},
    )


def _from_track(track: Track) -> _Draft:
    statuses = {component.id: track.statuses(component.id) for component in track.goal}
    return _Draft(
        id=track.id,
        turns=len(track.states),
        categories={component.id: component.category for component in track.goal},
        texts={component.id: component.text for component in track.goal},
        changes={component_id: dict(enumerate(given, start=1)) for component_id, given in statuses.items()},
        probabilities={
            component_id: tuple(state[component_id].probability for state in track.states)
            for component_id in statuses
        },
    )


_TurnNumber = Annotated[int, Field(ge=1, le=MOST_TURNS)]


class _LabelLine(BaseModel):
    id: Annotated[str, Field(min_length=1)]
    labels: dict[str, list[tuple[_TurnNumber, Status]]]


def _from_labels(value: JsonValue, line: int | None) -> _Draft:
    labelled = _validated(_LabelLine, value, line)
    for component_id, given in labelled.labels.items():
        turns = [turn for turn, _ in given]
        if twice := next((turn for turn in turns if turns.count(turn) > 1), None):
            raise InputError(f"turn {twice} stands there twice", line=line, field=f"labels.{component_id}")
    changes = {component_id: dict(given) for component_id, given in labelled.labels.items()}
    return _Draft(id=labelled.id, line=line, changes=changes, rest_keeps_start=True)


def _status_cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_status(value)
    except InputError as error:
        raise ValueError(error.message) from None


class _RowLine(BaseModel):
    conversation: Annotated[str, Field(min_length=1)]
    turn: _TurnNumber
    component: Annotated[str, Field(min_length=1)]
    status: Annotated[Status | None, BeforeValidator(_status_cell)] = None
    category: Category | None = None
    text: str = ""
    user: str = ""
    agent: str = ""


def _json_row(value: JsonValue, line: int | None) -> Row:
    return Row(line=line, **dict(_validated(_RowLine, value, line)))


def _from_rows(rows: Iterable[Row]) -> dict[str, _Draft]:
    drafts: dict[str, _Draft] = {}
    for row in rows:
        draft = drafts.setdefault(row.conversation, _Draft(id=row.conversation, line=row.line))
        draft.last_row = max(draft.last_row, row.turn)
        draft.places.setdefault((row.component, None), row.line)
        if row.category is not None:
            if row.component not in draft.categories:
                draft.places[row.component, None] = row.line
            known = draft.categories.setdefault(row.component, row.category)
            if known is not row.category:
                raise InputError(
                    f"{row.component!r} is a {row.category} here and a {known} above", line=row.line
                )
        if row.text:
            draft.texts.setdefault(row.component, row.text)
        if row.user or row.agent:
            draft.words.setdefault(row.turn, (row.user, row.agent))
        if row.status is None:
            continue
        given = draft.changes.setdefault(row.component, {}).setdefault(row.turn, row.status)
        draft.places.setdefault((row.component, row.turn), row.line)
        if given is not row.status:
            raise InputError(
                f"turn {row.turn} of {row.component!r} is {row.status} here and {given} above", line=row.line
            )
    if not any(draft.changes for draft in drafts.values()):
        raise InputError("no status is filled in")
    return {name: draft for name, draft in drafts.items() if draft.changes}


def _usable(read: _Read | InputError) -> _Read:
    """What was read. Raises an ``InputError`` that stands in its place: a file is used as a whole or not."""
    if isinstance(read, InputError):
        raise read
    return read


def _validated(model: type[_Model], value: JsonValue, line: int | None) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise input_error(error, line=line) from None

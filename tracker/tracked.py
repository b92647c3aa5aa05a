"""Reads back the lines that ``goalstate track --output`` wrote, and joins them with their conversations.

Knows the format of a line as ``tracker.output`` writes it. A line holds the goal and the states but not a
word of what was said, so whoever wants to show words joins it with the file that was tracked. Knows nothing
about models or what is done with a track.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue, ValidationError

from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.goal import STATUSES, Component, Goal, Status, reachable
from tracker.source import open_source
from tracker.state import ComponentState, GoalState, Track
from tracker.validation import input_error


@dataclass(frozen=True)
class Tracked:
    """A track, the tracker that made it, and the conversation that it is of, where that is at hand."""

    track: Track
    tracker: Mapping[str, str] = field(default_factory=dict)
    """Version, model and decoder, as ``GoalTracker.describe`` gives them."""
    conversation: Conversation | None = None


class _State(BaseModel):
    status: Status
    probability: Annotated[float, Field(ge=0, le=1)]


class _Turn(BaseModel):
    turn: int
    state: dict[str, _State]


class _Line(BaseModel):
    id: Annotated[str, Field(min_length=1)]
    goal: Goal
    turns: tuple[_Turn, ...]
    tracker: dict[str, str] = Field(default_factory=dict)


def recognises(value: JsonValue) -> bool:
    """Whether a file's first value is a track: it has turns, and nothing that was said in them."""
    return isinstance(value, dict) and isinstance(value.get("turns"), list) and "messages" not in value


def holds_tracks(path: Path) -> bool:
    """Whether a file holds tracks rather than conversations; see :func:`recognises`.

    Raises ``InputError`` where the file cannot be read at all.
    """
    return recognises(open_source(path).first.value)


def read_tracks(path: Path) -> Iterator[Tracked | InputError]:
    """Yield the tracks of a file; an ``InputError`` in the place of a line that is not one.

    Raises ``InputError`` when the file as a whole cannot be read.
    """
    for record in open_source(path):
        if isinstance(record, InputError):
            yield record
            continue
        try:
            yield _tracked(record.value)
        except InputError as error:
            yield error.at(source=path, line=record.line)


def join(
    tracks: Iterable[Tracked | InputError], conversations: Iterable[Conversation], source: Path | None
) -> Iterator[Tracked | InputError]:
    """Give every track its conversation, as :func:`counterparts` finds it.

    Yields an ``InputError`` in the place of a track whose conversation is not in ``source`` or not known.
    All tracks of a file have to be given.
    """
    tracks = list(tracks)
    turns = [
        (tracked.track.id, len(tracked.track.states))
        for tracked in tracks
        if not isinstance(tracked, InputError)
    ]
    found = counterparts(turns, conversations, source, kind="track")
    for tracked in tracks:
        if isinstance(tracked, InputError):
            yield tracked
            continue
        conversation = next(found)
        if isinstance(conversation, InputError):
            yield conversation
        else:
            yield replace(tracked, conversation=conversation)


def counterparts(
    given: Iterable[tuple[str, int]], conversations: Iterable[Conversation], source: Path | None, *, kind: str
) -> Iterator[Conversation | InputError]:
    """The conversation with the same id for each of what is given; of several, in the order of the files.

    Parameters
    ----------
    given
        The id and the number of turns of each. All of a file have to be given, for their number to be right.
    conversations
        All those of ``source``, the file to name in errors; ``None`` where they are of several.
    kind
        What the given are, such as ``track``; for messages.

    Yields
    ------
    An ``InputError`` in the place of one whose conversation is not in ``source`` or has another number of
    turns: it is of something else then. Where several share an id and the number of these or of turns is
    another, it is not known which belong together, so none of that id is found.
    """
    given = list(given)
    known: defaultdict[str, list[Conversation]] = defaultdict(list)
    for conversation in conversations:
        known[conversation.id].append(conversation)
    sharing: defaultdict[str, list[int]] = defaultdict(list)
    for name, turns in given:
        sharing[name].append(turns)
    doubts = {name: _doubt(name, turns, known[name], kind) for name, turns in sharing.items()}
    waiting = {name: iter(found) for name, found in known.items()}
    for name, _ in given:
        doubt = doubts[name]
        yield next(waiting[name]) if doubt is None else InputError(doubt, source=source)


def _doubt(name: str, turns: Sequence[int], conversations: Sequence[Conversation], kind: str) -> str | None:
    """Why those of one id, with so many turns, do not belong to its conversations in their order, if so."""
    if not conversations:
        return f"there is no conversation for the {kind} {name!r}"
    if len(turns) != len(conversations):
        return (
            f"{name!r} is the id of {len(turns)} of the {kind}s and of {len(conversations)} of the "
            "conversations: which belong together is not known"
        )
    said = [len(conversation.turns) for conversation in conversations]
    if turns == said:
        return None
    if len(turns) == 1:
        return f"conversation {name!r} has {said[0]} turns, its {kind} {turns[0]}"
    return (
        f"the conversations {name!r} have {', '.join(map(str, said))} turns, their {kind}s "
        f"{', '.join(map(str, turns))}: which belong together is not known"
    )


def _tracked(value: JsonValue) -> Tracked:
    if not recognises(value):
        raise InputError("expected a line that goalstate track --output wrote")
    try:
        line = _Line.model_validate(value)
    except ValidationError as error:
        raise input_error(error) from None
    before = {component.id: component.start for component in line.goal}
    states: list[GoalState] = []
    for number, turn in enumerate(line.turns, start=1):
        place = f"turns[{number - 1}]"
        if turn.turn != number:
            raise InputError(f"expected {number}, found {turn.turn}", field=f"{place}.turn")
        if turn.state.keys() != before.keys():
            raise InputError("expected the status of every component of the goal", field=f"{place}.state")
        for component in line.goal:
            _check_move(component, before[component.id], turn.state[component.id].status, place)
        before = {component_id: state.status for component_id, state in turn.state.items()}
        states.append(
            GoalState(
                number,
                {
                    component.id: ComponentState(
                        turn.state[component.id].status, turn.state[component.id].probability
                    )
                    for component in line.goal
                },
            )
        )
    return Tracked(Track(line.id, line.goal, tuple(states)), line.tracker)


def _check_move(component: Component, before: Status, after: Status, place: str) -> None:
    allowed = STATUSES[component.category]
    if after not in allowed:
        raise InputError(
            f"{after} is no status of a {component.category}", field=f"{place}.state.{component.id}"
        )
    if after not in reachable(component.category, before):
        raise InputError(f"goes back from {before} to {after}", field=f"{place}.state.{component.id}")

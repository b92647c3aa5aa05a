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
    tracks: Iterable[Tracked | InputError], conversations: Iterable[Conversation], source: Path
) -> Iterator[Tracked | InputError]:
    """Give every track the conversation with its id; where several share an id, in the order of the files.

    Yields an ``InputError`` in the place of a track whose conversation is not in ``source`` or has another
    number of turns: it is of something else then. Where several share an id and the number of tracks or of
    turns is another, it is not known which belong together, so none of that id is joined. All tracks of a
    file have to be given, for their number to be right.
    """
    tracks = list(tracks)
    known: defaultdict[str, list[Conversation]] = defaultdict(list)
    for conversation in conversations:
        known[conversation.id].append(conversation)
    sharing: defaultdict[str, list[Track]] = defaultdict(list)
    for tracked in tracks:
        if not isinstance(tracked, InputError):
            sharing[tracked.track.id].append(tracked.track)
    doubts = {name: _doubt(name, given, known[name]) for name, given in sharing.items()}
    waiting = {name: iter(given) for name, given in known.items()}
    for tracked in tracks:
        if isinstance(tracked, InputError):
            yield tracked
        elif (doubt := doubts[tracked.track.id]) is not None:
            yield InputError(doubt, source=source)
        else:
            yield replace(tracked, conversation=next(waiting[tracked.track.id]))


def _doubt(name: str, tracks: Sequence[Track], conversations: Sequence[Conversation]) -> str | None:
    """Why tracks and conversations of one id do not belong together in their order, if they do not."""
    if not conversations:
        return f"there is no conversation for the track {name!r}"
    if len(tracks) != len(conversations):
        return (
            f"{name!r} is the id of {len(tracks)} of the tracks and of {len(conversations)} of the "
            "conversations: which belong together is not known"
        )
    tracked = [len(track.states) for track in tracks]
    said = [len(conversation.turns) for conversation in conversations]
    if tracked == said:
        return None
    if len(tracks) == 1:
        return f"conversation {name!r} has {said[0]} turns, its track {tracked[0]}"
    return (
        f"the conversations {name!r} have {', '.join(map(str, said))} turns, their tracks "
        f"{', '.join(map(str, tracked))}: which belong together is not known"
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

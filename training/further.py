"""Further components that a judge wrote and labelled for conversations that lie elsewhere, joined to them.

Knows the files of ``training/judged`` (components and labels by a conversation's id, none of its text) and
what a conversation that gains components looks like. Knows nothing about what components say.

``python -m training.further training/judged/written.jsonl data/written/train.jsonl --output written.jsonl``
``python -m training.further training/judged/multiwoz.jsonl val.json.zip --output multiwoz.jsonl``
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from pydantic import BaseModel, ConfigDict, ValidationError

from tracker.conversation import Conversation, LabelChange, check_labels
from tracker.errors import InputError
from tracker.goal import Component, Goal, Status
from tracker.source import open_source
from tracker.validation import input_error
from training.command import ClickCommand
from training.data import read_labelled, write_labelled
from training.multiwoz import DOMAINS, exchanges, messages_of, read_dialogues

SOURCE = "multiwoz-judged"
"""The ``source`` of MultiWOZ dialogues written here."""


class Further(BaseModel):
    """What a judge added to one conversation; components without labels keep their start status."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    components: tuple[Component, ...]
    labels: dict[str, tuple[tuple[int, Status], ...]] = {}


def read_further(path: Path) -> list[Further]:
    """All lines of a file of further components; raises ``InputError`` at the first bad one."""
    found = []
    for record in open_source(path):
        if isinstance(record, InputError):
            raise record
        try:
            found.append(Further.model_validate(record.value))
        except ValidationError as error:
            raise input_error(error).at(source=path, line=record.line) from None
    return found


def joined(conversation: Conversation, further: Further) -> Conversation:
    """The conversation with its own components and the further ones, all labelled.

    Raises ``InputError`` where ids clash, an objective is unknown, or a label names no turn of the
    conversation.
    """
    components = (*conversation.goal.components, *further.components)
    own = {c.id: (conversation.labels or {}).get(c.id, ()) for c in conversation.goal}
    labels: dict[str, tuple[LabelChange, ...]] = {**own, **further.labels}
    try:
        text = conversation.goal.text or " ".join(component.text for component in components)
        goal = Goal(text=text, components=components)
        check_labels(goal, dict(labels), len(conversation.turns))
    except ValidationError as error:
        raise input_error(error, within=conversation.id) from None
    except ValueError as error:
        raise InputError(str(error), field=conversation.id) from None
    return replace(conversation, goal=goal, labels=labels)


def conversations_of(path: Path) -> list[Conversation]:
    """The conversations that components may be joined to: a native file's, or annotated MultiWOZ dialogues.

    The latter have no components of their own.
    """
    if not path.name.endswith((".zip", ".json")):
        return read_labelled(path)
    found = []
    for name, annotated in sorted(read_dialogues(path).items()):
        turns = exchanges(annotated.log)
        if turns:
            domain = "+".join(domain for domain in DOMAINS if annotated.goal.get(domain))
            one = f"multiwoz-{name.removesuffix('.json')}"
            empty = Goal(components=())
            found.append(Conversation(one, empty, messages_of(turns), {}, source=SOURCE, domain=domain))
    return found


def further_conversations(
    conversations: Sequence[Conversation], further: Sequence[Further]
) -> Iterator[Conversation]:
    """Each conversation that has something further, in the order of ``further``.

    Raises ``InputError`` where a line of ``further`` names no conversation.
    """
    known = {conversation.id: conversation for conversation in conversations}
    for one in further:
        if one.id not in known:
            raise InputError(f"no conversation has the id {one.id!r}")
        yield joined(known[one.id], one)


@click.command(cls=ClickCommand)
@click.argument("judged", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path))
def main(judged: Path, source: Path, output: Path) -> None:
    """Write the conversations of SOURCE with the further components of JUDGED, one a line."""
    further = read_further(judged)
    conversations = list(further_conversations(conversations_of(source), further))
    write_labelled(conversations, output)
    added = sum(len(one.components) for one in further)
    click.echo(f"{len(conversations)} conversations, {added} further components")


if __name__ == "__main__":
    main()

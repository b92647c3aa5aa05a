"""``goalstate decompose``: a goal in words as components, to look at, correct and track with.

Knows the command's options and what is written. Knows nothing about how a text is split or how splits are
compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.outputs import refuse_inputs
from tracker.cli.run import pass_over, stderr
from tracker.errors import InputError

if TYPE_CHECKING:
    from pydantic import JsonValue

    from tracker.conversation import Conversation
    from tracker.decomposition import Decomposer
    from tracker.goal import Goal


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--output",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write to a file in place of standard output.",
)
@click.option(
    "--decomposer",
    "name",
    type=click.Choice(["learned", "rules", "sentences"]),
    help="How to split; learned where its weights are installed. The others are there to compare with.",
)
@click.option(
    "--format", "format_name", metavar="FORMAT", help="Of a file of conversations; recognised otherwise."
)
@click.option(
    "--evaluate",
    is_flag=True,
    help="Split the goals of FILE, a native file, and compare with the components that it has.",
)
@click.option(
    "--in-text",
    is_flag=True,
    help="With --evaluate: leave out true profiles, policies and preferences that the text does not have.",
)
@click.option("--json", "as_json", is_flag=True, help="With --evaluate: write JSON, for machines.")
@click.pass_context
def decompose(
    context: click.Context,
    file: Path,
    output: Path | None,
    name: str | None,
    format_name: str | None,
    evaluate: bool,
    in_text: bool,
    as_json: bool,
) -> None:
    """Split a goal in words into components.

    FILE is a text, or JSON with the text of a goal: the goal is written as JSON, to be corrected where it is
    wrong, and `goalstate track --goal` takes it. Of several such goals, one a line, each is written, one a
    line. Of a file of conversations, such as runs of a benchmark, every conversation is written with its goal
    split, one a line, and `goalstate track` takes that file.
    """
    if not evaluate and (in_text or as_json):
        raise click.UsageError("--in-text and --json go with --evaluate.")
    if evaluate and (output is not None or format_name is not None):
        raise click.UsageError("--output and --format do not go with --evaluate.")
    if evaluate:
        _evaluate(context, file, name, in_text=in_text, as_json=as_json)
        return
    from tracker.atomic import check_writable, write_text
    from tracker.decomposition import decomposer_named, default_decomposer

    if output is not None:
        refuse_inputs(output, [file])
        check_writable(output)
    decomposer = default_decomposer() if name is None else decomposer_named(name)
    found = _goals(file, decomposer) if format_name is None else None
    if found is None:
        found = list(_conversations(file, format_name, decomposer))
    lines = [line for line in found if not isinstance(line, InputError)]
    bad = [line for line in found if isinstance(line, InputError)]
    if not lines and len(bad) == 1:
        raise bad[0]
    for error in bad:
        pass_over(error, stderr())
    if not lines:
        raise InputError("there is no goal in this file that can be split", source=file)
    text = "\n".join(lines) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
        click.echo(str(output))
    if bad:
        context.exit(1)


def _goals(file: Path, decomposer: Decomposer) -> list[str | InputError] | None:
    """The goal of a file that holds a text, or JSON with nothing but a goal; several of these, one a line.

    ``None`` where it holds something else.
    """
    from tracker.decomposition import goal_from_json
    from tracker.source import is_json, open_source, read_text

    try:
        prose = read_text(file)
    except InputError:
        # A line that cannot be read is passed over where there are others.
        if not _is_by_line(file):
            raise
    else:
        if not is_json(prose):
            return [_written(decomposer.decompose(prose.strip()), indent=2)]
    source = open_source(file)
    if not _is_goal(source.first.value):
        return None
    lines: list[str | InputError] = []
    for record in source:
        if isinstance(record, InputError):
            lines.append(record)
        elif not isinstance(record.value, dict) or not _is_goal(record.value):
            lines.append(
                InputError("expected an object with the text of a goal", source=file, line=record.line)
            )
        elif not isinstance(text := record.value.get("text"), str) or not text.strip():
            said = "missing or empty: there is nothing to split"
            lines.append(InputError(said, source=file, line=record.line, field="text"))
        else:
            try:
                goal = goal_from_json({"text": text.strip()}, within="", decomposer=decomposer)
            except InputError as error:
                lines.append(error.at(source=file, line=record.line))
                continue
            lines.append(_written(goal, indent=None if source.by_line else 2))
    return lines


def _is_by_line(file: Path) -> bool:
    from tracker.source import open_source

    try:
        return open_source(file).by_line
    except InputError:
        return False


def _is_goal(value: JsonValue) -> bool:
    return isinstance(value, dict) and value.keys() <= {"text", "components"}


def _written(goal: Goal, *, indent: int | None) -> str:
    return json.dumps(goal.model_dump(mode="json", exclude_none=True), indent=indent, ensure_ascii=False)


def _conversations(file: Path, format_name: str | None, decomposer: Decomposer) -> Iterator[str | InputError]:
    """A native line for each conversation, its goal's text split anew; labels speak of other components."""
    from tracker.formats import read
    from tracker.formats.native import conversation_to_json

    for item in read(file, format=format_name, decomposer=decomposer):
        if isinstance(item, InputError):
            yield item
        elif not item.goal.text.strip():
            yield InputError(f"conversation {item.id!r} has no goal text to split", source=file)
        else:
            split = replace(item, goal=decomposer.decompose(item.goal.text), labels=None)
            yield json.dumps(conversation_to_json(split), ensure_ascii=False)


def _evaluate(context: click.Context, file: Path, name: str | None, *, in_text: bool, as_json: bool) -> None:
    from tracker.decomposition import NAMES, decomposer_named, learned_weights
    from tracker.formats import native
    from tracker.matching import THRESHOLD, score_splits
    from tracker.matching import in_text as only_in_text
    from tracker.source import open_source

    items = list(native.conversations(open_source(file), goal=None, decomposer=_Unsplit()))
    bad = [item for item in items if isinstance(item, InputError)]
    goals = _distinct(item for item in items if not isinstance(item, InputError))
    for error in bad:
        pass_over(error, stderr())
    if not goals:
        raise InputError("no goal has a text and components to compare with", source=file)
    truth = [only_in_text(goal) for goal in goals] if in_text else goals
    if name is not None:
        names: Sequence[str] = [name]
    else:
        names = [each for each in NAMES if each != "learned" or learned_weights() is not None]
    scores = {
        each: score_splits(truth, [decomposer.decompose(goal.text) for goal in goals])
        for each, decomposer in ((each, decomposer_named(each)) for each in names)
    }
    if as_json:
        result = {
            "file": str(file),
            "threshold": THRESHOLD,
            "in_text": in_text,
            "decomposers": {each: found.as_json() for each, found in scores.items()},
        }
        click.echo(json.dumps(result, indent=2))
    else:
        from rich.console import Console
        from rich.text import Text

        from tracker.rendering import SplitTable, counted, one_line

        console = Console(highlight=False)
        of = f"{counted(len(truth), 'goal')}, {counted(sum(map(len, truth)), 'component')}"
        console.print(Text(f"{one_line(file.name)}: {of}; matched by token F1 of {THRESHOLD} or more\n"))
        console.print(SplitTable(scores))
    if bad:
        context.exit(1)


class _Unsplit:
    """Leaves a goal that is only a text without components: a split of ours is no truth to compare with."""

    def decompose(self, text: str) -> Goal:
        from tracker.goal import Goal

        return Goal(text=text, components=())


def _distinct(conversations: Iterable[Conversation]) -> list[Goal]:
    """Each goal once: runs of a benchmark repeat theirs."""
    goals = {
        conversation.goal.model_dump_json(): conversation.goal
        for conversation in conversations
        if conversation.goal.text.strip() and len(conversation.goal)
    }
    return list(goals.values())

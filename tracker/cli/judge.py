"""``goalstate judge``: labels by a large judge, through any OpenAI-compatible endpoint.

Knows the command's options, what is said before anything is sent, and what is shown at the end. Knows nothing
about prompts and networks; that is ``tracker.judge``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.numbers import FiniteRange
from tracker.cli.outputs import writing
from tracker.cli.run import Item, key_given, read_items, reading_options, refuse_unusable, stderr
from tracker.errors import GoalstateError, InputError, JudgeError, RefusalError

if TYPE_CHECKING:
    from rich.console import Console

    from tracker.conversation import Conversation
    from tracker.judge import Judge, Judgement, Mode, Plan, ReplyCache, Settings, Tally
    from tracker.output import TrackWriter

_ENOUGH_FAILURES = 5
"""A run ends when so many conversations fail one after the other, refusals not counted: it costs money."""


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    metavar="LABELS.jsonl",
    type=click.Path(path_type=Path),
    help="Write the conversations with their labels; LABELS.jsonl.partial until all are done.",
)
@click.option(
    "--base-url",
    metavar="URL",
    envvar="OPENAI_BASE_URL",
    show_envvar=True,
    help="The endpoint, such as http://127.0.0.1:8080/v1; there is no default.",
)
@click.option(
    "--model",
    metavar="MODEL",
    envvar="GOALSTATE_JUDGE_MODEL",
    show_envvar=True,
    help="The judge's name at the endpoint.",
)
@click.option(
    "--api-key-env",
    metavar="NAME",
    default="OPENAI_API_KEY",
    show_default=True,
    help="The environment variable that holds the key; it need not be set where the endpoint wants none.",
)
@click.option(
    "--mode",
    "mode_name",
    type=click.Choice(["conversation", "component"]),
    default="conversation",
    show_default=True,
    help="One call for a whole conversation, or one for each component.",
)
@click.option(
    "--temperature",
    metavar="T|default",
    default="0",
    show_default=True,
    help="'default' leaves it to the endpoint, for models that take no other.",
)
@click.option("--retries", type=click.IntRange(min=0), default=5, show_default=True, metavar="N")
@click.option("--timeout", type=FiniteRange(min=1), default=300.0, show_default=True, metavar="SECONDS")
@click.option(
    "--rate-limit", type=FiniteRange(min=0, min_open=True), metavar="N", help="At most N calls a minute."
)
@click.option(
    "--price-in",
    type=FiniteRange(min=0),
    metavar="PRICE",
    help="Of a million tokens sent, for the cost.",
)
@click.option("--price-out", type=FiniteRange(min=0), metavar="PRICE", help="Of a million tokens received.")
@click.option(
    "--cache",
    "cache_folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where answers are kept; the user's cache folder otherwise.",
)
@reading_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Stop after N conversations.")
@click.option("--dry-run", is_flag=True, help="Show the first prompt and the estimate; contact nobody.")
@click.pass_context
def judge(
    context: click.Context,
    files: tuple[Path, ...],
    output: Path | None,
    base_url: str | None,
    model: str | None,
    api_key_env: str,
    mode_name: str,
    temperature: str,
    retries: int,
    timeout: float,
    rate_limit: float | None,
    price_in: float | None,
    price_out: float | None,
    cache_folder: Path | None,
    format_name: str | None,
    goal_file: Path | None,
    limit: int | None,
    dry_run: bool,
) -> None:
    """Have a large judge label conversations: this sends them over the network.

    The conversations and their goals go to the endpoint that --base-url names, and nowhere else. Every usable
    answer is kept in the cache, so a run that was stopped goes on where it was when it is started again.
    """
    from tracker.judge import (
        Endpoint,
        Judge,
        Mode,
        ReplyCache,
        Settings,
        check,
        default_folder,
        plan,
    )

    api_key = key_given(context, api_key_env)
    items = read_items(files, format_name, goal_file, limit)
    refuse_unusable(items)
    mode, prices = Mode(mode_name), (price_in, price_out)
    cache = ReplyCache(cache_folder or default_folder())
    settings = Settings(
        base_url=base_url or "",
        model=model or "",
        api_key=api_key,
        key_from=api_key_env,
        temperature=_temperature(temperature),
        retries=retries,
        calls_per_minute=rate_limit,
        timeout_s=timeout,
    )
    conversations = [item.content for item in items if not isinstance(item.content, InputError)]
    planned = plan(conversations, mode, settings=settings, cache=cache)
    if dry_run:
        if base_url:
            check(settings)
        _show_dry_run(conversations, mode, planned, prices)
        return
    for value, option, variable in (
        (base_url, "--base-url", " or $OPENAI_BASE_URL"),
        (model, "--model", " or $GOALSTATE_JUDGE_MODEL"),
        (output, "--output", ""),
    ):
        if not value:
            raise InputError(f"missing: nothing is sent without {option}{variable}", field=option)
    assert output is not None
    console = stderr()
    endpoint = Endpoint(settings, say=lambda line: _say(line, console))
    run = _Run(Judge(endpoint, settings, cache, mode), console)
    try:
        goes_on = f"the same command goes on from here with the answers in {cache.folder}"
        with writing(output, (*files, goal_file), done="judged", goes_on=goes_on) as writer:
            _announce(settings, cache, planned, prices)
            run.over(items, writer)
    finally:
        endpoint.close()
        if run.judged or endpoint.tally.calls:
            run.show(endpoint.tally, prices)
    if run.passed_over:
        context.exit(1)


class _Run:
    """A run over conversations that survives the bad ones, and what is said of it."""

    def __init__(self, judge: Judge, console: Console) -> None:
        self.judged = 0
        self.passed_over = 0
        self._judge = judge
        self._console = console
        self._cached = 0
        self._backward = 0
        self._failed_in_a_row = 0

    def over(self, items: Sequence[Item], writer: TrackWriter) -> None:
        """Judge and write the conversations one after the other.

        Raises ``EndpointError`` where the endpoint cannot be used, ``GoalstateError`` where none was judged
        or too many in a row failed.
        """
        from tracker.rendering import progress_bar

        turns = [0 if isinstance(item.content, InputError) else len(item.content.turns) for item in items]
        with progress_bar(self._console) as bar:
            task = bar.add_task("judging", total=sum(turns), done=0, conversations=len(items))
            for done, (item, count) in enumerate(zip(items, turns, strict=True), start=1):
                if isinstance(item.content, InputError):
                    self._pass_over(str(item.content))
                else:
                    self._one(item.content, item.file, writer, alone=len(items) == 1)
                bar.update(task, advance=count, done=done)
        if not self.judged:
            raise GoalstateError(f"none of the {len(items)} conversations could be judged")

    def show(self, tally: Tally, prices: _Prices) -> None:
        from tracker.rendering import counted

        without = f", {self.passed_over} passed over" if self.passed_over else ""
        click.echo(f"{counted(self.judged, 'conversation')} judged{without}")
        click.echo(f"{counted(tally.calls, 'call')} answered, {self._cached} from the cache")
        tokens = f"{tally.prompt_tokens:,} tokens sent, {tally.completion_tokens:,} received"
        if tally.uncounted:
            tokens += f" (the endpoint did not count those of {counted(tally.uncounted, 'call')})"
        click.echo(tokens + _cost(tally.prompt_tokens, tally.completion_tokens, prices))
        if self._backward:
            click.echo(
                f"{counted(self._backward, 'change')} that went backward left out: statuses move forward"
            )

    def _one(self, conversation: Conversation, file: Path, writer: TrackWriter, *, alone: bool) -> None:
        try:
            judgement: Judgement = self._judge.judge(conversation)
        except JudgeError as error:
            reason = f"{file}: conversation {conversation.id!r}: {error}"
            if alone:
                raise type(error)(reason) from None
            self._pass_over(reason)
            self._failed_in_a_row += not isinstance(error, RefusalError)
            if self._failed_in_a_row == _ENOUGH_FAILURES:
                raise GoalstateError(
                    f"stopped after {_ENOUGH_FAILURES} failures in a row; the answers so far are in the cache"
                ) from None
            return
        writer.write_line(judgement.as_json(self._judge.describe()))
        self._failed_in_a_row = 0
        self.judged += 1
        self._cached += judgement.cached
        self._backward += judgement.backward

    def _pass_over(self, reason: str) -> None:
        self.passed_over += 1
        _say(f"passed over: {reason}", self._console)


_Prices = tuple[float | None, float | None]
"""Of a million tokens sent and received."""


def _temperature(given: str) -> float | None:
    if given == "default":
        return None
    try:
        temperature = float(given)
    except ValueError:
        temperature = -1.0
    if not 0 <= temperature <= 2:
        raise InputError(
            f"expected a number from 0 to 2, or 'default'; found {given!r}", field="--temperature"
        )
    return temperature


def _announce(settings: Settings, cache: ReplyCache, planned: Plan, prices: _Prices) -> None:
    from tracker.rendering import counted

    if not planned.calls:
        click.echo(f"goalstate: nothing to send: all answers are in the cache {cache.folder}", err=True)
        return
    key = f"the key from ${settings.key_from}" if settings.api_key else "no key"
    kept = f"; {planned.cached} more are answered in the cache {cache.folder}" if planned.cached else ""
    click.echo(
        f"goalstate: sending {counted(planned.conversations, 'conversation')} over the network to "
        f"{settings.shown_url}, model {settings.model}, with {key}: {_estimate(planned, prices)}{kept}",
        err=True,
    )


def _show_dry_run(conversations: Sequence[Conversation], mode: Mode, planned: Plan, prices: _Prices) -> None:
    import json

    from tracker.judge import questions
    from tracker.rendering import counted

    first = next((asked for one in conversations for asked in questions(one, mode)), None)
    if first is not None:
        click.echo(f"--- system\n{first.system}\n--- user\n{first.user}\n--- schema of the answer")
        click.echo(json.dumps(first.schema))
    click.echo(
        f"--- estimate\n{counted(planned.conversations, 'conversation')}: {_estimate(planned, prices)}; "
        f"{planned.cached} answers are in the cache\nNothing was sent."
    )


def _estimate(planned: Plan, prices: _Prices) -> str:
    from tracker.rendering import counted

    return (
        f"{counted(planned.calls, 'call')}, about {planned.prompt_tokens:,} tokens to send and "
        f"{planned.answer_tokens:,} to receive{_cost(planned.prompt_tokens, planned.answer_tokens, prices)}"
    )


def _cost(sent: int, received: int, prices: _Prices) -> str:
    if prices == (None, None):
        return ""
    price_in, price_out = prices
    return f", cost {(sent * (price_in or 0) + received * (price_out or 0)) / 1e6:.4f}"


def _say(line: str, console: Console) -> None:
    from rich.text import Text

    from tracker.rendering import one_line

    console.print(Text(f"goalstate: {one_line(line)}"), soft_wrap=True)

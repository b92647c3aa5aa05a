"""``goalstate simulate``: a simulated user pursues goals, steered by the tracked state or not.

Knows the command's options and what is shown. Knows nothing about how anybody speaks or is steered.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

from tracker.cli.numbers import FiniteRange
from tracker.cli.outputs import writing
from tracker.cli.run import key_given, opened, stderr
from tracker.errors import GoalstateError, InputError

if TYPE_CHECKING:
    from rich.text import Text

    from tracker.conversation import Message
    from tracker.judge.endpoint import Settings
    from tracker.simulator.agent import Agent, AgentFunction, Temperament
    from tracker.simulator.goals import SimulatedGoal
    from tracker.simulator.run import Simulation
    from tracker.simulator.user import SimulatedUser
    from tracker.state import GoalState

_MIXED = "mixed"
_SCRIPTED = "scripted"
_STEERS = ("none", "goal", "state", "plan", "lookahead")


@click.command()
@click.option(
    "--goals", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="How many."
)
@click.option(
    "--steer",
    "steer_name",
    type=click.Choice(_STEERS),
    default="plan",
    show_default=True,
    help="What the user is told before each message.",
)
@click.option(
    "--agent",
    "agent_name",
    default=_MIXED,
    show_default=True,
    metavar="AGENT",
    help="crisp, chatty, stubborn, forgetful or mixed; the address of an OpenAI-compatible endpoint; "
    "or MODULE:FUNCTION of your own.",
)
@click.option("--agent-model", metavar="MODEL", help="The endpoint's model, where the agent is one.")
@click.option(
    "--user",
    "user_name",
    metavar="USER",
    help="A GGUF file, the address of an endpoint, or 'scripted' for a user in code; goalstate's own "
    "otherwise.",
)
@click.option("--user-model", metavar="MODEL", help="The endpoint's model, where the user is one.")
@click.option(
    "--api-key-env",
    default="OPENAI_API_KEY",
    show_default=True,
    metavar="NAME",
    help="The environment variable with the key of the endpoints.",
)
@click.option(
    "--turns",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="Messages of the user's before a conversation is cut off.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same goals.")
@click.option(
    "--temperature",
    type=FiniteRange(min=0, max=2),
    default=0.7,
    show_default=True,
    help="Of the user's sampling.",
)
@click.option(
    "--candidates",
    type=click.IntRange(min=1, max=32),
    default=3,
    show_default=True,
    metavar="N",
    help="Messages that look-ahead chooses from.",
)
@click.option("--model", metavar="MODEL", help="A GGUF file to track with in place of goalstate's own.")
@click.option(
    "--decoder",
    type=click.Choice(["branches", "encoder", "words"]),
    default="branches",
    show_default=True,
    help="How it is tracked: with the language model, or without it, in less time.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="CPU threads; chosen for the machine otherwise.",
)
@click.option(
    "--output",
    metavar="OUT.jsonl",
    type=click.Path(path_type=Path),
    help="Write the conversations in goalstate's own format; OUT.jsonl.partial until all are done.",
)
def simulate(
    goals: int,
    steer_name: str,
    agent_name: str,
    agent_model: str | None,
    user_name: str | None,
    user_model: str | None,
    api_key_env: str,
    turns: int,
    seed: int,
    temperature: float,
    candidates: int,
    model: str | None,
    decoder: str,
    threads: int | None,
    output: Path | None,
) -> None:
    """Let a simulated user pursue invented goals with an agent.

    Everything runs on this machine, in a world made from the seed, unless an endpoint is named. One
    conversation is shown as it goes; of several, a summary is, and --output has them all, with the true
    status of every goal component as labels where the agent is one of goalstate's own.
    """
    from tracker.simulator.goals import generate_goals
    from tracker.simulator.run import simulate as run
    from tracker.simulator.steering import Steer

    steer = Steer(steer_name)
    agent = _agent(agent_name, agent_model, api_key_env)
    drawn = generate_goals(goals, random_state=seed)
    shown = _Shown()
    with ExitStack() as stack:
        writer = None
        if output is not None:
            own = agent.file if isinstance(agent, _OwnAgent) else None
            inputs = (model, _model_file(user_name), own)
            writer = stack.enter_context(writing(output, inputs, done="simulated"))
        user = stack.enter_context(_user(user_name, user_model, api_key_env, temperature, threads))
        tracker = stack.enter_context(opened(model, decoder, threads)) if steer.tracks else None
        with _watching(drawn[0] if goals == 1 else None, goals) as (watch, done):
            for simulated in drawn:
                simulation = run(
                    simulated,
                    user=user,
                    agent=agent,
                    steer=steer,
                    tracker=tracker,
                    turns=turns,
                    candidates=candidates,
                    watch=watch,
                )
                if writer is not None:
                    writer.write_line(simulation.as_json())
                shown.add(simulation)
                done()
    shown.draw()


def _agent(name: str, model: str | None, key_from: str) -> Temperament | Agent | AgentFunction | None:
    from tracker.simulator.agent import FunctionAgent, Temperament

    if name == _MIXED:
        return None
    if name in set(Temperament):
        return Temperament(name)
    if _is_address(name):
        from tracker.simulator.endpoint import ChatEndpoint, EndpointAgent

        return EndpointAgent(ChatEndpoint(_settings(name, model, key_from, None, "--agent")))
    module, colon, function = name.partition(":")
    if not colon:
        known = ", ".join([*Temperament, _MIXED])
        raise InputError(
            f"there is no agent {name!r}; expected {known}, an address, or MODULE:FUNCTION", field="--agent"
        )
    # A module beside the working folder's other files, as people write them.
    sys.path.insert(0, os.getcwd())
    try:
        loaded = importlib.import_module(module)
        found = getattr(loaded, function)
    except (Exception, SystemExit) as error:
        raise InputError(f"cannot load {name!r}: {_told(error, module)}", field="--agent") from None
    finally:
        sys.path.pop(0)
    if isinstance(found, type):
        raise InputError(
            f"{name!r} is a class; expected a function of messages, or an object", field="--agent"
        )
    if not callable(found) and not hasattr(found, "reply"):
        raise InputError(f"{name!r} is no function of messages", field="--agent")
    return _OwnAgent(name, loaded, found if hasattr(found, "reply") else FunctionAgent(found))


@dataclass(frozen=True)
class _OwnAgent:
    """Somebody's own agent, whose faults are told in a line with their place."""

    name: str
    module: ModuleType
    agent: Agent

    @property
    def file(self) -> str | None:
        """Its source, where it is in a file."""
        return getattr(self.module, "__file__", None)

    def reply(self, messages: Sequence[Message]) -> str:
        try:
            return self.agent.reply(messages)
        except GoalstateError:
            raise
        except (Exception, SystemExit) as error:
            told = _told(error, self.module.__name__)
            raise InputError(f"{self.name!r} failed: {told}", field="--agent") from None


def _told(error: BaseException, module: str) -> str:
    """An error of somebody's own code, with the last place in their module that led to it."""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # By the frames' own globals: a module that failed to load is not to be had.
    own = [
        f"{Path(frame.f_code.co_filename).name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == module
        and frame.f_globals.get("__file__") == frame.f_code.co_filename
    ]
    if not own or isinstance(error, SyntaxError):  # which names its place itself
        return words
    return f"{words} ({own[-1]})"


@contextmanager
def _user(
    name: str | None,
    model: str | None,
    key_from: str,
    temperature: float,
    threads: int | None,
) -> Iterator[SimulatedUser]:
    user: SimulatedUser
    if name == _SCRIPTED:
        from tracker.simulator.scripted import ScriptedUser

        user = ScriptedUser()
    elif name is not None and _is_address(name):
        from tracker.simulator.endpoint import ChatEndpoint, EndpointUser

        settings = _settings(name, model, key_from, temperature, "--user")
        user = EndpointUser(ChatEndpoint(settings))
    else:
        from tracker.simulator.local import LocalUser

        with warnings.catch_warnings(record=True) as caught:
            user = LocalUser.load(name, threads=threads, temperature=temperature)
        for warning in caught:
            click.echo(f"goalstate: warning: {warning.message}", err=True)
    try:
        yield user
    finally:
        user.close()


def _is_address(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _model_file(user: str | None) -> str | None:
    """The model's file that ``--user`` names, where it names one."""
    return None if user is None or user == _SCRIPTED or _is_address(user) else user


def _settings(
    address: str, model: str | None, key_from: str, temperature: float | None, option: str
) -> Settings:
    """How the endpoint that ``--agent`` or ``--user`` names is asked."""
    from tracker.judge.endpoint import Settings

    if not model:
        raise InputError("missing: an endpoint needs to know which model", field=f"{option}-model")
    return Settings(
        base_url=address,
        model=model,
        url_from=option,
        api_key=key_given(click.get_current_context(), key_from),
        key_from=key_from,
        temperature=temperature,
    )


@contextmanager
def _watching(
    alone: SimulatedGoal | None, count: int
) -> Iterator[tuple[Callable[[str, str, GoalState | None], None] | None, Callable[[], None]]]:
    """Show one conversation as it goes, or a bar over many."""
    if alone is not None:
        from rich.console import Console

        console = Console(highlight=False)
        goal = alone.goal
        console.print(_paragraph("goal", goal.text, "dim"))
        before = {component.id: component.start for component in goal}

        def watch(user: str, assistant: str, state: GoalState | None) -> None:
            console.print(_paragraph("user", user, "bold"))
            console.print(_paragraph("agent", assistant, "default"))
            for component in goal if state is not None else ():
                assert state is not None
                status = state[component.id].status
                if status != before[component.id]:
                    before[component.id] = status
                    console.print(_paragraph("", f"{component.id} {status}: {component.text}", "cyan"))

        yield watch, lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = stderr()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulating", total=count)
        yield None, lambda: bar.advance(task)


def _paragraph(speaker: str, text: str, style: str) -> Text:
    from rich.text import Text

    from tracker.rendering import one_line

    line = Text(f"{speaker:6}", style="dim")
    line.append(one_line(text), style=style)
    return line


class _Shown:
    """Counts over the simulations, shown at the end."""

    def __init__(self) -> None:
        self._endings: Counter[str] = Counter()
        self._on_course: Counter[str] = Counter()
        self._components: Counter[str] = Counter()
        self._turns = 0

    def add(self, simulation: Simulation) -> None:
        from tracker.goal import SUCCESS

        conversation = simulation.conversation
        self._endings[str(simulation.ending)] += 1
        self._turns += len(conversation.turns)
        if conversation.labels is None:
            return
        for component in conversation.goal:
            last = conversation.labelled_statuses(component.id)[-1]
            self._components[str(component.category)] += 1
            self._on_course[str(component.category)] += last in SUCCESS[component.category]

    def draw(self) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table

        from tracker.rendering import counted

        console = Console(highlight=False)
        cut = self._endings["cut-off"]
        console.print(
            f"{counted(self._endings.total(), 'conversation')}, {counted(self._turns, 'turn')}, {cut} cut off"
        )
        if not self._components:
            console.print("The agent keeps no log, so nobody knows the truth of these.")
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("category", "on course", "of", "share"):
            table.add_column(heading, justify="left" if heading == "category" else "right")
        for category, count in self._components.items():
            kept = self._on_course[category]
            table.add_row(category, str(kept), str(count), f"{kept / count:.0%}")
        console.print(table)

"""The ``goalstate`` command: its commands gathered, and every error turned into one line and an exit code.

Knows click and the exit codes. Knows nothing about tracking: each command lives in its own module and loads
what is heavy only when it runs, so that ``--help`` is quick.

Exit codes: 0 all went well; 1 some conversations were passed over; 2 an error, said in one line; 130 stopped
with Ctrl-C.
"""

from __future__ import annotations

import errno
import io
import sys
from typing import IO, Any

import click
from click.exceptions import Exit

from tracker.cli.agree import agree
from tracker.cli.annotate import annotate
from tracker.cli.audit import audit
from tracker.cli.decompose import decompose
from tracker.cli.doctor import doctor
from tracker.cli.evaluate import evaluate
from tracker.cli.export import export
from tracker.cli.judge import judge
from tracker.cli.model import model
from tracker.cli.report import report
from tracker.cli.simulate import simulate
from tracker.cli.track import track
from tracker.errors import GoalstateError

_STOPPED = 130
"""What a shell reports for a program that SIGINT ended."""


class _Failure(click.ClickException):
    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        from tracker.rendering import one_line

        click.echo(f"goalstate: error: {one_line(self.message)}", file=file, err=file is None)


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GoalstateError as error:
            raise _Failure(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # the reader has gone; click ends quietly
            place = f"{error.filename}: " if error.filename else ""
            raise _Failure(f"{place}{error.strerror or error}") from error
        except KeyboardInterrupt:
            raise Exit(_STOPPED) from None


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"goalstate {version('goalstate')}")
    except PackageNotFoundError:
        click.echo("goalstate, run from its source folder without being installed")
    ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def cli() -> None:
    """Track where each component of a simulated user's goal stands after every turn of a conversation.

    Everything runs on this machine's CPU, without network; only ``judge``, and ``simulate`` with an endpoint,
    send anything, where they are told to.
    """


_COMMANDS = (
    *(track, evaluate, annotate, judge, agree, report, audit, export),
    *(decompose, simulate, doctor, model),
)
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line; the entry point of the distribution."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Conversations hold letters that not every terminal's encoding has.
        sys.stdout.reconfigure(errors="replace")
    cli(prog_name="goalstate")

"""How the commands of training end on a user's mistake: with one line and exit code 2, as ``goalstate`` does.

Knows errors and click. Knows nothing about what a command does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from tracker.errors import GoalstateError

MISTAKE = 2


def exit_code(main: Callable[[], None]) -> int:
    """Call a command; its exit code, 2 where it met a mistake, which is said on standard error."""
    try:
        main()
    except GoalstateError as error:
        print(f"Error: {error}", file=sys.stderr)
        return MISTAKE
    return 0


class _Mistake(click.ClickException):
    exit_code = MISTAKE


class ClickCommand(click.Command):
    """A command of click that ends the same way."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GoalstateError as error:
            raise _Mistake(str(error)) from error

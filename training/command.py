"""How the commands of training end on a user's mistake: with one line and exit code 2, as ``goalstate`` does.

Knows errors. Knows nothing about what a command does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tracker.errors import GoalstateError


def exit_code(main: Callable[[], None]) -> int:
    """Call a command; its exit code, 2 where it met a mistake, which is said on standard error."""
    try:
        main()
    except GoalstateError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0

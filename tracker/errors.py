"""The errors that goalstate raises on purpose; each message is one line meant for a person.

Knows nothing about files, models or the command line. The command line turns any
``GoalstateError`` into one line on standard error and exit code 2.
"""

from __future__ import annotations

from pathlib import Path


class GoalstateError(Exception):
    """Base of every error that a user of goalstate can do something about."""


class InputError(GoalstateError):
    """Something in the user's input is not what was expected.

    Parameters
    ----------
    message
        What was found and what was expected.
    source, line, field
        Where it was found: a file, its 1-based line, and a path such as ``goal.components[2].category``.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.message = message
        self.source = None if source is None else str(source)
        self.line = line
        self.field = field
        super().__init__(str(self))

    def at(self, *, source: str | Path | None = None, line: int | None = None) -> InputError:
        """Return the same error (same class) with the place filled in where it was still unknown."""
        return type(self)(
            self.message,
            source=self.source if self.source is not None else source,
            line=self.line if self.line is not None else line,
            field=self.field,
        )

    def __str__(self) -> str:
        place = self.source or ""
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
        parts = [part for part in (place, self.field, self.message) if part]
        return ": ".join(parts)


class ContextLengthError(InputError):
    """A conversation does not fit the model's context."""


class ModelError(GoalstateError):
    """A model file is missing, damaged, or not one that goalstate can use."""


class CacheError(GoalstateError):
    """The user's cache folder cannot be read or written."""


class EndpointError(GoalstateError):
    """The endpoint of a large judge cannot be used: its address, key or model is wrong, or it stays down."""


class JudgeError(GoalstateError):
    """A large judge gave no usable answer to one question; others may fare better."""


class RefusalError(JudgeError):
    """A large judge, or the filter in front of it, will not answer a question."""

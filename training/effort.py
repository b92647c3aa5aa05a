"""What a run took, from its log: seconds and tokens, pauses left out.

Knows the rows of a log that tell of progress. Knows nothing about what is trained.
"""

from __future__ import annotations

import json
import statistics
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ValidationError

from tracker.errors import InputError
from tracker.validation import input_error

_PAUSE = 10
"""A run stood still where its log has a gap this many times as long as usual."""


class Effort(BaseModel):
    """What runs took, pauses left out."""

    seconds: float
    tokens: float

    def __add__(self, other: Effort) -> Effort:
        return Effort(seconds=self.seconds + other.seconds, tokens=self.tokens + other.tokens)


class _LogRow(BaseModel):
    """A row of a run's log that reports progress."""

    time: float
    passes: int
    passes_per_second: float | None = None
    tokens_per_second: float


def effort(log: Path) -> Effort:
    """Seconds and tokens of a run from its log (JSONL).

    Rates in the log are averages since the process began, so each stretch without a pause or a restart counts
    with its last one. What a restart repeats counts again: it was computed again.

    Raises ``InputError`` where the log is missing or holds no progress.
    """
    try:
        rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        steps = [_LogRow.model_validate(row) for row in rows if "loss" in row]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=log) from error
    except ValidationError as error:
        raise input_error(error, source=log) from error
    except ValueError as error:
        raise InputError(f"not the log of a run: {error}", source=log) from error
    if not steps:
        raise InputError("holds no progress yet", source=log)
    gaps = [later.time - earlier.time for earlier, later in pairwise(steps)]
    usual = statistics.median(gaps) if gaps else 0.0
    stretches: list[list[_LogRow]] = [[steps[0]]]
    for row, gap in zip(steps[1:], gaps, strict=True):
        if gap > _PAUSE * usual or row.passes <= stretches[-1][-1].passes:
            stretches.append([])
        stretches[-1].append(row)
    total = Effort(seconds=0.0, tokens=0.0)
    for number, stretch in enumerate(stretches):
        first, last = stretch[0], stretch[-1]
        # What came before a stretch's first row is not in the log, save for the very first.
        known = number == 0 and first.passes_per_second
        began = first.passes / known if known else usual
        seconds = began + last.time - first.time
        total += Effort(seconds=seconds, tokens=seconds * last.tokens_per_second)
    return total


def duration(seconds: float) -> str:
    """In hours and minutes, for people."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"

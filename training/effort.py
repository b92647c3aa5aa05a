"""What a run took, from its log: seconds and tokens, pauses left out.

Knows the rows of a log that tell of progress. Knows nothing about what is trained.
"""

from __future__ import annotations

import json
import statistics
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, PositiveFloat, ValidationError

from tracker.errors import InputError
from tracker.validation import input_error

_PAUSE = 10
"""A run stood still where its log has a gap this many times as long as usual_seconds."""


class Effort(BaseModel):
    """What runs took, pauses left out."""

    seconds: float
    tokens: float
    runs: int = 1
    """How many they are."""

    def __add__(self, other: Effort) -> Effort:
        return Effort(
            seconds=self.seconds + other.seconds,
            tokens=self.tokens + other.tokens,
            runs=self.runs + other.runs,
        )


class _LogRow(BaseModel):
    """A row of a run's log that reports progress."""

    time: float
    passes: int
    passes_per_second: PositiveFloat | None = None
    tokens_per_second: float


def effort(log: Path) -> Effort:
    """Seconds and tokens of a run from its log (JSONL).

    Rates in the log are averages since the process began, pauses included, so a pass has as many tokens as
    one rate over the other says. What a restart repeats counts again: it was computed again.

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
    usual_seconds = statistics.median(gaps) if gaps else 0.0
    stretches: list[list[_LogRow]] = [[steps[0]]]
    for row, gap in zip(steps[1:], gaps, strict=True):
        if gap > _PAUSE * usual_seconds or row.passes <= stretches[-1][-1].passes:
            stretches.append([])
        stretches[-1].append(row)
    usual_passes = (
        statistics.median(later.passes - earlier.passes for earlier, later in pairwise(steps)) if gaps else 0
    )
    seconds = tokens = 0.0
    for number, stretch in enumerate(stretches):
        first, last = stretch[0], stretch[-1]
        # What came before a stretch's first row is not in the log, save for the very first.
        begins = number == 0 and first.passes_per_second
        took = (first.passes / begins if begins else usual_seconds) + last.time - first.time
        passes = last.passes - first.passes + (first.passes if begins else usual_passes)
        seconds += took
        pace = last.passes_per_second
        tokens += last.tokens_per_second * (passes / pace if pace else took)
    return Effort(seconds=seconds, tokens=tokens)


def duration(seconds: float) -> str:
    """In hours and minutes, for people."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"

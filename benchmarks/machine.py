"""What a figure was taken on, and which conversations: the line above every table."""

from __future__ import annotations

import platform
import resource
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from tracker.conversation import Conversation
from tracker.formats import read
from tracker.hardware import load_options, processor


def machine() -> str:
    """The day and the machine, as a line."""
    cores = load_options().threads
    return f"{datetime.now(UTC).date()}, {processor().name}, {cores} cores, {platform.system()}"


def peak_memory() -> float:
    """Megabytes of memory that this process has had at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def conversations(file: Path, limit: int | None = None) -> list[Conversation]:
    """The first ``limit`` conversations of a file that can be used and in which the user speaks."""
    good = (each for each in read(file) if isinstance(each, Conversation) and each.turns)
    found = list(islice(good, limit))
    if not found:
        raise SystemExit(f"{file}: no conversation has a turn")
    return found

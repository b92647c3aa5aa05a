"""The card of the simulated user: ``python -m training.user_card MODELS/user --run RUN --steering FILE``.

Knows what ``training.user`` writes into a manifest and a log, and what ``benchmarks.steering --json`` prints.
The sentences stand in ``user_card.template.md``. Measures nothing itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template

from pydantic import BaseModel, Field

from tracker.atomic import write_text
from training.card import (
    Manifest,
    add_effort_arguments,
    closed_up,
    effort_fields,
    read_json,
    run_fields,
    table,
)
from training.command import exit_code
from training.effort import effort


class Cell(BaseModel):
    """A figure of one arm; the differences are to the arm that is not steered."""

    value: float
    interval: tuple[float, float] | None = None
    difference: float | None = None
    difference_interval: tuple[float, float] | None = Field(None, alias="difference interval")

    def __str__(self) -> str:
        text = f"{self.value:.3f}"
        if self.interval is not None:
            text += f" ({self.interval[0]:.2f} to {self.interval[1]:.2f})"
        if self.difference is not None and self.difference_interval is not None:
            low, high = self.difference_interval
            text += f", {self.difference:+.3f} ({low:+.2f} to {high:+.2f})"
        return text


class SteeringFigures(BaseModel):
    """What ``benchmarks.steering --json`` prints."""

    goals: int
    figures: dict[str, dict[str, Cell]]
    """Figure → arm → cell."""


def write_card(folder: Path, *, run: Path, steering: Path | None, watts: float, hardware: str) -> Path:
    """Write ``README.md`` into the folder of the user's adapter; returns its path.

    Parameters
    ----------
    folder
        Holds ``manifest.json``.
    run
        The run's folder, for its log.
    steering
        The output of ``benchmarks.steering --json``.

    Raises ``InputError`` where a file is missing or another thing.
    """
    manifest = read_json(folder / "manifest.json", Manifest)
    fields = run_fields(manifest) | effort_fields(effort(run / "log.jsonl"), watts=watts, hardware=hardware)
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = {row["passes"]: row["validation"] for row in rows if "validation" in row}
    text = Template(Path(__file__).with_name("user_card.template.md").read_text(encoding="utf-8")).substitute(
        fields,
        steering=_steering(read_json(steering, SteeringFigures)) if steering else "",
        data=table(("file", "sha256"), [(d.file, f"`{d.sha256[:12]}`") for d in manifest.training.data]),
        losses=", ".join(f"{loss:.2f} ({passes})" for passes, loss in losses.items()),
    )
    write_text(folder / "README.md", closed_up(text))
    return folder / "README.md"


def _steering(found: SteeringFigures) -> str:
    arms = list(next(iter(found.figures.values())))
    rows = [
        (name, *(str(cells[arm]) if arm in cells else "–" for arm in arms))
        for name, cells in found.figures.items()
    ]
    return (
        "## What it reaches, by how it is steered\n\n"
        f"`python -m benchmarks.steering`, {found.goals} goals, the same for every arm; in brackets 95% "
        "intervals, then the difference to the arm that is not steered. Success is by the truth of the "
        "simulator's world.\n\n" + table(("", *arms), rows)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.user_card", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds manifest.json; the card is written there")
    parser.add_argument("--run", required=True, type=Path, help="the run's folder")
    parser.add_argument("--steering", type=Path, help="from benchmarks.steering --json")
    add_effort_arguments(parser)
    given = parser.parse_args(arguments)
    return exit_code(lambda: print(write_card(**vars(given))))


if __name__ == "__main__":
    sys.exit(main())

"""The model card, written from what was recorded: ``python -m training.card MODELS --figures F...``.

Knows what ``training.export`` writes into a manifest, and the figures that ``goalstate evaluate --json`` and
``training.baselines --json`` print. Every figure of the model comes from one of those files; the sentences
around them stand in ``card.template.md``. Measures nothing itself.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import TypeVar

import matplotlib
import numpy as np
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError, field_validator

from tracker.atomic import write_text
from tracker.errors import InputError
from tracker.forward import Calibration
from tracker.goal import Category, Status
from tracker.opinions import Opinion
from tracker.validation import input_error
from training.command import exit_code
from training.effort import Effort, duration
from training.lineage import nested
from training.provenance import write_manifest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PEOPLE: MappingProxyType[str, float] = MappingProxyType(
    {
        "profile": 0.917,
        "policy": 0.727,
        "objective": 0.911,
        "requirement": 0.813,
        "preference": 0.887,
        "average": 0.857,
    }
)
"""How often people agreed per turn with the judge of the paper, a model of 72 billion parameters."""

_SETS: MappingProxyType[str, str] = MappingProxyType(
    {
        "written/validation.jsonl": "Written for this project, a field that is not in training (transport). "
        "Calibration and every choice were made on it, so these figures flatter.",
        "written/test.jsonl": "Written for this project, fields that are neither in training nor in "
        "validation (home and events).",
        "multiwoz/judged.jsonl": "MultiWOZ 2.1 test dialogues between people; some goals were changed so "
        "that users miss them.",
        "taubench/judged.jsonl": "τ-bench airline runs, a simulated user against an agent with tools; long "
        "turns, and a field and a source never trained on.",
    }
)
"""What the reader should know about a set, where it is one of the project's."""

_WANTED: MappingProxyType[str, float] = MappingProxyType(
    {"written/test.jsonl": 0.92, "multiwoz/judged.jsonl": 0.90, "taubench/judged.jsonl": 0.88}
)
"""The average accuracy that was set as a target; the others are in ``_target_rows``."""


class Figure(BaseModel):
    """A figure with its 95% interval; nothing where it is not defined."""

    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


class Scores(BaseModel):
    accuracy: Figure
    macro_f1: Figure
    kappa: Figure
    start_accuracy: Figure


class Figures(BaseModel):
    every_turn: Scores
    last_turn: Scores
    attempted_recall: Figure
    calibration_error: Figure
    calibration_error_by_chance: float | None = None
    """Files of before 0.18.0 have none."""


class CategoryFigures(Figures):
    labels: int
    statuses: tuple[Status, ...]
    confusion: tuple[tuple[int, ...], ...]


class SetFigures(BaseModel):
    """What ``goalstate evaluate --json`` says of one file."""

    file: Path
    tracker: dict[str, str]
    conversations: int
    components: int
    labels: int
    categories: dict[Category, CategoryFigures]
    average: Figures

    @property
    def name(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}"

    @property
    def picture(self) -> str:
        return f"confusion-{self.file.parent.name}-{self.file.stem}.png"

    @property
    def rows(self) -> list[tuple[str, int, Figures]]:
        """The categories and their average, with the number of labels."""
        parts: list[tuple[str, int, Figures]] = [(str(c), f.labels, f) for c, f in self.categories.items()]
        return [*parts, ("average", self.labels, self.average)]


class WayFigures(BaseModel):
    """What ``training.baselines --json`` says of one way on one file."""

    file: str
    way: str
    average: Figures


class BaseModelFile(BaseModel):
    name: str
    sha256: str


class AdapterFile(BaseModel):
    sha256: str
    bytes: int
    rank: int
    alpha: float


class DataFile(BaseModel):
    file: str
    use: str = ""
    sha256: str


class Run(BaseModel):
    passes: int
    config: dict[str, JsonValue]
    data: tuple[DataFile, ...]
    start: Run | None = None
    """The run whose factors this one began with."""
    beside: tuple[Run, ...] = ()
    """Those whose weights were averaged with this one's."""
    effort: Effort | None = None
    """What this run took, where its log was there; in one entry that of several may stand together."""

    @property
    def line(self) -> tuple[Run, ...]:
        """This run and those before it, the first one first."""
        return (*(self.start.line if self.start else ()), self)

    @property
    def bare(self) -> Run:
        """The run by what it read and with which arguments alone: by that two entries are of the same run."""
        return Run(
            passes=self.passes,
            config=self.config,
            data=self.data,
            start=self.start and self.start.bare,
            beside=tuple(run.bare for run in self.beside),
        )

    @property
    def runs(self) -> tuple[Run, ...]:
        """The line of this run, and of those beside each of them what is not among them."""
        found: dict[str, Run] = {}
        beside = (run for one in self.line for other in one.beside for run in other.runs)
        for run in (*self.line, *beside):
            # A run is the same whatever its end was averaged with afterwards.
            name = run.bare.model_copy(update={"beside": ()}).model_dump_json()
            if name not in found or found[name].effort is None:
                found[name] = run
        return tuple(found.values())

    @property
    def told(self) -> str:
        """How many passes there were, in words."""
        begun = f"{self.start.told} and then " if self.start else ""
        beside = [run.bare for run in self.beside]
        before = [run.bare for run in takewhile(lambda run: run.bare in beside, reversed(self.line[:-1]))]
        averaged = []
        if before:
            averaged.append("the run before it" if len(before) == 1 else f"the {len(before)} runs before it")
        averaged += [f"a run of {run.told}" for run in self.beside if run.bare not in before]
        return f"{begun}{self.passes}" + (f", averaged with {' and '.join(averaged)}" if averaged else "")


class Training(Run):
    date: str
    commit: str | None
    notes: tuple[str, ...] = ()
    """What else a reader has to know about the run, a sentence or two each."""


class Row(BaseModel):
    """What a tracker comes to in one line; nothing where a figure is not defined."""

    accuracy: float | None
    kappa: float | None
    attempted_recall: float | None
    calibration_error: float | None

    @classmethod
    def of(cls, figures: Figures) -> Row:
        """The values after every turn, to six places."""
        every = figures.every_turn
        of = (every.accuracy, every.kappa, figures.attempted_recall, figures.calibration_error)
        values = [None if figure.value is None else round(figure.value, 6) for figure in of]
        return cls(**dict(zip(cls.model_fields, values, strict=True)))

    @property
    def cells(self) -> list[str]:
        """The values in the order of the fields, with three places."""
        return ["–" if value is None else f"{value:.3f}" for _, value in self]


class Way(Row):
    """A simpler way on one file."""

    file: str
    way: str


class SetRows(BaseModel):
    """A tracker on one file."""

    file: str
    tracker: dict[str, str]
    conversations: int
    labels: int
    average: Row
    categories: dict[Category, Row]


class Measured(BaseModel):
    """What is measured of the adapter, in short; this card writes it into the manifest."""

    sets: tuple[SetRows, ...] = ()
    ways: tuple[Way, ...] = ()


class Manifest(BaseModel):
    """What ``training.export`` and ``training.user`` write."""

    base: BaseModelFile
    adapter: AdapterFile
    quantisation: str
    training: Training
    figures: Measured = Measured()

    @field_validator("training", mode="before")
    @classmethod
    def _with_the_runs_before(cls, training: object) -> object:
        return nested(training) if isinstance(training, dict) else training

    @property
    def effort(self) -> Effort:
        """What the runs took that tell."""
        told = [run.effort for run in self.training.runs if run.effort is not None]
        return sum(told, Effort(seconds=0.0, tokens=0.0, runs=0))


Model = TypeVar("Model")


def read_json(path: Path, kind: type[Model]) -> Model:
    """Read a JSON file as ``kind``. Raises ``InputError`` where it is missing or another thing."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=path) from error
    except ValidationError as error:
        raise input_error(error, source=path) from error


def run_fields(manifest: Manifest) -> dict[str, object]:
    """What every card's template is filled in with: the adapter, and how it was trained."""
    adapter, training = manifest.adapter, manifest.training
    return {
        "megabytes": f"{adapter.bytes / 2**20:.1f}",
        "rank": adapter.rank,
        "base": manifest.base.name,
        "quantisation": manifest.quantisation,
        "date": training.date,
        "commit": f"`{training.commit[:12]}`" if training.commit else "unknown",
        "passes": training.told,
        "base_hash": manifest.base.sha256[:12],
        "adapter_hash": adapter.sha256[:12],
        "arguments": _arguments(training.runs),
        "notes": "\n".join(f"- {note}" for note in training.notes),
    }


def effort_fields(effort: Effort, *, watts: float, hardware: str) -> dict[str, str]:
    """Time and energy, for a template."""
    return {
        "duration": duration(effort.seconds),
        "hardware": hardware,
        "tokens": f"{effort.tokens / 1e6:.1f}",
        "speed": f"{effort.tokens / effort.seconds:.0f}",
        "watts": f"{watts:g}",
        "energy": f"{effort.seconds / 3600 * watts / 1000:.2f}",
    }


def _arguments(runs: Sequence[Run]) -> str:
    """A table of what each run was given; what one of them did not know yet has no value there."""
    names = dict.fromkeys(name for run in runs for name in run.config)
    values = [
        [f"`{json.dumps(run.config[name])}`" if name in run.config else "" for run in runs] for name in names
    ]
    heads = ["value"] if len(runs) == 1 else [f"run {number}" for number in range(1, len(runs) + 1)]
    return table(("argument", *heads), [(f"`{name}`", *row) for name, row in zip(names, values, strict=True)])


def closed_up(text: str) -> str:
    """A filled-in template without the blank lines that a section with nothing to say leaves behind."""
    return re.sub(r"\n{3,}", "\n\n", text)


def add_effort_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watts", type=float, default=30.0, help="power assumed for the hardware")
    parser.add_argument("--hardware", default="two shared CPU cores", help="what the run ran on, in words")


def draw_confusion(figures: SetFigures) -> bytes:
    """A PNG with one confusion matrix a category: counts, shaded by the share of the judge's status."""
    figure, axes = plt.subplots(
        1, len(figures.categories), figsize=(2.5 * len(figures.categories), 2.7), layout="constrained"
    )
    for axis, (category, part) in zip(np.atleast_1d(axes), figures.categories.items(), strict=True):
        counts = np.array(part.confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            axis.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                color="w" if shares[row, column] > 0.6 else "k",
            )
        names = [status[:3].lower() for status in part.statuses]
        axis.set(title=str(category), xticks=range(len(names)), yticks=range(len(names)))
        axis.set_xticklabels(names)
        axis.set_yticklabels(names)
        axis.set_xlabel("tracker")
    np.atleast_1d(axes)[0].set_ylabel("judge")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    plt.close(figure)
    return buffer.getvalue()


@dataclass(frozen=True)
class Card:
    """All that a card is written from."""

    manifest: Manifest
    sets: tuple[SetFigures, ...]
    ways: tuple[Way, ...]
    calibration: Calibration
    watts: float
    hardware: str

    def text(self) -> str:
        """The card as Markdown: ``card.template.md``, filled in."""
        files = dict.fromkeys(
            (d.file, d.use, f"`{d.sha256[:12]}`") for run in self.manifest.training.runs for d in run.data
        )
        template = Path(__file__).with_name("card.template.md").read_text(encoding="utf-8")
        text = Template(template).substitute(
            run_fields(self.manifest),
            effort=self._effort(),
            tracker=", ".join(f"{name} {value}" for name, value in self.sets[0].tracker.items()),
            figures="\n\n".join(map(_set_section, self.sets)),
            targets=self._targets(),
            comparison=self._comparison(),
            data=table(("file", "use", "sha256"), list(files)),
            calibration=self._calibration(),
            below=self._below_people(),
        )
        return closed_up(text)

    def _effort(self) -> str:
        effort, runs = self.manifest.effort, len(self.manifest.training.runs)
        if not effort.runs:
            return ""
        told = effort_fields(effort, watts=self.watts, hardware=self.hardware)
        of = f", of {effort.runs} of the {runs} runs alone, about" if effort.runs < runs else ", about"
        return Template(
            f"## Time and energy\n\n$duration on $hardware{of} $tokens million tokens read "
            "($speed a second), evaluations during the run included. At\n$watts W for the hardware with its "
            "share of memory and cooling, which is assumed and was not measured, that is\n$energy kWh."
        ).substitute(told)

    def _targets(self) -> str:
        rows = [row for found in self.sets if found.name in _WANTED for row in _target_rows(found)]
        if not rows:
            return ""
        return "### Targets\n\nWhat was aimed at, and how far it is reached.\n\n" + table(
            ("set", "target", "wanted", "found", "reached"), rows
        )

    def _comparison(self) -> str:
        if not self.ways:
            return ""
        rows = [
            (way.file, way.way, Row(**way.model_dump(include=set(Row.model_fields)))) for way in self.ways
        ]
        compared = list(dict.fromkeys(file for file, _, _ in rows))
        rows += [
            (found.name, "**this model**", Row.of(found.average))
            for found in self.sets
            if found.name in compared
        ]
        rows.sort(key=lambda row: compared.index(row[0]))
        return (
            "### Against simpler ways\n\n"
            "Averages over the categories, by `python -m training.baselines`, which learns from the judged "
            "training conversations.\n\n"
            + table(
                ("set", "way", "accuracy", "kappa", "ATTEMPTED recall", "calibration error"),
                [(file, way, *row.cells) for file, way, row in rows],
            )
        )

    def _calibration(self) -> str:
        if not self.calibration.categories:
            return ""
        return (
            "### Calibration\n\n"
            "Fitted on validation (`calibration.json`). The model's log-probabilities are divided by the "
            "temperature, those of the lexical model (words) and of the encoder are multiplied by their "
            "weights, and the bias is added. A status is reported once it, or one beyond it, has its "
            "threshold's probability; to the log-odds that the component stands there, its certainty is "
            "added.\n\n"
            + table(
                (
                    "category",
                    "temperature",
                    *(f"weight of {one}" for one in Opinion),
                    "bias",
                    "threshold",
                    "certainty",
                ),
                [
                    (
                        str(category),
                        f"{part.temperature:.3f}",
                        *(f"{part.beside.get(one, 0.0):.3f}" for one in Opinion),
                        _by_status(part.bias),
                        _by_status(part.threshold),
                        _by_status(part.certainty),
                    )
                    for category, part in self.calibration.categories.items()
                ],
            )
        )

    def _below_people(self) -> str:
        parts = [f"on {found.name} {', '.join(below)}" for found in self.sets if (below := _below(found))]
        if not parts:
            return "- On none of the sets above is a category below what people reach."
        return f"- Below what people reach: {'; '.join(parts)}."


def _below(found: SetFigures) -> list[str]:
    """In which categories people agreed more often with their judge."""
    return [
        f"{name} ({accuracy:.3f} against {PEOPLE[name]:.3f})"
        for name, _, part in found.rows
        if (accuracy := part.every_turn.accuracy.value) is not None and accuracy < PEOPLE[name]
    ]


def _target_rows(found: SetFigures) -> Iterator[tuple[str, ...]]:
    """Each target: the set, what it is of, what was wanted, what was found, and whether that does."""
    average = found.average

    def row(
        target: str, wanted: float, figure: Figure, *, at_most: bool = False, remark: str = ""
    ) -> tuple[str, ...]:
        value = figure.value
        reached = value is not None and (value <= wanted if at_most else value >= wanted)
        sign = "≤" if at_most else "≥"
        return found.name, target, f"{sign} {wanted:.2f}", _plain(figure) + remark, _yes(reached)

    yield row("accuracy, average", _WANTED[found.name], average.every_turn.accuracy)
    if found.name == "written/test.jsonl":
        for category, part in found.categories.items():
            yield row(f"kappa, {category}", 0.80, part.every_turn.kappa)
    if found.name == "taubench/judged.jsonl":
        below = _below(found)
        yield found.name, "categories below people", "none", ", ".join(below) or "none", _yes(not below)
    yield row("recall of ATTEMPTED", 0.75, average.attempted_recall)
    by_chance = average.calibration_error_by_chance
    remark = "" if by_chance is None else f" ({by_chance:.3f} were every probability right)"
    yield row("calibration error", 0.05, average.calibration_error, at_most=True, remark=remark)


def _yes(reached: bool) -> str:
    return "yes" if reached else "no"


def _set_section(found: SetFigures) -> str:
    rows = [
        (
            name,
            str(labels),
            _plain(part.every_turn.start_accuracy),
            f"{PEOPLE[name]:.3f}",
            str(part.every_turn.accuracy),
            str(part.every_turn.macro_f1),
            str(part.every_turn.kappa),
            str(part.last_turn.accuracy),
            str(part.attempted_recall),
            str(part.calibration_error),
        )
        for name, labels, part in found.rows
    ]
    heads = ("", "labels", "floor", "people", "accuracy", "macro-F1", "kappa")
    counts = f"{found.conversations} conversations, {found.components} components, {found.labels} labels."
    return "\n\n".join(
        (
            f"### {found.name}",
            f"{_SETS.get(found.name, '')} {counts}".strip(),
            table((*heads, "last turn", "ATTEMPTED recall", "calibration error"), rows),
            f"![{found.name}: the judge's statuses (rows) against the tracker's (columns)]({found.picture})",
        )
    )


def _plain(figure: Figure) -> str:
    return "–" if figure.value is None else f"{figure.value:.3f}"


def _by_status(values: Mapping[Status, float]) -> str:
    return ", ".join(f"{status} {value:.2f}" for status, value in values.items()) or "–"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write_card(
    models: Path,
    *,
    figures: Sequence[Path],
    baselines: Path | None = None,
    watts: float = 30.0,
    hardware: str = "two shared CPU cores",
) -> Path:
    """Write ``README.md`` and a picture per set into the models folder, and the figures in short into its
    manifest; returns the card's path.

    Parameters
    ----------
    models
        Holds ``manifest.json`` and, where the model is calibrated, ``calibration.json``.
    figures
        Outputs of ``goalstate evaluate --json``, in the order in which the card shows them.
    baselines
        The output of ``training.baselines --json``; those of the manifest where nothing is given.

    Raises ``InputError`` where a file is missing or another thing, or figures are of different trackers.
    """
    path = models / "manifest.json"
    manifest = read_json(path, Manifest)
    sets = [read_json(found, SetFigures) for found in figures]
    for source, found in zip(figures, sets, strict=True):
        if found.tracker != sets[0].tracker:
            raise InputError(f"made by another tracker than {figures[0]}", source=source, field="tracker")
        if manifest.adapter.sha256[:12] not in found.tracker.get("model", ""):
            raise InputError(
                f"figures of another model than the adapter {manifest.adapter.sha256[:12]}",
                source=source,
                field="tracker.model",
            )
    measured = Measured(
        sets=tuple(map(_in_short, sets)),
        ways=_ways(baselines) if baselines else manifest.figures.ways,
    )
    calibration = models / "calibration.json"
    card = Card(
        manifest=manifest,
        sets=tuple(sets),
        ways=measured.ways,
        calibration=Calibration.read(calibration) if calibration.exists() else Calibration(),
        watts=watts,
        hardware=hardware,
    )
    text = card.text()
    for found in sets:
        picture = models / found.picture
        partial = picture.with_suffix(".part")
        partial.write_bytes(draw_confusion(found))
        os.replace(partial, picture)
    whole = read_json(path, dict[str, JsonValue])
    write_manifest({**whole, "figures": measured.model_dump(mode="json")}, path)
    write_text(models / "README.md", text)
    return models / "README.md"


def _in_short(found: SetFigures) -> SetRows:
    return SetRows(
        file=found.name,
        tracker=found.tracker,
        conversations=found.conversations,
        labels=found.labels,
        average=Row.of(found.average),
        categories={category: Row.of(part) for category, part in found.categories.items()},
    )


def _ways(baselines: Path) -> tuple[Way, ...]:
    return tuple(
        Way(file=found.file, way=found.way, **dict(Row.of(found.average)))
        for found in read_json(baselines, tuple[WayFigures, ...])
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.card", description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, help="folder with manifest.json; the card is written there")
    parser.add_argument(
        "--figures", nargs="+", required=True, type=Path, help="from goalstate evaluate --json"
    )
    parser.add_argument(
        "--baselines", type=Path, help="from training.baselines --json; without it what the manifest has"
    )
    add_effort_arguments(parser)
    given = parser.parse_args(arguments)
    return exit_code(lambda: print(write_card(**vars(given))))


if __name__ == "__main__":
    sys.exit(main())

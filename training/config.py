"""What a fine-tuning run is given: one TOML file, checked.

Knows names, defaults and limits. Knows nothing about how they are used (``training.sft``).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from tracker.errors import InputError

Config = TypeVar("Config", bound=BaseModel)


class SftConfig(BaseModel):
    """Arguments of ``python -m training.sft``; paths are relative to the working folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: Path
    """Folder of the run: config, log, plot, checkpoints."""
    train: list[Path]
    """Native files with judged labels."""
    weak: list[Path] = []
    """Native files with weak labels."""
    validation: Path
    base: Path | None = None
    """A GGUF; the pinned base where nothing is said."""

    start: Path | None = None
    """A checkpoint of another run whose factors this one begins with, or a folder with a shipped adapter and
    its manifest; layers that have none there begin with the base's weights."""

    frozen: int = Field(15, ge=0)
    """Lowest layers without factors."""
    keep_lower: bool = True
    """Whether what they make of conversations that are read again is kept in memory (``training.lower``)."""
    rank: int = Field(32, ge=1)
    alpha: float = 64.0
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the factors' input that is left out in training."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the layers compute in. bfloat16 is twice as fast on a CPU with AMX, and not meant for one that
    cannot multiply in it; the factors and the loss are in 32 bits either way."""
    compile: bool = False
    """Whether the layers are compiled (``torch.compile``), which takes a minute and a C++ compiler."""

    passes: int = Field(ge=1)
    """Passes over one packed conversation on judged data."""
    weak_passes: int = Field(0, ge=0)
    """Passes on weak labels, spread evenly among the judged ones."""
    weak_first: int = Field(0, ge=0)
    """Of these, how many come before the first judged one."""
    batch: int = Field(2, ge=1)
    """Conversations whose gradients are added up before a step."""
    branches: int = Field(40, ge=1)
    """Judged questions kept of a conversation."""
    branches_per_pass: int = Field(28, ge=1)
    """Questions read in one pass, at most half of them made by code; all changes are always read."""
    exact: int = Field(4, ge=0)
    """Components a pass whose labels code can read off."""
    changed: int = Field(2, ge=0)
    """Near misses a pass: the conversation's own components with one value changed."""
    recast: int = Field(0, ge=0)
    """Components a pass that recast the conversation's own as policies."""
    missed: float = Field(0.0, ge=0, le=1)
    """The chance that a component which moved is asked about again later, as if the move had been missed."""
    made_weight: float = Field(1.0, gt=0)
    """What the loss of a question made by code counts, where that of a judged one counts 1."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of the target that is spread evenly over the statuses that can follow."""

    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: int = 20
    """Steps in which the rate rises; then it follows a cosine to zero."""
    clip: float = 1.0
    random_state: int = 0
    threads: int | None = None

    evaluate_every: int = Field(400, ge=1, validate_default=True)
    """Passes between evaluations on validation; a multiple of ``batch``."""
    evaluate_conversations: int = Field(16, ge=1)
    """Validation conversations in an evaluation, spread evenly over the file."""
    checkpoint_minutes: float = 4.0

    @field_validator("evaluate_every")
    @classmethod
    def _between_steps(cls, value: int, info: ValidationInfo) -> int:
        batch = info.data.get("batch", 1)
        if value % batch:
            raise ValueError(f"{value} is not a multiple of batch ({batch})")
        return value


def read_by(config: SftConfig) -> dict[str, list[Path]]:
    """The files that a run reads, by their use."""
    return {
        "judged labels": [*config.train],
        "weak labels": [*config.weak],
        "choosing": [config.validation],
    }


def read_config(path: Path) -> SftConfig:
    """Read a run's TOML file. Raises ``InputError`` naming the field that is wrong."""
    return read_toml(path, SftConfig)


def read_toml(path: Path, kind: type[Config]) -> Config:
    """Read a TOML file as a model. Raises ``InputError`` naming the field that is wrong.

    ``like = "OTHER.toml"``, beside it, gives what the file itself does not say.
    """
    try:
        return kind.model_validate(_settings(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(first["msg"], source=path, field=".".join(map(str, first["loc"]))) from error


def _settings(path: Path, followed: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What the file says, and what those that it is like say of the rest."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(error), source=path) from error
    if (like := said.pop("like", None)) is None:
        return said
    other = path.parent / str(like)
    if other in (*followed, path):
        raise InputError(f"{like} is like this file in turn", source=path, field="like")
    return _settings(other, (*followed, path)) | said

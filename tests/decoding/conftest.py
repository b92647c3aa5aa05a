"""A tracker over a model of a few thousand random weights: as exact as 32 bits are, and read in no time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_llama import write_tiny

from tracker.tracking import GoalTracker, UntrainedModelWarning


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    return write_tiny(path, seed=5, context=4096, begins=0, ends=0)


@pytest.fixture(scope="session")
def foreign_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose vocabulary lacks the control tokens of the base model."""
    path = tmp_path_factory.mktemp("foreign") / "foreign.gguf"
    return write_tiny(path, controls=("</s>",), begins=0, ends=0)


@pytest.fixture(scope="session")
def load() -> Callable[..., GoalTracker]:
    """Loads a tracker on one thread, without the warning that it is not trained."""

    def make(path: Path, **options: object) -> GoalTracker:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UntrainedModelWarning)
            return GoalTracker.load(path, threads=1, **options)

    return make


@pytest.fixture(scope="session")
def tiny(tiny_model: Path, load: Callable[..., GoalTracker]) -> Iterator[GoalTracker]:
    """The fast decoder over the tiny model."""
    with load(tiny_model) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def plain(tiny_model: Path, load: Callable[..., GoalTracker]) -> Iterator[GoalTracker]:
    """The plain decoder over the tiny model."""
    with load(tiny_model, decoder="plain") as loaded:
        yield loaded

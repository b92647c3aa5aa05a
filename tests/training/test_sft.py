"""A fine-tuning run from its configuration to its checkpoint, on a base of a few thousand weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Talk, WriteNative

torch = pytest.importorskip("torch", reason="needs the train extra: torch")
pytest.importorskip("accelerate", reason="needs the train extra: accelerate")
pytest.importorskip("matplotlib", reason="needs the train extra: matplotlib")

from tracker.conversation import Conversation  # noqa: E402
from tracker.goal import Category, Component, Status  # noqa: E402
from training.config import SftConfig  # noqa: E402
from training.data import Pack  # noqa: E402
from training.sft import Trainer, main, pass_branches  # noqa: E402

Configure = Callable[..., SftConfig]


@pytest.fixture
def configure(
    tmp_path: Path,
    tiny_base: Path,
    boats: Conversation,
    lamps: Conversation,
    talk: Talk,
    write_native: WriteNative,
) -> Configure:
    """Makes a configuration over two invented conversations: ``configure("name", passes=8)``."""
    train = write_native(tmp_path / "train.jsonl", [boats, lamps])
    held_out = talk(
        ("A tent, please.", "Which size?"),
        ("For two.", "Done: a tent for two."),
        name="tents",
        goal=(Component(id="o", category=Category.OBJECTIVE, text="Rent a tent."),),
        labels={"o": ((2, Status.COMPLETE),)},
    )
    validation = write_native(tmp_path / "validation.jsonl", [held_out])

    def make(name: str, **changed: object) -> SftConfig:
        given: dict[str, object] = {
            "output": tmp_path / name,
            "train": [train],
            "validation": validation,
            "base": tiny_base,
            "frozen": 1,
            "rank": 4,
            "alpha": 8.0,
            "passes": 8,
            "batch": 2,
            "branches": 10,
            "branches_per_pass": 8,
            "exact": 2,
            "learning_rate": 0.01,
            "warm_up": 2,
            "evaluate_every": 4,
            "threads": 1,
        }
        return SftConfig.model_validate({**given, **changed})

    return make


def _rows(config: SftConfig) -> list[dict[str, object]]:
    return [json.loads(line) for line in (config.output / "log.jsonl").read_text().splitlines()]


def _factors(config: SftConfig) -> dict[str, torch.Tensor]:
    return torch.load(config.output / "checkpoint.pt", weights_only=True)["factors"]


def test_a_run_learns_what_it_is_shown(configure: Configure) -> None:
    config = configure("run", passes=60, evaluate_every=30)
    Trainer(config).run()
    losses = [row["loss"] for row in _rows(config) if "loss" in row]
    assert len(losses) == 3
    assert losses[2] < 0.8 * losses[0]
    checks = [row["validation"] for row in _rows(config) if "validation" in row]
    assert [set(check) for check in checks] == [{"objective", "average"}] * 2
    assert (config.output / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_only_the_factors_above_the_frozen_layers_are_trained(configure: Configure) -> None:
    config = configure("run", passes=2)
    Trainer(config).run()
    assert {name.split(".")[1] for name in _factors(config)} == {"1"}


def test_weak_conversations_come_first_and_then_among_the_judged_ones(configure: Configure) -> None:
    config = configure("run", passes=4, weak_passes=3, weak_first=1)
    trainer = Trainer(config.model_copy(update={"weak": config.train}))
    judged = [judged for _, judged in trainer.schedule()]
    assert judged == [False, True, True, False, True, True, False]


def test_a_mistake_in_the_configuration_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('output = "run"\n')
    assert main([str(wrong)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([]) == 2


class KilledError(Exception):
    """What a test stops a run with."""


def test_a_killed_run_goes_on_to_the_same_factors(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, killed = configure("whole"), configure("killed")
    Trainer(whole).run()

    step = Trainer.step

    def until_killed(self: Trainer, pack: Pack, judged: bool, position: int, total: int) -> tuple[float, int]:
        if position == 6:
            raise KilledError
        return step(self, pack, judged, position, total)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", until_killed)
        with pytest.raises(KilledError):
            Trainer(killed).run()
    assert not (killed.output / "curve.png").exists()
    resumed = Trainer(killed)
    resumed.run()
    assert resumed.done == 8
    expected, found = _factors(whole), _factors(killed)
    assert expected.keys() == found.keys()
    for name in expected:
        assert torch.allclose(found[name], expected[name], atol=1e-6), name
    assert any(found[name].abs().max() > 0 for name in found if name.endswith(".b"))


def test_every_change_is_read_in_every_pass(configure: Configure) -> None:
    import random

    trainer = Trainer(configure("run"))
    for pack in trainer.judged:
        chosen = pass_branches(pack, 5, random.Random(0))
        assert {i for i, asked in enumerate(pack.asked) if asked.moves} <= set(chosen)
        assert chosen == sorted(set(chosen))

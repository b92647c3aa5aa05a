"""A fine-tuning run from its configuration to its checkpoint, on a base of a few thousand weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from fixture_types import Talk, WriteNative

torch = pytest.importorskip("torch", reason="needs the train extra: torch")
pytest.importorskip("accelerate", reason="needs the train extra: accelerate")
pytest.importorskip("matplotlib", reason="needs the train extra: matplotlib")

from tracker.conversation import Conversation  # noqa: E402
from tracker.errors import InputError, ModelError  # noqa: E402
from tracker.goal import Category, Component, Status  # noqa: E402
from tracker.vocabulary import Vocabulary  # noqa: E402
from training.adapter import ADAPTER, read_factors  # noqa: E402
from training.config import SftConfig  # noqa: E402
from training.data import Answers, Pack, Packer, labelled_questions, read_labelled  # noqa: E402
from training.export import averaged, export, read_checkpoint  # noqa: E402
from training.lineage import nested  # noqa: E402
from training.loop import LAST  # noqa: E402
from training.lower import Lower  # noqa: E402
from training.sft import Batch, Trainer, batch_of, main, pass_loss, spread  # noqa: E402
from training.unread import main as unread  # noqa: E402

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


def test_a_run_begins_with_the_factors_of_another(configure: Configure) -> None:
    first = configure("first", passes=2)
    Trainer(first).run()
    second = configure("second", passes=2, start=first.output / "checkpoint.pt", learning_rate=1e-12)
    Trainer(second).run()
    begun, went = _factors(first), _factors(second)
    assert all(torch.allclose(begun[name], went[name], atol=1e-6) for name in begun)
    with pytest.raises(InputError, match="rank"):
        Trainer(configure("third", rank=2, start=first.output / "checkpoint.pt")).run()
    with pytest.raises(InputError, match="alpha 8, this run of 4"):
        Trainer(configure("fourth", alpha=4.0, start=first.output / "checkpoint.pt")).run()


def test_an_export_tells_of_the_run_that_its_run_began_with(configure: Configure, tmp_path: Path) -> None:
    first = configure("first", passes=2)
    Trainer(first).run()
    second = configure("second", passes=4, exact=3, start=first.output / "checkpoint.pt")
    Trainer(second).run()
    training = nested(export(second.output, tmp_path / "models")["training"])
    assert (training["passes"], training["config"]["exact"]) == (4, 3)
    assert (training["start"]["passes"], training["start"]["config"]["passes"]) == (2, 2)
    assert training["start"]["data"][0] == training["data"][0]
    assert "start" not in training["start"]
    (first.output / "checkpoint.pt").unlink()
    with pytest.raises(InputError, match="began with is gone"):
        export(second.output, tmp_path / "models")


def test_a_run_begins_with_a_shipped_adapter(configure: Configure, tmp_path: Path) -> None:
    first, models = configure("first", passes=2), tmp_path / "models"
    Trainer(first).run()
    export(first.output, models)
    # One layer more than the adapter has: it begins with the base's weights.
    second = configure("second", passes=2, frozen=0, start=models, learning_rate=1e-12)
    Trainer(second).run()
    begun, went = _factors(first), _factors(second)
    assert {name.split(".")[1] for name in went} == {"0", "1"}
    # An adapter is written in 16 bits.
    assert all(torch.allclose(begun[name], went[name], rtol=1e-3, atol=1e-6) for name in begun)
    assert any(begun[name].abs().max() > 1e-4 for name in begun if name.endswith(".b"))
    assert all(went[name].abs().max() < 1e-6 for name in went if name.endswith(".b") and name not in begun)
    told = nested(export(second.output, tmp_path / "more")["training"])["start"]
    assert (told["passes"], told["config"]["frozen"]) == (2, 1)
    assert [file["use"] for file in told["data"]] == ["judged labels", "choosing"]


def test_a_start_that_does_not_fit_is_told(configure: Configure, tmp_path: Path) -> None:
    first, models = configure("first", passes=2, frozen=0), tmp_path / "models"
    Trainer(first).run()
    export(first.output, models)
    for name, changed in {"other": {"frozen": 1}, "rank": {"frozen": 0, "rank": 2}}.items():
        with pytest.raises(InputError, match="other layers or another rank"):
            Trainer(configure(name, start=models, **changed)).run()
    with pytest.raises(InputError, match="alpha 8, this run of 4"):
        Trainer(configure("alpha", frozen=0, alpha=4.0, start=models)).run()
    second = configure("second", passes=2, frozen=0, start=models)
    Trainer(second).run()
    (models / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match=r"no manifest\.json"):
        export(second.output, tmp_path / "more")
    (models / "adapter.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match="damaged"):
        Trainer(configure("damaged", frozen=0, start=models)).run()
    (models / "adapter.gguf").unlink()
    with pytest.raises(ModelError, match="cannot read"):
        Trainer(configure("gone", frozen=0, start=models)).run()


def test_bfloat16_learns_the_same_to_its_precision(configure: Configure) -> None:
    exact, rough = (
        configure(name, passes=40, evaluate_every=20, precision=name, keep_lower=False)
        for name in ("float32", "bfloat16")
    )
    losses = []
    for config in (exact, rough):
        Trainer(config).run()
        losses.append([row["loss"] for row in _rows(config) if "loss" in row])
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
    assert losses[1] != losses[0]
    assert {factor.dtype for factor in _factors(rough).values()} == {torch.float32}


@pytest.mark.slow
def test_compiled_layers_learn_the_same(configure: Configure) -> None:
    plain, compiled = (
        configure(name, passes=4, compile=name == "compiled", keep_lower=False)
        for name in ("plain", "compiled")
    )
    for config in (plain, compiled):
        Trainer(config).run()
    expected, found = _factors(plain), _factors(compiled)
    assert all(torch.allclose(found[name], expected[name], atol=1e-3) for name in expected)


def test_two_runs_are_exported_as_the_mean_of_their_weights(configure: Configure, tmp_path: Path) -> None:
    runs = [configure(name, passes=2, random_state=seed) for seed, name in enumerate(("one", "other"))]
    for run in runs:
        Trainer(run).run()
    factors = [read_checkpoint(run.output, "test")["factors"] for run in runs]
    both, same = averaged(factors), averaged([factors[0]] * 3)
    for name in (name for name in both if name.endswith(".a")):
        other = name.removesuffix("a") + "b"
        mean = sum(part[other] @ part[name] for part in factors) / 2
        beyond = torch.linalg.svdvals(mean)[runs[0].rank :].norm()
        assert torch.dist(both[other] @ both[name], mean) <= 1.001 * beyond + 1e-6
        assert torch.allclose(same[other] @ same[name], factors[0][other] @ factors[0][name], atol=1e-6)
        assert both[name].abs().max() > 0
    progress = {"time": 100.0, "passes": 20, "loss": 0.5, "tokens_per_second": 50.0, "passes_per_second": 2.0}
    (runs[0].output / "log.jsonl").write_text(json.dumps(progress))
    manifest = export(runs[0].output, tmp_path / "models", beside=[runs[1].output])
    adapter = manifest["adapter"]
    assert (adapter["rank"], adapter["alpha"]) == (runs[0].rank, runs[0].alpha)
    assert nested(manifest["training"])["beside"][0]["config"]["random_state"] == 1
    assert manifest["training"]["effort"] == {"seconds": 10.0, "tokens": 500.0, "runs": 1}
    export(runs[1].output, tmp_path / "shipped")
    again = export(runs[0].output, tmp_path / "again", beside=[tmp_path / "shipped"])
    assert again["training"] == {**manifest["training"], "date": again["training"]["date"]}
    (one, alpha), (with_shipped, _) = (
        read_factors(tmp_path / folder / ADAPTER) for folder in ("models", "again")
    )
    assert alpha == runs[0].alpha
    name = next(name.removesuffix("a") for name in one if name.endswith(".a"))
    product, of_shipped = (part[f"{name}b"] @ part[f"{name}a"] for part in (one, with_shipped))
    # A shipped adapter is in 16 bits.
    assert torch.allclose(product, of_shipped, atol=1e-3 * product.abs().max())
    lower = {name: factor for name, factor in factors[0].items() if ".0." not in name} | {
        name.replace(".1.", ".0."): factor for name, factor in factors[1].items() if ".1." in name
    }
    deeper = averaged([factors[0], lower])
    name = next(name.removesuffix("a") for name in deeper if ".0." in name and name.endswith(".a"))
    # A run without factors there left the base's weights.
    half = lower[f"{name}b"] @ lower[f"{name}a"] / 2
    assert torch.allclose(deeper[f"{name}b"] @ deeper[f"{name}a"], half, atol=1e-6)
    third = configure("third", passes=2, rank=2)
    Trainer(third).run()
    with pytest.raises(InputError, match="rank"):
        export(runs[0].output, tmp_path / "models", beside=[third.output])


def test_weak_conversations_come_first_and_then_among_the_judged_ones(configure: Configure) -> None:
    config = configure("run", passes=4, weak_passes=3, weak_first=1)
    trainer = Trainer(config.model_copy(update={"weak": config.train}))
    judged = [judged for _, judged in trainer.schedule()]
    assert judged == [False, True, True, False, True, True, False]


def test_what_a_run_never_read_is_kept_for_the_next(configure: Configure, tmp_path: Path) -> None:
    config = configure("run", passes=1, random_state=3)
    told, out = tmp_path / "run.toml", tmp_path / "unread.jsonl"
    (train,) = config.train
    told.write_text(
        f"output = '{config.output}'\ntrain = ['{train}', '{train}']\nvalidation = '{config.validation}'\n"
        "passes = 1\nrandom_state = 3\n"
    )
    result = CliRunner().invoke(unread, [str(told), "--of", str(train), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert f"{train}: 1 of 2 read" in result.output
    listed_twice = Trainer(config.model_copy(update={"train": [train, train]}))
    ((read, _),) = listed_twice.schedule()
    assert [c for c in read_labelled(train) if c != read] == read_labelled(out)


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
    whole, killed = configure("whole", dropout=0.2), configure("killed", dropout=0.2)
    Trainer(whole).run()

    step = Trainer.step

    def until_killed(
        self: Trainer, conversation: Conversation, judged: bool, position: int, total: int
    ) -> tuple[float, int]:
        if position == 6:
            raise KilledError
        return step(self, conversation, judged, position, total)

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


def test_an_epoch_asks_what_the_one_before_did_not(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Pack] = []
    lower = Lower.__call__

    def reading(self: Lower, pack: Pack) -> torch.Tensor:
        read.append(pack)
        return lower(self, pack)

    monkeypatch.setattr(Lower, "__call__", reading)
    monkeypatch.setattr(Trainer, "check", lambda self: self.log(passes=self.done))
    Trainer(configure("run", passes=12, exact=3)).run()
    boats = [{a.question.component.text for a in pack.asked if a.made} for pack in read if pack.id == "boats"]
    assert len(boats) == 6
    assert len(set().union(*boats)) > 2 * max(map(len, boats))


def test_the_best_checkpoint_is_kept_and_exported(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure("run", passes=8, evaluate_every=2)
    kappas = iter([0.2, 0.6, 0.6, 0.4])

    def evaluate(self: Trainer) -> dict[str, dict[str, float]]:
        return {"average": {"accuracy": 0.5, "kappa": next(kappas)}}

    monkeypatch.setattr(Trainer, "evaluate", evaluate)
    Trainer(config.model_copy(update={"passes": 6})).run()
    # What goes on from a checkpoint knows what was the best before.
    Trainer(config).run()
    assert [row["best"] for row in _rows(config) if "validation" in row] == [True, True, False, False]
    assert all(row["seconds"] >= 0 for row in _rows(config) if "validation" in row)
    best, last = read_checkpoint(config.output, "test"), read_checkpoint(config.output, "test", name=LAST)
    assert (best["done"], best["score"], last["done"]) == (4, 0.6, 8)
    assert best.keys() == last.keys()
    (config.output / "best.pt").unlink()
    assert read_checkpoint(config.output, "test")["done"] == 8
    (config.output / "checkpoint.pt").unlink()
    with pytest.raises(InputError, match="no checkpoint"):
        read_checkpoint(config.output, "test")


def test_an_evaluation_says_the_same_in_pieces(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(configure("run"))
    ((_, pack),) = trainer.validation
    whole = trainer.answer(pack)
    monkeypatch.setattr("training.sft.CHUNK", 2)
    assert torch.allclose(trainer.answer(pack), whole, atol=1e-4)
    assert torch.allclose(whole.sum(1), torch.ones(len(whole)))


@pytest.fixture
def batch(boats: Conversation, packer: Packer, vocabulary: Vocabulary) -> Batch:
    """Judged questions and, all of them again, made ones."""
    asked = labelled_questions(boats)
    asked += [replace(question, made=True) for question in asked]
    return batch_of(packer.pack(boats, asked), Answers.of(vocabulary), torch.device("cpu"))


def test_made_questions_count_as_much_as_is_said(batch: Batch) -> None:
    torch.manual_seed(1)
    log_p = torch.randn(len(batch.target), 3).masked_fill(~batch.leads.any(-1), float("-inf")).log_softmax(-1)
    losses = -log_p.gather(1, batch.target[:, None])[:, 0]

    def loss(weight: float) -> float:
        return float(pass_loss(log_p, batch, made_weight=weight, label_smoothing=0.0))

    judged, made = float(losses[~batch.made].mean()), float(losses[batch.made].mean())
    assert loss(1.0) == pytest.approx(float(losses.mean()))
    assert loss(0.25) == pytest.approx((judged + 0.25 * made) / 1.25)


def test_smoothed_labels_want_no_certainty(batch: Batch) -> None:
    can_follow = batch.leads.any(-1)

    def loss(logits: torch.Tensor) -> torch.Tensor:
        log_p = logits.masked_fill(~can_follow, float("-inf")).log_softmax(-1)
        return pass_loss(log_p, batch, made_weight=1.0, label_smoothing=0.1)

    right = torch.nn.functional.one_hot(batch.target, 3).float()
    sure = (30 * right).requires_grad_()
    assert loss(3 * right) < loss(sure)
    loss(sure).backward()
    assert sure.grad is not None
    assert sure.grad.isfinite().all()


def test_validation_is_spread_over_its_file(boats: Conversation) -> None:
    many = [replace(boats, id=str(number)) for number in range(32)]
    assert [c.id for c in spread(many, 16)] == [str(number) for number in range(0, 32, 2)]
    assert len({c.id for c in spread(many, 24)}) == 24
    assert spread(many, 99) == many

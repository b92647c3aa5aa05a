"""Training the encoder: batches, the loss, torch as in use, and a run that learns and goes on."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from voiced import THINGS, voiced

from tracker.conversation import Conversation
from tracker.encoder import EncoderModel, Network, Tokeniser
from tracker.encoder.model import PLACES
from tracker.encoder.network import compressed
from tracker.errors import InputError, ModelError
from tracker.goal import Category, Status
from tracker.model.digest import sha256
from tracker.prompt import Question
from training.encoder import EncoderConfig, export, losses, passes, train
from training.encoder_data import asked_turns, batches, collate
from training.encoder_network import ComponentAttention, EncoderNetwork

Talk = Callable[..., Conversation]
WriteNative = Callable[[Path, Iterable[Conversation]], Path]

WIDTH, INNER = 24, 48
WORDS = "you want a the it is new like have ask for if there one i here no sorry get hello yes bye".split()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder as a small BERT of two layers is published in, with weights by chance."""
    letters = [mark + letter for letter in "abcdefghijklmnopqrstuvwxyz" for mark in ("", "##")]
    signs = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "?", "!"]
    vocabulary = [*signs, *letters, *THINGS, *(word for word in WORDS if len(word) > 1)]
    generator = torch.Generator().manual_seed(0)

    def made(*shape: int) -> torch.Tensor:
        return 0.2 * torch.randn(*shape, generator=generator)

    weights = {
        "embeddings.word_embeddings.weight": 5 * made(len(vocabulary), WIDTH),
        "embeddings.position_embeddings.weight": made(512, WIDTH),
        "embeddings.token_type_embeddings.weight": made(2, WIDTH),
    }
    shapes = {}
    norms = ["embeddings.LayerNorm"]
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        shapes |= {f"{layer}.attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        shapes |= {
            f"{layer}.attention.output.dense": (WIDTH, WIDTH),
            f"{layer}.intermediate.dense": (INNER, WIDTH),
            f"{layer}.output.dense": (WIDTH, INNER),
        }
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name, shape in shapes.items():
        weights |= {f"{name}.weight": made(*shape), f"{name}.bias": made(shape[0])}
    for name in norms:
        weights |= {f"{name}.weight": 1 + made(WIDTH), f"{name}.bias": made(WIDTH)}
    folder = tmp_path / "base"
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def tokeniser(base: Path) -> Tokeniser:
    return Tokeniser((base / "vocab.txt").read_text(encoding="utf-8").splitlines())


def test_what_is_asked_is_what_could_still_move(boats: Conversation, tokeniser: Tokeniser) -> None:
    turns = list(asked_turns([boats], tokeniser))
    asked = [(tuple(Category)[a.category], a.place, a.target) for turn in turns for a in turn.asked]
    targets = {category: [target for one, _, target in asked if one is category] for category in Category}
    assert targets == {
        Category.PROFILE: [0, 0, 1],
        Category.POLICY: [],  # One that code checks.
        Category.OBJECTIVE: [0, 0, 2],
        # Asked from ATTEMPTED on after the second turn, the same status is the first that can follow.
        Category.REQUIREMENT: [0, 1, 0, 0],
        Category.PREFERENCE: [1, 0, 0, 0, 0],
    }
    requirement = [place for one, place, _ in asked if one is Category.REQUIREMENT]
    assert requirement[-1] == PLACES[Category.REQUIREMENT, Status.ATTEMPTED] != requirement[0]


def test_batches_hold_every_turn_once_and_no_more_tokens_than_told(talk: Talk, tokeniser: Tokeniser) -> None:
    turns = list(asked_turns([voiced(talk, number) for number in range(40)], tokeniser))
    for chance in (None, random.Random(0)):
        found = list(batches(turns, 600, chance))
        assert sorted(position for batch in found for position in batch) == list(range(len(turns)))
        for positions in found:
            batch = collate([turns[position] for position in positions])
            assert batch.read.numel() + batch.components.numel() <= 600


def test_padding_changes_no_loss(talk: Talk, boats: Conversation, base: Path, tokeniser: Tokeniser) -> None:
    torch.manual_seed(0)
    network = EncoderNetwork(base / "model.safetensors").eval()
    turns = list(asked_turns([boats, voiced(talk, 0)], tokeniser))
    together = losses(network, collate(turns))
    alone = torch.cat([losses(network, collate([turn])) for turn in turns])
    assert torch.allclose(together, alone, atol=1e-5)


def test_hidden_tokens_are_those_that_somebody_said(talk: Talk, tokeniser: Tokeniser) -> None:
    np.random.seed(0)
    turns = list(asked_turns([voiced(talk, 0)], tokeniser))
    plain, hidden = collate(turns), collate(turns, masked=0.999, mask=tokeniser.mask)
    changed = plain.read != hidden.read
    assert set(hidden.read[changed].tolist()) == {tokeniser.mask}
    signs = (plain.read == tokeniser.begin) | (plain.read == tokeniser.end) | ~plain.read_there
    assert not (changed & signs).any()
    assert changed.sum() > 0.9 * (~signs).sum()
    assert torch.equal(plain.components, hidden.components)


def test_attention_has_the_gradients_of_what_it_computes() -> None:
    generator = torch.Generator().manual_seed(0)

    def made(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.double, generator=generator).requires_grad_()

    heads, components, length, read, width = 3, 2, 4, 5, 6
    inputs = (
        made(heads, components * length, width),
        *(made(heads, read, width) for _ in range(2)),
        *(made(heads, components * length, width) for _ in range(2)),
    )
    far = torch.zeros(heads, 1, read, dtype=torch.double)
    far[:, :, -1] = -1e4
    near = torch.zeros(heads * components, 1, length, dtype=torch.double)
    assert torch.autograd.gradcheck(lambda *given: ComponentAttention.apply(*given, far, near), inputs)


def test_torch_says_what_tracking_says(talk: Talk, base: Path, tokeniser: Tokeniser) -> None:
    torch.manual_seed(0)
    network = EncoderNetwork(base / "model.safetensors").eval()
    turns = list(asked_turns([voiced(talk, 0)], tokeniser))
    weights = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    exact = Network(weights | {"word.weight.scale": np.ones((len(weights["word.weight"]), 1), np.float16)})
    for turn in turns:
        asked = [(one.category, one.tokens) for one in turn.asked]
        with torch.no_grad():
            expected = network(collate([turn]))[0].numpy()
        assert exact.scores(turn.read, asked) == pytest.approx(expected, abs=1e-4)
        assert Network(compressed(weights)).scores(turn.read, asked) == pytest.approx(expected, abs=0.1)


def _config(base: Path, train_file: Path, output: Path, **changes: object) -> EncoderConfig:
    settings = {"steps": 60, "tokens": 1200, "learning_rate": 3e-3, "averaged": 0.9, "warm_up": 5}
    return EncoderConfig.model_validate(
        {
            **{"output": output, "base": base, "train": [train_file], "validation": [train_file]},
            **settings,
            **changes,
        }
    )


def test_a_run_learns_and_what_it_exports_answers(
    talk: Talk, write_native: WriteNative, base: Path, tmp_path: Path
) -> None:
    file = write_native(tmp_path / "train.jsonl", [voiced(talk, number) for number in range(60)])
    config = _config(base, file, tmp_path / "run", weak=[file], steps=160, tokens=2400, evaluate_every=80)
    train(config)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    checks = [row for row in log if "validation" in row]
    assert [row["steps"] for row in checks] == [80, 160]
    assert checks[-1]["preference"] < 0.05 < checks[0]["preference"]
    digest = sha256(file)
    file.unlink()  # what it learned from is known from its beginning on
    export(tmp_path / "run", tmp_path)
    manifest = json.loads((tmp_path / "encoder.json").read_text())
    assert manifest["encoder"]["sha256"] == sha256(tmp_path / "encoder.npz")
    assert {one["sha256"] for one in manifest["training"]["data"]} == {digest}
    assert [one["use"] for one in manifest["training"]["data"]] == [
        "judged labels",
        "weak labels",
        "choosing",
    ]
    model = EncoderModel.read(tmp_path / "encoder.npz")
    for number in (61, 62, 63, 64):
        unseen = voiced(talk, number)
        reading = model.start(unseen.goal).after(unseen.turns[0]).after(unseen.turns[1])
        answer = reading.ask([Question(unseen.goal["w"], Status.MISALIGNED)])[0]
        assert (answer[Status.ALIGNED] > 0.5) == (number % 2 == 0)

    export(tmp_path / "run", tmp_path, at=80)
    earlier = json.loads((tmp_path / "encoder.json").read_text())
    assert [one["training"]["steps"] for one in (earlier, manifest)] == [80, 160]
    assert earlier["encoder"]["sha256"] == sha256(tmp_path / "encoder.npz") != manifest["encoder"]["sha256"]
    with pytest.raises(InputError, match=r"no after-81\.pt here"):
        export(tmp_path / "run", tmp_path, at=81)


def test_dropout_is_for_training_alone(talk: Talk, base: Path, tokeniser: Tokeniser) -> None:
    network = EncoderNetwork(base / "model.safetensors")
    batch = collate(list(asked_turns([voiced(talk, 0)], tokeniser)))
    with torch.no_grad():
        whole = network.eval()(batch)
        network.drop(0.5, last=0.0)
        within = [network.train()(batch) for _ in "ab"]
        network.drop(0.0, last=0.5)
        before_scores = [network.train()(batch) for _ in "ab"]
        assert torch.equal(network.eval()(batch), whole)
    for first, second in (within, before_scores):
        assert not torch.allclose(first, second)


def test_a_run_begins_with_what_another_learned(
    talk: Talk, write_native: WriteNative, base: Path, tmp_path: Path
) -> None:
    file = write_native(tmp_path / "train.jsonl", [voiced(talk, number) for number in range(60)])
    train(_config(base, file, tmp_path / "first", steps=160, tokens=2400))
    export(tmp_path / "first", tmp_path)
    begin = tmp_path / "encoder.npz"
    digest = sha256(begin)
    for name, found in (("second", begin), ("fresh", None)):
        train(_config(base, file, tmp_path / name, begin=found, steps=1, warm_up=1, learning_rate=1e-6))
    losses = {
        name: json.loads((tmp_path / name / "log.jsonl").read_text().splitlines()[-1])["preference"]
        for name in ("second", "fresh")
    }
    assert losses["second"] < 0.05 < losses["fresh"]
    export(tmp_path / "second", tmp_path)
    begun_with = json.loads((tmp_path / "encoder.json").read_text())["training"]["begun_with"]
    assert begun_with["sha256"] == digest
    assert begun_with["training"]["steps"] == 160

    (base / "vocab.txt").write_text((base / "vocab.txt").read_text() + "extra\n")
    with pytest.raises(ModelError, match="vocabulary is not that of the base"):
        train(_config(base, file, tmp_path / "third", begin=begin))


def test_of_many_components_some_are_asked_about_at_a_time(boats: Conversation, tokeniser: Tokeniser) -> None:
    turn = next(asked_turns([boats], tokeniser))
    assert len(turn.asked) > 2
    drawn = [turn.some(2, random.Random(number)).asked for number in range(40)]
    assert {len(asked) for asked in drawn} == {2}
    assert {one.tokens for asked in drawn for one in asked} == {one.tokens for one in turn.asked}
    assert turn.some(len(turn.asked), random.Random(0)) == turn


def test_a_run_goes_on_where_it_stopped(
    talk: Talk,
    write_native: WriteNative,
    base: Path,
    tokeniser: Tokeniser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write_native(tmp_path / "train.jsonl", [voiced(talk, number) for number in range(20)])
    config = _config(base, file, tmp_path / "run", steps=8, dropped=0.2, checkpoint_minutes=0.0)
    turns = list(asked_turns([voiced(talk, number) for number in range(20)], tokeniser))
    orders = [[batch for batch, _ in zip(passes(turns, turns, config), range(8), strict=False)] for _ in "ab"]
    assert orders[0] == orders[1]

    class StopError(Exception):
        pass

    taken = 0

    def four_only(*arguments: object) -> object:
        nonlocal taken
        for batch in passes(*arguments):  # type: ignore[arg-type]
            if taken == 4:
                raise StopError
            taken += 1
            yield batch

    with monkeypatch.context() as patched:
        patched.setattr("training.encoder.passes", four_only)
        with pytest.raises(StopError):
            train(config)
    train(config)
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["steps"] for row in rows if "loss" in row] == [8]
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert state["done"] == 8
    assert taken == 4
    train(config.model_copy(update={"output": tmp_path / "whole"}))
    whole = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)
    for name, weight in whole["average"].items():
        assert torch.equal(state["average"][name], weight), name

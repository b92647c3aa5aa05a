"""The packed model says what a plain sequence would say, in torch and in llama.cpp."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fixture_types import PlainLogits

torch = pytest.importorskip("torch", reason="needs the train extra: torch")
pytest.importorskip("accelerate", reason="needs the train extra: accelerate")

from tracker.conversation import Conversation  # noqa: E402
from tracker.errors import ModelError  # noqa: E402
from tracker.hardware import load_options  # noqa: E402
from tracker.llama import Model  # noqa: E402
from tracker.model.base import find_base  # noqa: E402
from tracker.plain import PlainDecoder  # noqa: E402
from tracker.prompt import opening_pieces, turn_pieces  # noqa: E402
from tracker.vocabulary import Vocabulary  # noqa: E402
from training.data import Answers, Pack, Packer, every_question, labelled_questions  # noqa: E402
from training.lower import Lower, pack_layout, pack_tokens  # noqa: E402
from training.model import Layout, PackedModel  # noqa: E402
from training.sft import batch_of, status_log_probabilities  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture
def model(tiny_base: Path) -> PackedModel:
    """The tiny base with factors that are not nothing on its upper layer."""
    torch.manual_seed(3)
    made = PackedModel(tiny_base, frozen=1, rank=4, alpha=8.0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.endswith(".b"):
                parameter.normal_(0, 0.2)
    return made


@pytest.fixture
def pack(boats: Conversation, packer: Packer) -> Pack:
    return packer.pack(boats, every_question(boats))


@torch.no_grad()
def _packed(model: PackedModel, pack: Pack) -> torch.Tensor:
    """Logits of the whole vocabulary behind every branch, shape (branches, vocabulary)."""
    layout = pack_layout(pack, CPU)
    return model(model.lower(pack_tokens(pack), layout), layout, torch.arange(len(model.embedding)))


@torch.no_grad()
def _plain(model: PackedModel, tokens: np.ndarray) -> torch.Tensor:
    """The same behind one plain causal sequence, shape (vocabulary,)."""
    none = np.array([], dtype=np.int64)
    layout = replace(Layout.of(len(tokens), none, none, CPU), last=torch.tensor([len(tokens) - 1]))
    hidden = model.lower(torch.from_numpy(tokens), layout)
    return model(hidden, layout, torch.arange(len(model.embedding)))[0]


def _sequences(pack: Pack) -> list[np.ndarray]:
    return [
        np.concatenate([pack.prefix[:visible], branch])
        for visible, branch in zip(pack.visible, pack.branches, strict=True)
    ]


def test_a_branch_is_answered_as_if_it_stood_alone(model: PackedModel, pack: Pack) -> None:
    expected = torch.stack([_plain(model, tokens) for tokens in _sequences(pack)])
    assert torch.allclose(_packed(model, pack), expected, atol=1e-3, rtol=1e-4)


def test_reading_some_branches_changes_none_of_their_answers(
    model: PackedModel, pack: Pack, vocabulary: Vocabulary
) -> None:
    answers = Answers.of(vocabulary)
    lower = Lower(model, CPU)
    chosen = list(range(1, len(pack.branches), 3))
    part = pack.part(chosen)
    layout = pack_layout(part, CPU)
    words = torch.from_numpy(answers.words)
    expected = _packed(model, pack)[chosen][:, words]
    with torch.no_grad():
        assert torch.allclose(model(lower(part), layout, words), expected, atol=1e-3)
        # What is kept is kept in half precision.
        lower.keep(part)
        kept = model(lower(part), layout, words)
    assert torch.allclose(kept.softmax(-1), expected.softmax(-1), atol=0.01)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_new_branches_behind_a_kept_prefix_are_read_as_in_the_whole_pack(
    tiny_base: Path, boats: Conversation, packer: Packer, frozen: int
) -> None:
    model = PackedModel(tiny_base, frozen=frozen, rank=4, alpha=8.0)
    lower = Lower(model, CPU)
    asked = every_question(boats)
    lower.keep(packer.pack(boats, asked[::4]))
    # All kept, some kept, none kept.
    for chosen in (asked[::4], asked[::2], asked[1::4], asked):
        pack = packer.pack(boats, chosen)
        with torch.no_grad():
            expected = model.lower(pack_tokens(pack), pack_layout(pack, CPU))
            found = lower(pack)
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < 0.005 * expected.abs().max()


@torch.no_grad()
def test_a_kept_prefix_serves_the_upper_layers_too(model: PackedModel, pack: Pack) -> None:
    hidden = model.lower(pack_tokens(pack), pack_layout(pack, CPU))
    prefix = model.upper_prefix(hidden[: len(pack.prefix)])
    words = torch.arange(len(model.embedding))
    starts = len(pack.prefix) + np.cumsum([0, *map(len, pack.branches)])
    found = []
    for first in range(0, len(pack.branches), 7):
        part = pack.part(range(first, min(first + 7, len(pack.branches))))
        behind = hidden[starts[first] : starts[first + len(part.branches)]]
        found.append(model.upper_branches(prefix, behind, pack_layout(part, CPU), words))
    assert torch.allclose(torch.cat(found), _packed(model, pack), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_factors_that_add_nothing_leave_the_base(
    tiny_base: Path, pack: Pack, plain_logits: PlainLogits, frozen: int
) -> None:
    found = _packed(PackedModel(tiny_base, frozen=frozen, rank=4, alpha=8.0), pack).numpy()
    for mine, theirs in zip(found, plain_logits(tiny_base, _sequences(pack)), strict=True):
        assert np.corrcoef(mine, theirs)[0, 1] > 0.999


@torch.no_grad()
def test_training_reads_the_statuses_that_the_tracker_decides(
    tiny_base: Path, boats: Conversation, pack: Pack, vocabulary: Vocabulary
) -> None:
    answers = Answers.of(vocabulary)
    model = PackedModel(tiny_base, frozen=1, rank=4, alpha=8.0)
    batch = batch_of(pack, answers, CPU)
    hidden = model.lower(pack_tokens(pack), batch.layout)
    logits = model(hidden, batch.layout, torch.from_numpy(answers.words))
    found = status_log_probabilities(logits, batch.leads).exp().numpy()
    decoder = PlainDecoder(Model(tiny_base, load_options(1)), threads=1)
    reading = decoder.start()
    reading.read(opening_pieces(boats.opening))
    for turn in boats.turns:
        reading.read(turn_pieces(turn))
        rows = [row for row, asked in enumerate(pack.asked) if asked.turn == turn.index]
        said = reading.ask([pack.asked[row].question for row in rows])
        for row, distribution in zip(rows, said, strict=True):
            assert found[row][: len(distribution)] == pytest.approx(list(distribution.values()), abs=0.02)
    decoder.close()


def test_the_target_of_a_question_is_the_token_of_its_label(
    boats: Conversation, packer: Packer, vocabulary: Vocabulary
) -> None:
    answers = Answers.of(vocabulary)
    pack = packer.pack(boats, labelled_questions(boats))
    batch = batch_of(pack, answers, CPU)
    for row, asked in enumerate(pack.asked):
        words = answers.words[batch.leads[row, batch.target[row]].numpy()]
        assert {vocabulary.pieces[word].decode() for word in words} == {str(asked.target)[0]}


def test_the_real_base_agrees_with_llama_cpp(plain_logits: PlainLogits) -> None:
    try:
        base = find_base().path
    except ModelError as error:
        pytest.skip(str(error))
    with Vocabulary.open(base) as real:
        tokens = np.array(real.tokens(["The harbour was quiet that morning, and the boats"]))
    (theirs,) = plain_logits(base, [tokens])
    mine = _plain(PackedModel(base, frozen=30, rank=1, alpha=1.0), tokens).numpy()
    assert np.corrcoef(mine, theirs)[0, 1] > 0.99
    assert mine.argmax() in np.argsort(theirs)[-3:]

"""Training the simulated user: what is learned, what is left out, and that a run ends in an adapter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tracker.conversation import Conversation
from tracker.errors import InputError
from tracker.formats import read
from tracker.prompt import Control
from tracker.simulator.steering import Reply, Steer
from tracker.simulator.user import cue_pieces, message_pieces, setting_pieces
from tracker.vocabulary import Vocabulary
from training.model import Layout
from training.user import Trainer, UserConfig, UserModel, export, read_config, targets
from training.user_data import pack_user, replied, state_before, told, worth_learning, write_simulated


@pytest.fixture
def simulated(tmp_path: Path) -> list[Conversation]:
    path = tmp_path / "simulated.jsonl"
    write_simulated(path, goals=3, random_state=5)
    return [one for one in read(path) if isinstance(one, Conversation)]


def test_drift_is_not_learned(boats: Conversation) -> None:
    # Turn 2: the user thanks nobody yet; turn 3 contradicts the profile; turn 4 thanks against the rule.
    broken = {
        turn for changes in boats.labels.values() for turn, status in changes if str(status) == "MISALIGNED"
    }
    assert broken
    assert not broken & set(worth_learning(boats))


def test_the_state_is_the_one_before_the_message(boats: Conversation) -> None:
    assert all(state_before(boats, 1)[c.id].status == c.start for c in boats.goal)
    last = len(boats.turns)
    for component in boats.goal:
        expected = boats.labelled_statuses(component.id)[last - 2]
        assert state_before(boats, last)[component.id].status == expected


def test_the_plan_tells_what_was_said(simulated: list[Conversation]) -> None:
    conversation = simulated[0]
    texts = told(conversation, {1: Steer.PLAN, len(conversation.turns): Steer.PLAN}, 3)
    objective = next(c for c in conversation.goal if c.category == "objective")
    assert objective.text in texts[1].split("Say next:")[1]
    assert "goodbye now" in texts[len(conversation.turns)]


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("Any will do, you choose.", Reply.OPEN),
        ("Yes, please book it.", Reply.YES),
        ("No, thank you.", Reply.NO),
        ("The stay is for one night.", None),
    ],
)
def test_the_reply_that_is_told_is_the_one_that_was_given(message: str, reply: Reply | None) -> None:
    assert replied(message) == ([] if reply is None else [reply])


def test_a_pack_is_what_the_local_user_reads(simulated: list[Conversation], vocabulary: Vocabulary) -> None:
    conversation = simulated[0]
    pack = pack_user(conversation, vocabulary, branches=99, random_state=1)
    assert pack is not None
    turn = len(pack.branches) - 1
    before = vocabulary.tokens(
        [*setting_pieces(conversation.goal.text), *message_pieces(conversation.messages[: 2 * turn])]
    )
    assert pack.prefix[: pack.visible[turn]].tolist() == before
    said = vocabulary.tokens([conversation.turns[turn].user, Control.CLOSE])
    assert pack.branches[turn][pack.learned[turn] :].tolist() == said
    cue = vocabulary.tokens(cue_pieces(""))
    assert pack.branches[turn][: pack.learned[turn]].tolist()[-len(cue) :] == cue


def test_the_loss_sees_each_token_behind_the_one_before(
    simulated: list[Conversation], vocabulary: Vocabulary, tiny_base: Path
) -> None:
    pack = pack_user(simulated[0], vocabulary, branches=2, random_state=1)
    assert pack is not None
    rows, wanted = targets(pack)
    tokens = torch.from_numpy(np.concatenate([pack.prefix, *pack.branches]))
    assert tokens[rows + 1].tolist() == wanted.tolist()
    model = UserModel(tiny_base, frozen=1, rank=2, alpha=4.0)
    lengths = np.array([len(branch) for branch in pack.branches])
    layout = Layout.of(len(pack.prefix), pack.visible, lengths, tokens.device)
    logits = model(model.lower(tokens, layout), layout, rows)
    assert logits.shape == (len(rows), len(vocabulary))


def test_a_run_learns_goes_on_and_is_exported(
    tmp_path: Path, simulated: list[Conversation], tiny_base: Path
) -> None:
    data = tmp_path / "simulated.jsonl"
    config = UserConfig(
        output=tmp_path / "run",
        train=[data],
        validation=data,
        base=tiny_base,
        frozen=1,
        rank=2,
        passes=4,
        batch=2,
        branches=2,
        most_tokens=20_000,
        evaluate_every=2,
        evaluate_conversations=1,
        learning_rate=0.01,
    )
    Trainer(config.model_copy(update={"passes": 2})).run()
    Trainer(config).run()
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    validation = {row["passes"]: row["validation"] for row in log if "validation" in row}
    assert len([row for row in log if "validation" in row]) == 2
    assert validation[4] < validation[2]
    manifest = export(tmp_path / "run", tmp_path / "user")
    assert (tmp_path / "user" / "adapter.gguf").stat().st_size == manifest["adapter"]["bytes"]
    assert manifest["training"]["passes"] == 4


def test_mistakes_name_the_field(tmp_path: Path) -> None:
    path = tmp_path / "user.toml"
    path.write_text('output = "x"\ntrain = []\nvalidation = "v"\npasses = 0\n')
    with pytest.raises(InputError, match="passes"):
        read_config(path)
    with pytest.raises(InputError, match="no checkpoint"):
        export(tmp_path, tmp_path / "user")

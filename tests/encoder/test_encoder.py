"""The encoder in use: what it reads of a conversation, what its layers see, its file, and its answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tracker.conversation import Conversation, Turn
from tracker.encoder import EncoderModel, Kind, Network, Read, Tokeniser, conversation_tokens
from tracker.encoder.model import PLACES, SCORES, write_encoder
from tracker.encoder.network import Floats, compressed
from tracker.encoder.text import AGENT_TOKENS, USER_TOKENS, WINDOW_TOKENS
from tracker.errors import ModelError
from tracker.goal import STATUSES, Category, Component, Status, is_final, reachable
from tracker.prompt import Question

SIGNS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "?", "!", "'"]
LETTERS = [mark + letter for letter in "abcdefghijklmnopqrstuvwxyz0123456789" for mark in ("", "##")]
VOCABULARY = [*SIGNS, *LETTERS, "parcel", "office", "friday", "morn", "##ings", "##ing"]
WIDTH, INNER = 24, 48


def weights(seed: int = 0) -> dict[str, Floats]:
    """Of a network of two layers, by chance."""
    random = np.random.default_rng(seed)

    def made(*shape: int) -> Floats:
        return (0.3 * random.normal(size=shape)).astype(np.float32)

    found = {
        "word.weight": made(len(VOCABULARY), WIDTH),
        "position.weight": made(WINDOW_TOKENS + USER_TOKENS + AGENT_TOKENS, WIDTH),
        "kind.weight": made(len(Kind), WIDTH),
        "category.weight": made(len(Category), WIDTH),
    }
    shapes = {"dense": (WIDTH, 2 * WIDTH), "out": (SCORES, WIDTH)}
    norms = ["first"]
    for layer in ("layers.0", "layers.1"):
        shapes |= {
            f"{layer}.qkv": (3 * WIDTH, WIDTH),
            f"{layer}.attended": (WIDTH, WIDTH),
            f"{layer}.up": (INNER, WIDTH),
            f"{layer}.down": (WIDTH, INNER),
        }
        norms += [f"{layer}.after_attention", f"{layer}.after"]
    for name, shape in shapes.items():
        found |= {f"{name}.weight": made(*shape), f"{name}.bias": made(shape[0])}
    for name in norms:
        found |= {f"{name}.weight": 1 + made(WIDTH), f"{name}.bias": made(WIDTH)}
    return found


@pytest.fixture
def network() -> Network:
    return Network(compressed(weights()))


@pytest.fixture
def tokeniser() -> Tokeniser:
    return Tokeniser(VOCABULARY)


@pytest.fixture
def model(tmp_path: Path) -> EncoderModel:
    write_encoder(tmp_path / "encoder.npz", VOCABULARY, compressed(weights()))
    return EncoderModel.read(tmp_path / "encoder.npz")


def pieces(tokeniser: Tokeniser, ids: tuple[int, ...]) -> list[str]:
    return [tokeniser.vocabulary[token] for token in ids]


def test_words_are_cut_into_the_longest_pieces(tokeniser: Tokeniser) -> None:
    assert pieces(tokeniser, tokeniser.tokens("Mornings, ok? ÖL!")) == [
        *("morn", "##ings", ",", "o", "##k", "?", "o", "##l", "!")
    ]


def test_a_long_message_loses_its_middle(tokeniser: Tokeniser) -> None:
    text = " ".join(["a"] * 50 + ["b"] * 50 + ["c"] * 50)
    found = pieces(tokeniser, tokeniser.shortened(text, 20))
    assert found == ["a"] * 10 + [".", "."] + ["c"] * 8
    assert tokeniser.shortened("a b c", 3) == tokeniser.tokens("a b c")


def test_a_turn_is_read_behind_the_newest_of_what_was_said(tokeniser: Tokeniser) -> None:
    turns = [Turn(1, "a", "b"), Turn(2, "c", "d"), Turn(3, "e", None)]
    read = conversation_tokens(tokeniser, turns, "f")
    assert pieces(tokeniser, read.ids) == ["[CLS]", "f", "a", "b", "c", "d", "[SEP]", "e", "[SEP]"]
    before, agent = Kind.USER_BEFORE, Kind.AGENT_BEFORE
    said = [agent, before, agent, before, agent]
    assert list(read.kinds) == [Kind.MARK, *said, Kind.MARK, Kind.USER, Kind.MARK]

    long = [Turn(1, "a " * 500, "b " * 100), Turn(2, "c " * 30, "d " * 40)]
    cut = pieces(tokeniser, conversation_tokens(tokeniser, long, "f").ids)
    assert [cut.count(letter) for letter in "fabcd"] == [0, WINDOW_TOKENS - 170, 100, 30, 40]
    longest = [Turn(1, "a", "b"), Turn(2, "c " * 500, "d " * 500)]
    kinds = conversation_tokens(tokeniser, longest, None).kinds
    assert kinds.count(Kind.USER) == USER_TOKENS
    assert kinds.count(Kind.AGENT) == AGENT_TOKENS
    assert kinds.count(Kind.USER_BEFORE) == kinds.count(Kind.AGENT_BEFORE) == 1


def test_components_do_not_see_each_other(network: Network) -> None:
    read = Read((2, 20, 30, 3), (Kind.MARK, Kind.USER, Kind.AGENT, Kind.MARK))
    components = [(0, (2, 15, 16, 17, 3)), (3, (2, 40, 3)), (0, (2, 40, 3))]
    together = network.scores(read, components)
    for row, component in enumerate(components):
        assert network.scores(read, [component])[0] == pytest.approx(together[row], abs=1e-4)
    # The conversation and the category do make a difference.
    assert not np.allclose(together[1], together[2], atol=1e-2)
    other = replace(read, ids=(2, 21, 30, 3))
    assert not np.allclose(network.scores(other, components), together, atol=1e-2)


def test_eight_bits_keep_the_scores() -> None:
    whole = weights()
    exact = Network({**whole, "word.weight.scale": np.ones((len(VOCABULARY), 1), dtype=np.float16)})
    read = Read((2, 20, 30, 3), (Kind.MARK, Kind.USER, Kind.AGENT, Kind.MARK))
    asked = [(0, (2, 15, 16, 17, 3))]
    assert Network(compressed(whole)).scores(read, asked) == pytest.approx(exact.scores(read, asked), abs=0.1)
    small = compressed(whole)["layers.0.up.weight"]
    assert small.dtype == np.int8
    assert np.abs(small).max() == 127


def test_every_question_has_scores_of_its_own() -> None:
    taken = [score for place in PLACES.values() for score in range(place.start, place.stop)]
    assert taken == list(range(SCORES))
    for (category, status), place in PLACES.items():
        assert place.stop - place.start == len(reachable(category, status))


def test_questions_are_answered_in_their_order(model: EncoderModel, conversation: Conversation) -> None:
    reading = model.start(conversation.goal).after(conversation.turns[0])
    questions = [
        Question(component, status)
        for component in conversation.goal
        for status in STATUSES[component.category]
        if not is_final(component.category, status)
    ]
    answers = reading.ask(questions)
    for question, answer in zip(questions, answers, strict=True):
        assert list(answer) == list(reachable(question.category, question.previous))
        assert sum(answer.values()) == pytest.approx(1)
        assert reading.ask([question])[0] == pytest.approx(answer, abs=1e-3)
    for backward, answer in zip(reading.ask(questions[::-1]), answers[::-1], strict=True):
        assert backward == pytest.approx(answer, abs=1e-5)
    assert reading.ask([]) == []
    further = reading.after(conversation.turns[1])
    assert further.ask(questions) != answers == reading.ask(questions)


def test_two_components_of_the_same_words_are_told_apart(
    model: EncoderModel, conversation: Conversation
) -> None:
    profile, rule = (
        Component(id=name, category=category, text="No parcel.")
        for name, category in (("a", Category.PROFILE), ("b", Category.POLICY))
    )
    reading = model.start(conversation.goal).after(conversation.turns[0])
    first, second = reading.ask([Question(profile, Status.ALIGNED), Question(rule, Status.ALIGNED)])
    assert first[Status.MISALIGNED] != pytest.approx(second[Status.MISALIGNED])


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("out.weight", None),
        ("layers.1.up.weight", np.zeros((INNER, WIDTH + 1), dtype=np.float32)),
        ("word.weight", np.zeros((5, WIDTH), dtype=np.int8)),
        ("vocabulary", np.frombuffer(b"[UNK]\n[CLS]", dtype=np.uint8)),
        ("vocabulary", np.frombuffer("\n".join(VOCABULARY[:-1]).encode(), dtype=np.uint8)),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str, array: np.ndarray | None) -> None:
    arrays = compressed(weights())
    if name == "word.weight":
        arrays["word.weight.scale"] = np.ones((5, 1), dtype=np.float16)
    arrays.pop(name, None)
    path = tmp_path / "encoder.npz"
    write_encoder(path, VOCABULARY, arrays | ({} if array is None else {name: array}))
    with pytest.raises(ModelError, match="encoder") as caught:
        EncoderModel.read(path)
    assert "\n" not in str(caught.value)

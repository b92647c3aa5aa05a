"""Invented conversations with labels, and a base model of a few thousand random weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from fixture_types import Logits, PlainLogits, Talk, WriteNative
from tiny_llama import write_tiny

from tracker.conversation import Conversation, LabelChange, Message, Role
from tracker.formats import native
from tracker.goal import Category, Component, Goal, Status
from tracker.grammar import Grammars
from tracker.hardware import load_options
from tracker.llama import ContextShape, Model
from tracker.vocabulary import Vocabulary
from training.data import Packer


@pytest.fixture(scope="session")
def talk() -> Talk:
    """Makes a conversation: ``talk(("user", "agent"), ..., goal=..., labels=...)``; ``None`` is no reply."""

    def make(
        *exchanges: tuple[str, str | None],
        goal: Sequence[Component] = (),
        labels: Mapping[str, tuple[LabelChange, ...]] | None = None,
        opening: str | None = None,
        name: str = "invented-1",
    ) -> Conversation:
        messages = [] if opening is None else [Message(role=Role.ASSISTANT, content=opening)]
        for user, agent in exchanges:
            messages.append(Message(role=Role.USER, content=user))
            if agent is not None:
                messages.append(Message(role=Role.ASSISTANT, content=agent))
        components = tuple(goal) or (Component(id="o1", category=Category.OBJECTIVE, text="Get a boat."),)
        return Conversation(
            name, Goal(components=components), tuple(messages), dict(labels) if labels is not None else None
        )

    return make


@pytest.fixture(scope="session")
def boats(talk: Talk) -> Conversation:
    """A labelled conversation with every category, every kind of move, and an opening."""
    return talk(
        ("Hi, a boat for Sunday please, a red one.", "Which hour?"),
        ("At ten. And is there a skipper named Okoro?", "No skipper is free. A red boat at ten, then?"),
        ("Yes, book it! I do it alone, I have sailed for years.", "Booked: red boat, Sunday at ten."),
        ("Thanks, bye.", None),
        opening="Harbour desk, hello.",
        name="boats",
        goal=(
            Component(id="p1", category=Category.PROFILE, text="You have never sailed."),
            Component(id="r1", category=Category.POLICY, text="Never thank the agent."),
            Component(id="o1", category=Category.OBJECTIVE, text="Book a boat for Sunday."),
            Component(id="q1", category=Category.REQUIREMENT, text="A skipper comes along.", objective="o1"),
            Component(
                id="w1", category=Category.PREFERENCE, text="You would like a red boat.", objective="o1"
            ),
            Component(id="w2", category=Category.PREFERENCE, text="You would like a cabin.", objective="o1"),
        ),
        labels={
            "p1": ((3, Status.MISALIGNED),),
            "r1": ((4, Status.MISALIGNED),),
            "o1": ((3, Status.COMPLETE),),
            "q1": ((2, Status.ATTEMPTED),),
            "w1": ((1, Status.ALIGNED),),
        },
    )


@pytest.fixture(scope="session")
def lamps(talk: Talk) -> Conversation:
    return talk(
        ("My lamp broke, can you repair it?", "Sure, bring it in. What is your name?"),
        ("Ana. What will it cost?", "I cannot tell before I have seen it."),
        ("Fine, I bring it tomorrow.", "Noted, Ana: tomorrow."),
        name="lamps",
        goal=(
            Component(id="a", category=Category.OBJECTIVE, text="Have the lamp taken in for repair."),
            Component(id="b", category=Category.REQUIREMENT, text="Find out the price.", objective="a"),
            Component(id="c", category=Category.POLICY, text="Ask for the price before you agree."),
        ),
        labels={"a": ((3, Status.COMPLETE),), "b": ((2, Status.ATTEMPTED),)},
    )


@pytest.fixture(scope="session")
def write_native() -> WriteNative:
    """Writes conversations as a native file."""

    def write(path: Path, conversations: Iterable[Conversation]) -> Path:
        lines = [json.dumps(native.conversation_to_json(conversation)) for conversation in conversations]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama of two layers over a vocabulary of bytes, with the layout of the real base (tied embedding)."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="session")
def vocabulary(tiny_base: Path) -> Iterator[Vocabulary]:
    with Vocabulary.open(tiny_base) as opened:
        yield opened


@pytest.fixture(scope="session")
def packer(vocabulary: Vocabulary) -> Packer:
    return Packer(vocabulary, Grammars(vocabulary))


@pytest.fixture(scope="session")
def plain_logits() -> PlainLogits:
    """What llama.cpp says behind each token sequence, read by itself: shape ``(vocabulary,)``."""

    def read(path: Path, sequences: Sequence[Sequence[int]]) -> list[Logits]:
        options = load_options(1)
        model = Model(path, options)
        context = model.context(ContextShape(max(map(len, sequences)), sequences=1, threads=1))
        rows = []
        for tokens in sequences:
            llama_cpp.llama_memory_clear(context.memory, True)
            ids = (llama_cpp.llama_token * len(tokens))(*map(int, tokens))
            assert (
                llama_cpp.llama_decode(context.handle, llama_cpp.llama_batch_get_one(ids, len(tokens))) == 0
            )
            row = llama_cpp.llama_get_logits_ith(context.handle, -1)
            rows.append(np.ctypeslib.as_array(row, (len(model.vocabulary),)).copy())
        context.close()
        model.close()
        return rows

    return read

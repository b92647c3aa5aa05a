"""Worker processes: the same tracks, in the same order, and a word when one dies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tracker.conversation import Message, Role
from tracker.errors import ContextLengthError, ModelError
from tracker.parallel import track_many
from tracker.state import Track
from tracker.tracking import LoadArguments


def test_workers_change_nothing_and_keep_the_order(tracker, conversation):
    # What comes last leaves the other opinions in doubt, so that the model is asked and has to read it all.
    endless = Message(role=Role.USER, content="word " * 9000 + conversation.messages[2].content)
    given = [
        replace(conversation, id="first"),
        replace(conversation, id="endless", messages=(endless, conversation.messages[3])),
        replace(conversation, id="third", messages=conversation.messages[:3]),
        replace(conversation, id="fourth", messages=conversation.messages[:1]),
    ]
    first, endless, *rest = list(tracker.track_many(iter(given), workers=2))
    assert isinstance(endless, ContextLengthError)
    for ours, conversation in zip([first, *rest], [given[0], *given[2:]], strict=True):
        theirs = tracker.track(conversation)
        assert isinstance(ours, Track)
        assert (ours.id, len(ours.states)) == (theirs.id, len(theirs.states))
        for state, expected in zip(ours.states, theirs.states, strict=True):
            for component in state:
                assert state[component].status is expected[component].status
                assert state[component].probability == pytest.approx(
                    expected[component].probability, abs=0.01
                )


def test_a_model_that_cannot_be_loaded_is_said(tmp_path, conversation):
    arguments = LoadArguments(tmp_path / "missing.gguf", "branches", threads=1)
    with pytest.raises(ModelError, match=r"missing\.gguf"):
        list(track_many([conversation], arguments, workers=1, threads=1))

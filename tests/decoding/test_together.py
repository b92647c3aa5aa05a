"""Several conversations in one batch: the same answers in their order, and one's trouble hurts no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tracker.conversation import Conversation, Message, Role
from tracker.engine import Request
from tracker.errors import ContextLengthError, InputError
from tracker.goal import Category, Component, Goal
from tracker.state import Track

TOLERANCE = 2e-3
"""Sums of the 32-bit weights come out alike to a millionth; the cache keeps 16 bits, and that is left."""


def talk(name: str, *lines: str, policies: int = 2) -> Conversation:
    """A conversation in which the user says the lines and the agent says yes."""
    messages = [
        Message(role=role, content=content)
        for line in lines
        for role, content in ((Role.USER, line), (Role.ASSISTANT, "Yes."))
    ]
    components = tuple(
        Component(id=f"p{i}", category=Category.POLICY, text=f"Never mention the number {i}.")
        for i in range(policies)
    )
    return Conversation(name, Goal(components=components), tuple(messages))


@pytest.fixture
def talks(conversation) -> list[Conversation]:
    """Of different lengths, with different goals; one has no turns, one no components."""
    return [
        conversation,
        talk("short", "Is there a train at noon?"),
        talk("silent"),
        talk("long", *(f"And on day {day}?" for day in range(6)), policies=5),
        replace(conversation, id="parcel again"),
        talk("aimless", "Hello.", "Goodbye.", policies=0),
        talk("last", "Is there a boat?", "And a bus?", policies=12),
    ]


def assert_same_tracks(ours, theirs) -> None:
    assert [track.id for track in ours] == [track.id for track in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert len(one.states) == len(other.states)
        for state, expected in zip(one.states, other.states, strict=True):
            assert list(state) == list(expected)
            for component in state:
                assert state[component].status is expected[component].status
                assert state[component].probability == pytest.approx(
                    expected[component].probability, abs=TOLERANCE
                )


@pytest.mark.parametrize("together", [1, 2, 3, 32])
def test_how_many_are_read_together_changes_nothing(tiny, talks, together):
    alone = [tiny.track(each) for each in talks]
    before = tiny.decoder.engine.tokens_evaluated
    assert_same_tracks(list(tiny.track_many(talks, workers=1, together=together)), alone)
    together_read = tiny.decoder.engine.tokens_evaluated - before
    before = tiny.decoder.engine.tokens_evaluated
    for each in talks:
        tiny.track(each)
    assert together_read == tiny.decoder.engine.tokens_evaluated - before


def test_workers_may_read_several_together(tiny, talks):
    alone = [tiny.track(each) for each in talks]
    assert_same_tracks(list(tiny.track_many(talks, workers=2, together=3)), alone)


def test_the_plain_decoder_takes_several_too(tiny, plain, talks):
    short = [talks[0], talks[1], talks[2]]
    ours = list(plain.track_many(short, workers=1, together=3))
    assert_same_tracks(ours, [tiny.track(each) for each in short])


def test_a_turn_of_several_goes_into_one_batch(tiny, talks, monkeypatch):
    import llama_cpp

    batches = []
    decode = llama_cpp.llama_decode
    monkeypatch.setattr(
        llama_cpp,
        "llama_decode",
        lambda context, batch: batches.append(batch.n_tokens) or decode(context, batch),
    )
    some = [talk(str(number), "Is there a train?", "And at noon?") for number in range(3)]
    list(tiny.track_many(some, workers=1, together=3))
    assert len(batches) == 2


def test_one_that_is_too_long_hurts_no_other(tiny_model, load):
    with load(tiny_model, context=300) as small:
        given = [
            talk("first", "Is there a train?", "And at noon?"),
            talk("endless", "Hello.", "word " * 300, "Goodbye."),
            talk("empty", "Hello.", " "),
            talk("last", "Is there a boat?"),
        ]
        first, endless, empty, last = small.track_many(given, workers=1, together=4)
        assert isinstance(endless, ContextLengthError)
        assert "tokens long" in str(endless)
        assert "300" in str(endless)
        assert isinstance(empty, InputError)
        assert_same_tracks([first, last], [small.track(given[0]), small.track(given[3])])


def test_what_fits_alone_fits_beside_others(tiny_model, load, tiny):
    # Each needs about 200 of the 300 tokens, so that no two of them can be open to their ends.
    given = [talk(str(number), *("a train at noon " * 3,) * 2) for number in range(4)]
    with load(tiny_model, context=300) as small:
        tracks = list(small.track_many(given, workers=1, together=4))
    assert_same_tracks(tracks, [tiny.track(each) for each in given])


def test_conversations_are_taken_as_they_are_needed(tiny):
    taken: list[int] = []

    def endless() -> Iterator[Conversation]:
        for number in range(10_000):
            taken.append(number)
            yield talk(str(number), *["Is there a train?"] * (40 if number == 0 else 1), policies=1)

    tracks = tiny.track_many(endless(), workers=1, together=2)
    assert taken == []
    assert isinstance(next(tracks), Track)
    # The first is long: others were finished meanwhile, and wait, but no more than some.
    assert len(taken) <= 8
    tracks.close()
    assert tiny.decoder.room == tiny.decoder.engine.context_length


def test_sessions_can_be_updated_together(tiny, conversation):
    other = talk("other", "Is there a train?")
    with tiny.start(conversation.goal) as one, tiny.start(other.goal) as two, tiny.start(other.goal) as bad:
        states = tiny.update_many(
            [(one, "hi", "Hello."), (bad, "", None), (two, "Is there a train?", "Yes.")]
        )
        assert states[0] == one.state
        assert isinstance(states[1], InputError)
        assert (bad.state.turn, two.state.turn) == (0, 1)
    with tiny.start(other.goal) as alone:
        expected = alone.update("Is there a train?", "Yes.")
    assert states[2]["p0"].probability == pytest.approx(expected["p0"].probability, abs=TOLERANCE)


@pytest.mark.parametrize("together", [0, 33])
def test_a_number_that_makes_no_sense_is_refused(tiny, together):
    with pytest.raises(ValueError, match="together"):
        tiny.track_many([], workers=1, together=together)


def test_the_engine_splits_what_does_not_fit_one_batch(tiny_model, load):
    # 250 cells: the branches of the first take three batches, and the second begins in the last of them.
    with load(tiny_model, context=250) as small:
        engine = small.decoder.engine
        branches = [[10 + number] * 60 for number in range(7)]
        one, two, three = (engine.sequence() for _ in range(3))
        rows = engine.read([Request(one, [5] * 40, branches), Request(two, [6] * 30, branches[:2])])
        too_long = engine.read([Request(one, [5] * 300), Request(three, [7] * 20, branches[:1])])
        assert isinstance(too_long[0], ContextLengthError)
        assert (len(one), len(two), len(three)) == (40, 30, 20)
        for sequence in (one, two, three):
            sequence.close()
        again = engine.sequence()
        assert rows[0] == pytest.approx(again.extend([5] * 40, branches), abs=1e-2)
        again.close()
        again = engine.sequence()
        assert rows[1] == pytest.approx(again.extend([6] * 30, branches[:2]), abs=1e-2)


def test_what_is_appended_for_one_never_takes_the_room_of_another_that_is_begun(tiny_model, load):
    with load(tiny_model, context=200) as small:
        engine = small.decoder.engine
        one, two = engine.sequence(), engine.sequence()
        rows, error = engine.read(
            [Request(one, [5] * 60, [[9] * 60, [8] * 60, [7] * 60]), Request(two, [6] * 70, [[9] * 75])]
        )
        assert rows.shape == (3, len(small.decoder.model.vocabulary))
        assert isinstance(error, ContextLengthError)
        assert "taken by the conversations that are open" in str(error)
        assert (len(one), len(two)) == (60, 0)


def test_a_sequence_is_read_once_in_a_call(tiny):
    sequence = tiny.decoder.engine.sequence()
    with pytest.raises(ValueError, match="once"):
        tiny.decoder.engine.read([Request(sequence, [5]), Request(sequence, [6])])


def largest_difference(ours, theirs) -> float:
    return max(
        abs(state[component].probability - expected[component].probability)
        for one, other in zip(ours, theirs, strict=True)
        for state, expected in zip(one.states, other.states, strict=True)
        for component in state
    )


def test_exact_answers_do_not_depend_on_the_batch(tiny_model, load, conversation):
    given = [conversation, talk("other", "Is there a train?", "And at noon?", policies=6)]
    with load(tiny_model, exact=True) as exact, load(tiny_model, decoder="plain", exact=True) as plain:
        alone = [exact.track(each) for each in given]
        together = list(exact.track_many(given, workers=1, together=2))
        slow = [plain.track(each) for each in given]
    # The last layer is computed for the wanted rows alone, for a single one in another order than for more.
    assert largest_difference(together, alone) < 1e-5
    assert largest_difference(alone, slow) < 1e-5


def test_exact_logits_when_one_token_would_be_left_alone(tiny_model, load):
    with load(tiny_model, exact=True) as exact:
        engine = exact.decoder.engine
        # 121 tokens, of which llama.cpp would compute 60, 60 and 1.
        prefix, branches = [5, 9, 70] * 30, [[10, 11, 12] * 5, [13, 14] * 8]
        one, two = engine.sequence(), engine.sequence()
        rows = one.extend(prefix, branches)
        two.extend(prefix)
        assert rows[0] == pytest.approx(two.extend([], branches[:1])[0], abs=1e-4)
        assert rows[1] == pytest.approx(two.extend([], branches[1:])[0], abs=1e-4)

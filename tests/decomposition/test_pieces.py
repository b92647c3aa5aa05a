"""A goal's text is cut small, and nothing of it is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracker.splitter.pieces import cut


def texts(goal: str) -> list[str]:
    pieces = cut(goal)
    return [pieces.text(number, number + 1) for number in range(len(pieces))]


def test_signs_and_little_words_begin_pieces() -> None:
    assert texts("You want a room, and if it is loud, ask for another. Never shout.") == [
        "You want a room,",
        "and if it is loud,",
        "ask",
        "for another.",
        "Never shout.",
    ]


def test_a_run_of_pieces_reads_as_it_stands_in_the_text() -> None:
    pieces = cut("You lost a hat ;  you want it\nback. Be kind.")
    assert pieces.text(0, 2) == "You lost a hat ; you want it back."
    assert pieces.text(1, 3) == "you want it back. Be kind."


@given(st.text(max_size=200))
def test_the_pieces_hold_every_word_once(text: str) -> None:
    pieces = cut(text)
    joined = "".join(pieces.text(number, number + 1) for number in range(len(pieces)))
    assert [c for c in joined if c.isalpha()] == [c for c in text if c.isalpha()]

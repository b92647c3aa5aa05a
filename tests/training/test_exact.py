"""Labels that code reads off a conversation: every rule, broken and kept, on invented messages."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

import pytest
from conftest import Talk

from tracker.conversation import Conversation
from tracker.goal import Category, Status
from training.exact import ExactComponent, exact_components

ALL = 100
"""More than there are rules: all of them are drawn."""

STYLES = {
    "exclamation": (r"exclamation", ["Hello.", "Great!"], 2, ["Hello.", "Great."]),
    "no question mark": (
        r"Never write a question|hold no question|not use question",
        ["Is it open?", "Fine."],
        1,
        ["Tell me if it is open.", "Fine."],
    ),
    "a question each": (
        r"^(Ask a question in|Every message of yours has a q|Each of your)",
        ["Is it open?", "Fine.", "When?"],
        2,
        ["Is it open?", "When?"],
    ),
    "lower case": (r"lower case|capital|small letters", ["hello", "see you Monday"], 2, ["hello", "see you"]),
    "please": (r"please", ["a boat", "a red one, please"], 2, ["a boat", "that pleases me"]),
    "thanks": (
        r"Never thank|say thanks|thank-you",
        ["a boat", "Thank you", "bye"],
        2,
        ["a boat", "that is all"],
    ),
    "digits": (
        r"digit|not use figures",
        ["a boat at ten", "number 7 then"],
        2,
        ["a boat at ten", "number seven"],
    ),
    "contractions": (
        r"contraction",
        ["I am here", "I don't know"],
        2,
        ["I do not know", "the captain's boat"],
    ),
    "greets": (
        r"^(Begin with a|You greet|Your first message has)",
        ["A boat.", "Hello?"],
        1,
        ["Hello, a boat."],
    ),
    "no greeting": (
        r"Never begin|not greet|Come to the point",
        ["Good morning, a boat.", "Red."],
        1,
        ["A boat.", "Hello again."],
    ),
    "comma": (r"comma", ["A boat.", "Red, if you can."], 2, ["A boat.", "Red if you can."]),
    "I": (r"word I\b|word \"I\"|say \"I\"", ["A boat.", "Then I come."], 2, ["A boat.", "It is mine."]),
}


def _of(
    talk: Talk, messages: list[str], reply: str = "Noted.", *, random_state: int = 0
) -> list[ExactComponent]:
    conversation = talk(*((message, reply) for message in messages))
    return exact_components(conversation, ALL, random_state=random_state)


def _one(components: list[ExactComponent], pattern: str) -> ExactComponent:
    (found,) = (c for c in components if re.search(pattern, c.component.text))
    return found


@pytest.mark.parametrize("rule", STYLES)
@pytest.mark.parametrize("seed", range(3))
def test_a_style_is_broken_at_the_first_message_against_it(talk: Talk, rule: str, seed: int) -> None:
    pattern, breaking, turn, keeping = STYLES[rule]
    broken = _one(_of(talk, breaking, random_state=seed), pattern)
    assert broken.component.category is Category.POLICY
    assert (broken.moves_at, broken.status_after) == (turn, Status.MISALIGNED)
    assert _one(_of(talk, keeping, random_state=seed), pattern).moves_at is None


def test_what_the_agent_writes_breaks_no_style(talk: Talk) -> None:
    loud = _of(talk, ["a boat"], "hello! thanks, please don't wait: I have it, ok?")
    for pattern, _, _, _ in STYLES.values():
        assert _one(loud, pattern).moves_at == _one(_of(talk, ["a boat"], "noted"), pattern).moves_at


LENGTHS = [
    "one two three four five six seven",
    "one two three",
    "one two three four five six seven eight nine",
]


@pytest.mark.parametrize(
    ("pattern", "breaks"),
    [
        (r"(?:longer than|at most|more than) (\d+) words", operator.gt),
        (r"(?:at least|fewer than) (\d+) words", operator.lt),
    ],
)
def test_lengths_are_counted_in_words(talk: Talk, pattern: str, breaks: Callable[[int, int], bool]) -> None:
    seen = set()
    for seed in range(40):
        found = _one(_of(talk, LENGTHS, random_state=seed), pattern)
        limit = int(re.search(pattern, found.component.text)[1])  # type: ignore[index]
        counts = [len(message.split()) for message in LENGTHS]
        expected = next((turn for turn, n in enumerate(counts, start=1) if breaks(n, limit)), None)
        assert found.moves_at == expected
        seen.add(expected)
    assert None in seen
    assert len(seen) > 1


def test_questions_are_counted_over_the_whole_conversation(talk: Talk) -> None:
    seen = set()
    for seed in range(40):
        messages = ["Is it open? Is it far?", "Good.", "Is it red?"]
        found = _one(_of(talk, messages, random_state=seed), r"(no more than|at most) \d+ question")
        most = int(re.search(r"\d+", found.component.text)[0])  # type: ignore[index]
        assert found.moves_at == {1: 1, 2: 3}.get(most)
        seen.add(found.moves_at)
    assert seen == {1, 3, None}


NEVER = r"^(Never mention|You do not mention|Say nothing about|Leave) {}"
AGENT_FIRST = r"(not mention {} before the agent|bring up {}\.$|^Mention {} only)"
WISH = r"^(You would like to bring up|If it fits, you want to mention) {}"


def _mentions(conversation: Conversation, kind: str, word: str) -> ExactComponent:
    components = exact_components(conversation, ALL, foreign=["Velden"])
    texts = [c for c in components if re.search(kind.format(*[word] * kind.count("{}")), c.component.text)]
    (found,) = (c for c in texts if kind is WISH or c.component.category is Category.POLICY)
    return found


def test_a_word_of_the_users_is_mentioned_where_it_first_stands(talk: Talk) -> None:
    conversation = talk(("a boat", "noted"), ("it goes to Marlow today", "noted"), ("yes, Marlow", None))
    assert _mentions(conversation, NEVER, "Marlow").moves_at == 2
    assert _mentions(conversation, AGENT_FIRST, "Marlow").moves_at == 2
    wish = _mentions(conversation, WISH, "Marlow")
    assert wish.component.category is Category.PREFERENCE
    assert (wish.moves_at, wish.status_after) == (2, Status.ALIGNED)


def test_a_word_that_the_agent_brought_up_may_be_mentioned_after_it(talk: Talk) -> None:
    conversation = talk(("a boat", "is it for Marlow"), ("yes, to Marlow", "noted"))
    assert _mentions(conversation, AGENT_FIRST, "Marlow").moves_at is None
    assert _mentions(conversation, NEVER, "Marlow").moves_at == 2


def test_a_word_of_another_conversation_is_never_mentioned(talk: Talk) -> None:
    conversation = talk(("a boat", "is it for Marlow"), ("yes, to Marlow", "noted"))
    for kind in (NEVER, AGENT_FIRST, WISH):
        assert _mentions(conversation, kind, "Velden").moves_at is None


def test_the_same_seed_draws_the_same_components(talk: Talk) -> None:
    def draw(seed: int) -> list[ExactComponent]:
        return exact_components(talk(("a boat to Marlow", "noted")), 5, random_state=seed)

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert len({c.component.id for c in draw(1)}) == 5


def test_nobody_speaking_means_no_components(talk: Talk) -> None:
    assert exact_components(talk(opening="Hello?"), 5) == []

"""Labels that code reads off a conversation: style, lengths, answers and mentions, and their draw."""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable

import pytest
from fixture_types import Talk

from tracker.conversation import Conversation
from tracker.goal import Category, Status
from training.courtesy import courtesy_rules
from training.exact import ExactComponent, exact_components
from training.lengths import length_rules
from training.own_words import own_word_rules
from training.replies import reply_rules
from training.rules import DOUBT, Moves, Rule, spelled
from training.signs import sign_rules
from training.taboos import taboo_rules

ALL = 200
"""More than there are rules: all of them are drawn."""

Decide = Callable[..., Moves]


def _rule(rules: list[Rule], name: str) -> Rule:
    (found,) = (rule for rule in rules if rule.name == name)
    return found


@pytest.fixture
def decide(talk: Talk) -> Decide:
    """Where a rule of style is first broken by some messages."""

    def of(name: str, *messages: str) -> Moves:
        turns = talk(*((message, "Noted.") for message in messages)).turns
        rules = [*sign_rules(), *courtesy_rules(), *taboo_rules()]
        rules += [*length_rules(turns, random.Random(0)), *own_word_rules(turns, random.Random(0))]
        return _rule(rules, name).moves_at(turns)

    return of


@pytest.mark.parametrize(
    ("name", "breaking", "turn", "keeping"),
    [
        ("no exclamation mark", ["Hello.", "Great!"], 2, ["Hello.", "Great."]),
        ("exclamation mark in each", ["Hello!", "Great."], 2, ["Hello!", "Great! Bye."]),
        ("no question mark", ["Is it open?", "Fine."], 1, ["Tell me if it is open.", "Fine."]),
        ("question in each", ["Is it open?", "Fine."], 2, ["Is it open?", "When? Tell me."]),
        ("ends with a question", ["Is it open?", "When? Tell me."], 2, ["Is it open?", "Good, when?"]),
        ("never ends with a question", ["A boat.", "Is it red?"], 2, ["Is it red? I want one.", "Good."]),
        ("ends with a full stop", ["A boat.", "Is it red?"], 2, ["Is it red? I want one.", "Good."]),
        ("no comma", ["A boat.", "Red, if you can."], 2, ["A boat.", "Red if you can."]),
        ("no digit", ["a boat at ten", "number 7 then"], 2, ["a boat at ten", "number seven"]),
        ("no brackets", ["a boat", "a boat (red)"], 2, ["a boat", "a red boat"]),
        ("no dots", ["a boat...", "red"], 1, ["a boat.", "red."]),
        ("emoji in each", ["a boat 🚤", "a red one"], 2, ["a boat 🚤", "a red one 🎉"]),
        ("no emoji", ["a boat", "a red one 🎉"], 2, ["a boat", "a red one"]),
        ("lower case", ["hello", "see you Monday"], 2, ["hello", "see you"]),
        ("capitals", ["A boat.", "A BOAT!"], 2, ["A BOAT please", "it is for NATO"]),
        ("never please", ["a boat", "a red one, please"], 2, ["a boat", "that pleases me"]),
        ("please in each", ["a boat, please", "a red one"], 2, ["a boat, please", "a red one please"]),
        (
            "please with questions",
            ["Good day.", "Could you look?"],
            2,
            ["Good day.", "Could you look, please?"],
        ),
        ("never thanks", ["a boat", "Thank you", "bye"], 2, ["a boat", "that is all"]),
        (
            "thanks once at most",
            ["thanks", "a boat", "thanks, bye"],
            3,
            ["a boat", "thanks a lot, thank you"],
        ),
        ("thanks in each", ["thanks for being there", "a boat"], 2, ["thanks", "a boat, thank you"]),
        ("thanks in the last", ["Thanks.", "Goodbye."], 2, ["A boat.", "Thank you, goodbye."]),
        ("thanks before leaving", ["A boat.", "Goodbye."], 2, ["A boat, thanks.", "Goodbye."]),
        ("greets", ["A boat.", "Hello?"], 1, ["Hello, a boat."]),
        ("no greeting", ["Good morning, a boat.", "Red."], 1, ["A boat.", "Hello again."]),
        ("never sorry", ["A boat.", "Sorry, a red one."], 2, ["A boat.", "A sore thumb."]),
        ("sir or madam", ["A boat, sir.", "Red."], 2, ["A boat, sir.", "Red, madam."]),
        ("no contractions", ["I am here", "I don't know"], 2, ["I do not know", "the captain's boat"]),
        ("never I", ["A boat.", "Then I come."], 2, ["A boat.", "It is mine."]),
        ("never we", ["A boat.", "We come."], 2, ["A boat.", "I come by bus."]),
        ("no family", ["A boat.", "My sister steers."], 2, ["A boat.", "I steer."]),
        ("no money", ["A boat.", "I have 40 euros."], 2, ["A boat for 40 people.", "What does it cost?"]),
        ("no day", ["A boat.", "On Sunday."], 2, ["A boat.", "On a sunny day."]),
        ("no clock", ["A boat.", "At 10:30."], 2, ["A boat.", "At noon, for 10."]),
        ("no e-mail", ["A boat.", "ann@boats.example"], 2, ["A boat.", "no address"]),
        (
            "one sentence",
            ["A boat.", "Red. It must be fast."],
            2,
            ["A boat for 4.50 a day.", "A red one, fast"],
        ),
        ("two sentences", ["A boat. Red.", "One. Two. Three."], 2, ["A boat. Red.", "Is it fast?"]),
        ("one question each", ["Open?", "Far? Red?"], 2, ["Open?", "Far?"]),
        ("few words by nature", ["Boat.", " ".join(["word"] * 70)], 2, ["Boat.", "Red one."]),
        ("signs", ["A boat. Ann Lee", "Red"], 2, ["A boat. Ann Lee", "A red one. Ann Lee"]),
        ("begins with a word", ["So, a boat.", "3 red ones."], 2, ["So, a boat.", "So a red one."]),
    ],
)
def test_a_style_is_broken_at_the_first_message_against_it(
    decide: Decide, name: str, breaking: list[str], turn: int, keeping: list[str]
) -> None:
    assert decide(name, *breaking) == turn
    assert decide(name, *keeping) is None


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("emoji in each", ["a boat :)"]),
        ("one sentence", ["a boat. and a red one"]),
        ("please with questions", ["I need a boat."]),
        ("thanks in the last", ["A boat.", "A red one."]),
        ("thanks before leaving", ["A boat.", "A red one."]),
        ("few words by nature", [" ".join(["word"] * 40)]),
    ],
)
def test_what_may_be_seen_either_way_is_in_doubt(decide: Decide, name: str, messages: list[str]) -> None:
    assert decide(name, *messages) is DOUBT


def test_every_rule_has_many_different_wordings(talk: Talk) -> None:
    turns = talk(("So, a boat to Marlow. Ann", None), ("Red.", None)).turns
    rules = [*sign_rules(), *courtesy_rules(), *taboo_rules()]
    rules += [*length_rules(turns, random.Random(0)), *own_word_rules(turns, random.Random(0))]
    for rule in rules:
        assert len(set(rule.wordings)) == len(rule.wordings) >= 6, rule.name
    texts = [text for rule in rules for text in rule.wordings]
    assert len(set(texts)) == len(texts)
    assert all(text[0].isupper() and text[-1] in ".'\"" for text in texts)


def _of(talk: Talk, messages: list[str], *, random_state: int = 0) -> list[ExactComponent]:
    conversation = talk(*((message, "Noted.") for message in messages))
    return exact_components(conversation, ALL, random_state=random_state)


LENGTHS = [
    "one two three four five six seven",
    "one two three",
    "one two three four five six seven eight nine",
]


@pytest.mark.parametrize(("name", "breaks"), [("most words", operator.gt), ("least words", operator.lt)])
def test_lengths_are_counted_in_words_and_named_in_digits_or_words(
    talk: Talk, name: str, breaks: Callable[[int, int], bool]
) -> None:
    turns = talk(*((message, "Noted.") for message in LENGTHS)).turns
    seen, named = set(), set()
    for seed in range(40):
        rule = _rule(length_rules(turns, random.Random(seed)), name)
        word = re.search(r"([\w-]+) words", rule.wordings[0])[1]  # type: ignore[index]
        limit = next(number for number in range(100) if word in (str(number), spelled(number)))
        counts = [len(message.split()) for message in LENGTHS]
        expected = next((turn for turn, n in enumerate(counts, start=1) if breaks(n, limit)), None)
        assert rule.moves_at(turns) == expected
        seen.add(expected)
        named.add(word.isdigit())
    assert None in seen
    assert len(seen) > 1
    assert named == {True, False}


def _answers(talk: Talk, name: str, *exchanges: tuple[str, str | None], opening: str | None = None) -> Moves:
    conversation = talk(*exchanges, opening=opening)
    found = {rule.name: rule for rule in reply_rules(conversation, random.Random(1))}
    return found[name].moves_at(conversation.turns)


def test_an_answer_is_due_where_the_agent_gave_the_occasion(talk: Talk) -> None:
    name = "the agent says sorry: thank the agent"
    assert _answers(talk, name, ("a boat", "Sorry, none."), ("red", "Noted."), ("bye", None)) == 2
    assert _answers(talk, name, ("a boat", "Sorry, none."), ("thanks", "Noted."), ("bye", None)) is None
    assert _answers(talk, name, ("a boat", "Here it is."), ("red", None)) is None
    assert _answers(talk, name, ("a boat", "I am afraid not."), ("red", None)) is DOUBT
    assert _answers(talk, name, ("a boat", "Noted."), opening="Sorry to keep you waiting.") == 1


def test_a_rule_about_answers_comes_in_many_wordings(talk: Talk) -> None:
    rules = list(reply_rules(talk(("a boat", "noted")), random.Random(2)))
    assert len({text for rule in rules for text in rule.wordings}) > 500
    assert all(text[0].isupper() and text.endswith(".") for rule in rules for text in rule.wordings)


NEVER = r"^(Never mention|You do not mention|Say nothing about|Keep quiet about) {}\.$"
AGENT_FIRST = r"not mention {} before|^Mention {} only|bring up {} until|first to speak of {}"
IN_FIRST = r"{} in your (very )?first message|first message mentions {}"


def _mentions(conversation: Conversation, kind: str, word: str) -> set[int | None]:
    """Where rules about a word are broken, over many draws."""
    found = set()
    for seed in range(20):
        drawn = exact_components(conversation, ALL, foreign=["Velden"], random_state=seed)
        found |= {c.moves_at for c in drawn if re.search(kind.replace("{}", word), c.component.text)}
    return found


def test_a_word_of_the_users_is_mentioned_where_it_first_stands(talk: Talk) -> None:
    conversation = talk(("a boat", "noted"), ("it goes to Marlow today", "noted"), ("yes, Marlow", None))
    assert _mentions(conversation, NEVER, "Marlow") == {2}
    assert _mentions(conversation, AGENT_FIRST, "Marlow") == {2}
    assert _mentions(conversation, IN_FIRST, "Marlow") == {1}


def test_a_word_that_the_agent_brought_up_may_be_mentioned_after_it(talk: Talk) -> None:
    conversation = talk(("a boat", "is it for Marlow"), ("yes, to Marlow", "noted"))
    assert _mentions(conversation, AGENT_FIRST, "Marlow") == {None}
    assert _mentions(conversation, NEVER, "Marlow") == {2}


def test_a_word_of_another_conversation_is_never_mentioned(talk: Talk) -> None:
    conversation = talk(("a boat", "is it for Marlow"), ("yes, to Marlow", "noted"))
    assert _mentions(conversation, NEVER, "Velden") == {None}
    assert _mentions(conversation, IN_FIRST, "Velden") == {1}


def test_what_a_draw_gives(talk: Talk) -> None:
    components = _of(talk, ["Hello, a boat to Marlow at 10:30, please!", "Is it red?", "Thanks, bye."])
    assert len({c.component.id for c in components}) == len(components) > 30
    for one in components:
        wish = one.component.category is Category.PREFERENCE
        assert one.status_after is (Status.ALIGNED if wish else Status.MISALIGNED)
        assert one.moves_at is None or 1 <= one.moves_at <= 3


def test_small_draws_hold_kept_and_broken_rules(talk: Talk) -> None:
    messages = ["Hello, a boat to Marlow at 10:30, please!", "Is it red?", "Thanks, bye."]
    drawn = [c for seed in range(25) for c in _of(talk, messages, random_state=seed)[:6]]
    broken = sum(c.moves_at is not None for c in drawn) / len(drawn)
    assert 0.3 < broken < 0.5


def test_the_same_seed_draws_the_same_components(talk: Talk) -> None:
    def draw(seed: int | str) -> list[ExactComponent]:
        return exact_components(talk(("a boat to Marlow", "noted")), 5, random_state=seed)

    assert draw(1) == draw(1)
    assert draw("epoch-1") == draw("epoch-1")
    assert draw(1) != draw(2)
    assert len({c.component.id for c in draw(1)}) == 5


def test_nobody_speaking_means_no_components(talk: Talk) -> None:
    assert exact_components(talk(opening="Hello?"), 5) == []

"""What the features of a component say about a turn: whose words they are, and nothing from later turns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracker.conversation import Conversation, Turn
from tracker.goal import Component, Goal, Status
from tracker.lexical import NAMES, Featuriser, Lexicon, names
from tracker.lexical.text import read_text

LAMP = Component.model_validate({"id": "o", "category": "objective", "text": "Return the green lamp."})
MONEY = Component.model_validate(
    {"id": "q", "category": "requirement", "text": "The refund is 40 euros.", "objective": "o"}
)
WISH = Component.model_validate(
    {"id": "w", "category": "preference", "text": "You would like a voucher.", "objective": "o"}
)


def policy(text: str) -> Component:
    return Component.model_validate({"id": "r", "category": "policy", "text": text})


RULE = policy("If the agent offers a voucher, mention the newspaper.")
GOAL = Goal(components=(LAMP, MONEY, WISH, RULE))


def named(featuriser: Featuriser, component: Component, previous: Status | None = None) -> dict[str, float]:
    values = featuriser.features(component, previous or component.start)
    return dict(zip(NAMES, values, strict=True))


def test_words_count_for_who_said_them() -> None:
    read = Featuriser(Lexicon(), GOAL).after(Turn(1, "I am returning a green lamp!", "Which order is it?"))
    of_lamp, of_wish = named(read, LAMP), named(read, WISH)
    assert of_lamp["share in message"] == 1
    assert of_lamp["share in reply"] == of_wish["share in message"] == 0
    assert of_lamp["share in message over the others'"] == 0
    assert named(read, MONEY)["objective's share in message"] == 1


def test_a_word_that_many_components_have_counts_less() -> None:
    read = Featuriser(Lexicon(), GOAL).after(Turn(1, "A voucher?", "The newspaper."))
    of_rule = named(read, RULE)
    assert 0 < of_rule["share in message"] < of_rule["share in reply"]


def test_what_was_said_before_is_told_from_what_is_new() -> None:
    first = Featuriser(Lexicon(), GOAL, opening="Is it about a lamp?").after(
        Turn(1, "Yes, a green one.", "I see.")
    )
    second = first.after(Turn(2, "I want to return the green lamp.", None))
    before, now = named(first, LAMP), named(second, LAMP)
    assert before["share in the last reply"] == before["share heard before"] > 0
    assert now["share in the last reply"] == 0
    assert now["share said before"] == before["share in message"] > 0
    assert now["share new in message"] == pytest.approx(1 / 3)
    assert (before["no reply"], now["no reply"]) == (0, 1)
    # Reading on left the earlier reading as it was.
    assert named(first, LAMP) == before


def test_numbers_and_refusals_are_looked_for_where_the_component_is_spoken_of() -> None:
    reply = "Your order has 3 parts. Unfortunately the refund is 25 euros. Anything else?"
    of_money = named(Featuriser(Lexicon(), GOAL).after(Turn(1, "And the refund?", reply)), MONEY)
    assert of_money["other numbers in reply"] == 2
    assert of_money["other numbers in nearest of reply"] == 1
    assert of_money["refusal in nearest of reply"] == 1
    assert of_money["question in nearest of reply"] == 0
    assert of_money["numbers in reply"] == 0


def test_a_rule_is_told_from_its_condition() -> None:
    read = Featuriser(Lexicon(), GOAL).after(Turn(1, "The lamp is broken.", "We offer you a voucher."))
    read = read.after(Turn(2, "I saw it in the newspaper.", "Oh."))
    of_rule = named(read, RULE)
    assert of_rule["has a condition"] == 1
    assert of_rule["condition's share in last reply"] > 0
    assert of_rule["deed's share in message"] > 0
    assert of_rule["condition's share in message"] == of_rule["deed's share in last reply"] == 0
    assert named(read, LAMP)["has a condition"] == 0


def test_a_rule_about_the_order_is_followed_to_what_came_before() -> None:
    rule = policy("Ask about the deposit before you mention the cello.")
    goal = Goal(components=(rule,))
    first = Featuriser(Lexicon(), goal).after(Turn(1, "How much is the deposit?", "50."))
    second = first.after(Turn(2, "It is a cello.", "Fine."))
    before, now = named(first, rule), named(second, rule)
    assert before["this in message"] > before["this said before"] == 0
    assert now["this said before"] > 0
    assert now["that in message"] > before["that in message"] == 0
    assert named(Featuriser(Lexicon(), GOAL).after(Turn(1, "A cello.", "")), LAMP)["that in message"] == -1


def test_what_a_rule_asks_for_is_looked_for_as_an_act() -> None:
    rule = policy("Never say thanks when the agent is sorry.")
    read = Featuriser(Lexicon(), Goal(components=(rule,))).after(Turn(1, "A lamp, please.", "Sorry, no."))
    kept, broken = (named(read.after(Turn(2, message, "Bye.")), rule) for message in ("I see.", "Thank you!"))
    assert kept["condition's acts in last reply"] == broken["condition's acts in last reply"] == 2
    assert (kept["deed's acts in message"], broken["deed's acts in message"]) == (0, 1)
    assert kept["deed is ruled out"] == kept["deed begins with a no"] == 1
    assert named(read, rule)["condition's acts in last reply"] == 0


def test_another_value_in_place_of_the_components_is_seen() -> None:
    friday = Component.model_validate(
        {"id": "p", "category": "profile", "text": "You travel with two children on Friday."}
    )
    goal = Goal(components=(friday,))
    same, other, neither = (
        named(Featuriser(Lexicon(), goal).after(Turn(1, message, None)), friday)
        for message in ("2 children, please, for Friday.", "My 3 children, Monday.", "Four chairs, please.")
    )
    assert (same["things of the same value in message"], same["kinds of the same value in message"]) == (1, 2)
    assert other["things of another value in message"] == 1
    assert other["kinds of another value in message"] == 1
    assert all(
        neither[f"{what} of {value} value in message"] == 0
        for what in ("things", "kinds")
        for value in ("the same", "another")
    )


def test_how_long_ago_a_component_was_spoken_of_is_remembered() -> None:
    read = Featuriser(Lexicon(), GOAL)
    for turn, message in enumerate(("The green lamp.", "Hm.", "Well."), start=1):
        read = read.after(Turn(turn, message, "Sorry, one moment?"))
    of_lamp, of_wish = named(read, LAMP), named(read, WISH)
    assert of_lamp["turns since a message spoke of it"] == 1
    assert of_lamp["most in an earlier message"] > of_lamp["share in the message before"] == 0
    assert of_wish["turns since a message spoke of it"] > 3
    assert of_lamp["replies with refusal"] == of_lamp["replies with a question"] == 3
    assert of_lamp["words of a message, mean"] == pytest.approx(5 / 3)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    lexicon = Lexicon(conversations=100, counts={"green": 90}, common=Lexicon().common)
    read = Featuriser(lexicon, GOAL)
    green, lamp = (
        named(read.after(Turn(1, message, None)), LAMP) for message in ("It is green.", "It is a lamp.")
    )
    assert 0 < green["share in message"] < lamp["share in message"]
    assert green["rarest word in message"] < green["rarest word not in message"]


def test_common_words_are_features_of_their_own(conversation: Conversation) -> None:
    lexicon = Lexicon.of([conversation])
    first, second, *_ = conversation.turns
    read = Featuriser(lexicon, conversation.goal).after(first).after(second)
    for component in conversation.goal:
        found = names(lexicon, component.category)
        values = dict(zip(found, read.features(component, component.start), strict=True))
        assert len(values) == len(found) > len(NAMES)
        for name, content in (
            ("message", second.user),
            ("reply", second.assistant),
            ("last reply", first.assistant),
            ("component", component.text),
        ):
            asked = {f: value for f, value in values.items() if f[0] in "'\"" and f.endswith(f"in {name}")}
            if name == "reply":
                asked = {f: value for f, value in asked.items() if not f.endswith("in last reply")}
            own = {f"{word!r} in {name}" for word in read_text(content).words}
            assert {f for f, value in asked.items() if value} == own & asked.keys() != set()


def test_the_status_before_is_a_feature() -> None:
    read = Featuriser(Lexicon(), GOAL).after(Turn(1, "The lamp.", "No."))
    assert named(read, LAMP)["moved before"] == 0
    assert named(read, LAMP, Status.ATTEMPTED)["moved before"] == 1


def test_features_are_the_same_in_every_run() -> None:
    """Sets of words come in another order with every hash seed; nothing may depend on it."""
    script = (
        "import random; from test_lexical_features import *\n"
        "random.seed(0); words = [a + b + 'm' for a in 'bdfgklmnprst' for b in 'aiou']\n"
        "texts = [' '.join(random.sample(words[: 6 + 5 * n], 6)) for n in range(8)]\n"
        "goal = Goal(components=tuple(LAMP.model_copy(update={'id': t, 'text': t}) for t in texts))\n"
        "read = Featuriser(Lexicon(), goal)\n"
        "for turn in range(1, 30):\n"
        "    read = read.after(Turn(turn, *(' '.join(random.sample(words, 12)) for _ in range(2))))\n"
        "    for component in goal: print(read.features(component, component.start))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("message", ["?!", "🙂", "x" * 3000, "İ ß ﬁ \n\n ...", "1.2.3,4:5"])
def test_any_message_has_features(message: str) -> None:
    read = Featuriser(Lexicon(), GOAL).after(Turn(1, message, None))
    for component in GOAL:
        values = read.features(component, component.start)
        assert len(values) == len(NAMES) == len(set(NAMES))
        assert all(value == value and abs(value) < 1e6 for value in values)

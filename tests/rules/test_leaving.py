"""Rules about the end: they are broken by a message that takes leave, and by no other."""

from __future__ import annotations

import pytest

from tracker.rules.leaving import read_leaving


def broken_at(rule: str, *messages: str) -> int:
    breaks = read_leaving(rule)
    assert breaks is not None, rule
    return next((n for n in range(1, len(messages) + 1) if breaks(messages[:n])), 0)


def test_thanks_before_leaving_may_come_at_any_time() -> None:
    rule = "Thank the agent before you leave."
    assert broken_at(rule, "Thanks, that helps.", "Goodbye.") == 0
    assert broken_at(rule, "A room.", "That is all. Bye.") == 2
    assert broken_at(rule, "A room.", "Yes.") == 0


def test_thanks_in_the_last_message_come_there() -> None:
    rule = "You thank the agent in your last message."
    assert broken_at(rule, "Thanks.", "Then we are done for today.") == 2
    assert broken_at(rule, "A room.", "Thank you, goodbye.") == 0


@pytest.mark.parametrize(
    "rule",
    [
        "Before you sign off, thank the tailor.",
        "Do not let the chat end without a thank-you.",
        "Leave no conversation without a word of thanks.",
        "Thank the shop before you go, however it went.",
    ],
)
def test_thanks_before_leaving_in_other_words(rule: str) -> None:
    assert broken_at(rule, "Thanks, that helps.", "Fine.", "Goodbye.") == 0
    assert broken_at(rule, "A room.", "That is all. Bye.") == 2


@pytest.mark.parametrize(
    "rule",
    [
        "Close with a word of thanks.",
        "Take your leave with thanks.",
        "Put a word of thanks into your last message.",
        "Let your last message hold a thank-you.",
        "Your very last message has to hold a thank-you.",
        "Say thank you when you sign off.",
    ],
)
def test_thanks_in_the_last_message_in_other_words(rule: str) -> None:
    assert broken_at(rule, "Thanks.", "Then we are done for today.") == 2
    assert broken_at(rule, "A room.", "Thank you, goodbye.") == 0


def test_at_the_end_may_be_a_message_before_the_goodbye() -> None:
    assert read_leaving("Thank the agent at the end unless nothing came of it.") is None
    rule = "Thank the agent at the end, whatever came of it."
    assert broken_at(rule, "A room.", "Thanks a lot.", "Bye.") == 0
    assert broken_at(rule, "Thanks.", "A room.", "Fine.", "Bye.") == 4


def test_good_wishes_at_the_end() -> None:
    for rule in ("Wish the agent a good day when you leave.", "Part with a good wish for the agent."):
        assert broken_at(rule, "A room.", "That is all. Have a nice one!") == 0
        assert broken_at(rule, "Good day.", "That is all. Thanks, bye.") == 2


def test_what_is_asked_for_in_the_plural_may_be_asked_in_the_singular() -> None:
    assert broken_at("Ask about the fees before you leave.", "What is the fee?", "Bye.") == 0


def test_please_at_least_once() -> None:
    rule = 'Say "please" at least once in the conversation.'
    assert broken_at(rule, "A room, please.", "Bye.") == 0
    assert broken_at(rule, "A room.", "Fine.", "Bye.") == 3


def test_leaving_without_thanks_is_asked_for_or_ruled_out() -> None:
    for rule in ("Don't leave without a word of thanks.", "Never leave the chat without thanking the agent."):
        assert broken_at(rule, "No thanks, the 16th is no good.", "That is all. Bye.") == 0
        assert broken_at(rule, "A room.", "That is all. Bye.") == 2
    rule = "Leave without a word of thanks."
    assert broken_at(rule, "A room.", "That is all. Bye.") == 0
    assert broken_at(rule, "Thanks for asking: a room.", "Thank you, bye.") == 2


@pytest.mark.parametrize(
    "goodbye",
    [
        "No that 's all , bye .",
        "That 'll be everything !",
        "That was all I needed.",
        "No, all done",
        "Ciao!",
        "I am obliged to you. Good day.",
        "I'll bring the dog. Till the 17th!",
        "It's in my diary now. I wish you a pleasant afternoon.",
        "No, I think that is all.",
        "Perfect, no, that's everything for today.",
        "Good. I'm off to bed now.",
    ],
)
def test_goodbyes_are_seen_in_texts_of_tokens_too(goodbye: str) -> None:
    assert broken_at("Thank them as you leave.", "A room.", goodbye) == 2


@pytest.mark.parametrize(
    "said",
    [
        "It must run on Windows 11.",
        "Sorry it took so long.",
        "I have a meeting on Friday afternoon.",
        "I have to run it by my husband first.",
        "I can wait until tomorrow.",
        "The card is good until next summer.",
        "I'd take it so long as it has breakfast.",
        "We have the rest of the day.",
        "Please take care of the booking for me.",
        "A room for two nights, that's all.",
        "That's everything for the hotel. Now I need a train to York.",
        "We are off to Spain on 3 June, so I need insurance.",
        "The insurance pays it, I'm off work as it is.",
        "My contract is at an end, I need a new one.",
        "I would be glad to see you bring two.",
        "That's all right with me, I would like it at 19:00.",
        "That will be all right.",
        "That's all very well, and yet I need it.",
        "If there is nothing else, book the afternoon.",
        "Nothing else fits, so book the first.",
        "Please take care that the room is quiet.",
        "I need a quiet room for a good night's sleep.",
        "Ok, I see you don't allow dogs.",
        "I want it all done by Friday.",
        "We're done with the hotel, now a train to York.",
        "I'm off to Spain next week.",
        "That was all the money I had.",
        "I need a cake for a farewell party.",
    ],
)
def test_words_of_goodbyes_are_not_goodbyes_elsewhere(said: str) -> None:
    assert broken_at("Thank them as you leave.", "A room.", said) == 0


def test_a_greeting_is_no_goodbye() -> None:
    assert broken_at("Thank them as you leave.", "Good evening.") == 0
    assert broken_at("Thank them as you leave.", "A room.", "Good evening.") == 2
    assert broken_at("Thank them as you leave.", "Ciao, I need a room.") == 0
    assert broken_at("Thank them as you leave.", "A room.", "Ciao!") == 2
    assert broken_at("Wish them a good day as you leave.", "A room.", "Ciao and thanks!") == 2


@pytest.mark.parametrize(
    "rule", ["Ask for a case number before you leave.", "Before you leave, ask for a case number."]
)
def test_what_is_to_be_asked_before_leaving(rule: str) -> None:
    assert broken_at(rule, "What is the case number?", "Bye.") == 0
    assert broken_at(rule, "What does it cost?", "Bye.") == 2
    assert broken_at(rule, "Give me the case number.", "Bye.") == 0
    assert broken_at(rule, "In this case, book it.", "Bye.") == 2


def test_a_condition_on_what_is_to_be_asked_is_left_to_the_model() -> None:
    assert read_leaving("Before you leave, ask for the number if you have not been given one.") is None


@pytest.mark.parametrize(
    "rule",
    [
        "Thank the agent by name before you leave.",
        "Ask for tea before you eat.",
        "Thank the agent for a room before you go over to the meal.",
        "Thank the agent at the end, but not before.",
        "Close with no more than two sentences.",
        "Take your leave with thanks and a bye.",
        "Wish the agent a good day.",
        "Ask for an ID before you leave.",  # too short a word to be looked for
        "Ask about parking and breakfast before you leave.",
        "Ask for a discount three times before you leave.",
        "Before you leave, ask whether there is anything else to pay.",
    ],
)
def test_other_rules_are_left_to_the_model(rule: str) -> None:
    assert read_leaving(rule) is None

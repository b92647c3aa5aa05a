"""Which rules of style code reads, which it leaves to the model, and which message breaks them."""

from __future__ import annotations

import pytest

from tracker.rules.style import read_style


def broken_at(rule: str, *messages: str) -> int:
    """The message, counted from 1, that breaks a rule; 0 for none."""
    breaks = read_style(rule)
    assert breaks is not None, rule
    return next((n for n in range(1, len(messages) + 1) if breaks(messages[:n])), 0)


@pytest.mark.parametrize(
    ("rule", "keeps", "breaks"),
    [
        ("Never use an exclamation mark.", "A room, please.", "A room!"),
        ("None of your messages has an exclamation mark in it.", "Yes.", "Yes!"),
        ("You never send a message without an exclamation mark.", "Yes!", "Yes."),
        ("Put an exclamation mark in every message.", "Yes!", "Yes."),
        ("Use no question marks.", "Tell me the price.", "What does it cost?"),
        ("Do not use any emojis.", "Fine.", "Fine 🙂"),
        ("Put at least one emoji into every message.", "Fine 🙂", "Fine."),
        ('Say "please" in every message.', "A room, please.", "A room."),
        ("Never say please.", "A room.", "A room, please."),
        ('Say "please" whenever you ask for something.', "Yes, the first.", "Could you book the first?"),
        ("Say please in every message that asks for something.", "A room, please.", "I need a room."),
        ("Say please in each message that asks for something.", "A room, please.", "I need a room."),
        ("Say please or thank you in every message.", "A room, please. Thanks!", "A room."),
        ("Thank the vintner in every message.", "Six bottles. Thank you!", "Six bottles, please."),
        ("Sign each message with your initials, K. M.", "Row three. K. M.", "Row three. M. K."),
        ("You use neither “please” nor “thank you”.", "A room.", "A room, thanks."),
        ("Thank the agent in every message.", "Thank you, yes.", "Yes."),
        ("Write in lower case only.", "a room in rome", "a room in Rome"),
        ("Write all your messages in lower case, without any capital letter.", "hi", "Hi"),
        ("Never put a word in capitals to stress it.", "I need it now.", "I need it NOW."),
        ("At least one word in each of your messages is in capitals.", "I need it NOW.", "I need it."),
        ("End every message with a question.", "A room. Is there one?", "Is there one? Good."),
        ("Close every message with a full stop.", "Yes.", "Yes"),
        ('End every message with the word "cheers".', "A room, cheers!", "Cheers for that."),
        ('Never use "!".', "A room.", "A room!"),
        ('Never write "...".', "Well.", "Well..."),
        ('End every message with "!".', "A room!", "A room."),
        ('Begin every message with "👋".', "👋 A room.", "A room."),
        ('Use the words "sir" and "kindly" in every message.', "Kindly, sir.", "Hello, sir."),
        ('Never say "sir" or "kindly".', "Hello.", "Hello, sir."),
        (
            "Use at most five words in all your messages.",
            "One, two, three.",
            "One, two, three, four, five, six.",
        ),
        ('Sign every message with "M. Renaud".', "A room.\nM. Renaud", "A room."),
        ("Sign every message with your initials, B.T.", "A room. B.T.", "A room."),
        ("You end every message with your subscriber number, 6130.", "Hello, 6130.", "Hello."),
        ("You begin each of your messages with a greeting.", "Hello, a room.", "A room."),
        ('Call the agent "mate" in every message.', "All right, mate.", "All right."),
        ("Ask at most one question in each message.", "What? Fine.", "What? When?"),
        ("Only one question in a message.", "The corner table.", "What? When?"),
        ("Ask only one question in each message.", "Is it free?", "When is it, and what does it cost?"),
        ("Open each message with a greeting.", "Morning. My bus is late.", "In the morning. Fine."),
        ("There is a question in every message of yours.", "What?", "Fine."),
        ("Write every message as a single sentence.", "A room in Rome.", "Hello. A room in Rome."),
        ("Write exactly one sentence in every message.", "Mr. Renaud sent me.", "Mr. Renaud. Hello."),
        ("Keep every message to two sentences at most.", "One. Two.", "One. Two. Three."),
        ("None of your messages has more than two sentences.", "One. Two.", "One. Two. Three."),
        ("Keep each message under five words.", "One two three four.", "One two three four five."),
        ("Let no message run to more than three words.", "One two three.", "One two three four."),
        ("Every message of yours has at least three words.", "One two three.", "One two."),
        ("You never write fewer than three words in a message.", "One two three.", "One two."),
        ("Keep each message under five words.", "Two at 19:30, please.", "A sum of 1,500 now."),
        ("Write exactly one sentence in every message.", "At 5 p.m. on Friday.", "At 5 p.m. Two of us."),
        ("Use at most one emoji in each message.", "Us 👨‍👩‍👧!", "Us 👍🏽⭐"),
        (
            "Ask at most one question in each message.",
            "Fine. And what does it cost?",
            "What is it and how is it?",
        ),
        ("Ask at most one question in each message.", "Friday suits me, and when can you come?", "Who? Why?"),
        (
            "Ask at most one question in each message.",
            "Do you know what is wrong and what is missing?",
            "A? B?",
        ),
        ("Keep to one question a message.", "The second.", "Which? Where?"),
        ("Put a single question into a message.", "The second.", "Which? Where?"),
        ("Ask one question at a time.", "The second.", "Which? Where?"),
        ("Keep your messages to one or two sentences.", "Yes.", "One. Two. Three."),
        ("Every message is one or two sentences long.", "One. Two.", "One. Two. Three."),
        ("Write two to three sentences in each message.", "One. Two.", "One."),
        ("Keep each message to 5 words.", "A room.", "One two three four five six."),
        ("Write exactly two sentences in each message.", "No. That is too late.", "No."),
        ("Write exactly one sentence in each message.", "Tea, milk, etc. for two.", "So do I. Book it."),
        ("Write exactly one sentence in each message.", "From Jan. 3 to Feb. 4.", "In Jan. We go."),
        ('Begin every message with "Hi".', "Hi, a room.", "History is my subject."),
        ('End every message with "over".', "A room, over.", "It is the turnover."),
        ("Do not write words in capitals.", "From LHR with the USB stick.", "I need it NOW."),
        ("Do not write words in capitals.", "A TV with HDMI, and IKEA shelves.", "I hold that I WANT it."),
        ("Thank the agent in every message.", "Thank you, that will do.", "Thank God it is not far."),
        ("Open each message with a greeting.", "Dear Ms Bell, a room.", "Oh dear, a dear room."),
        ("Keep it short: two sentences per message.", "Yes.", "One. Two. Three."),
        ("Write two sentences at least in each message.", "One. Two. Three.", "One."),
        ("Reply in two sentences, never more.", "Yes.", "One. Two. Three."),
        ("Write every message as a single sentence.", "Hello,\nI need a room! 🙂", "One.\nTwo."),
        ("You write every message as one single sentence.", "A room in Rome.", "Hello. A room in Rome."),
        ("Make every answer a single sentence.", "A room in Rome.", "Hello. A room in Rome."),
        ("Answer in no more than two sentences.", "One. Two.", "One. Two. Three."),
        ("Write two sentences a message at most.", "One. Two.", "One. Two. Three."),
        ("Write at least two sentences each time.", "One. Two.", "One."),
        ("Never write more than two sentences at once.", "One. Two.", "One. Two. Three."),
        ("Write no more than two sentences in any one message.", "One. Two.", "One. Two. Three."),
        ("Keep every message within two sentences.", "One. Two.", "One. Two. Three."),
        ("No message of yours is to run past two sentences.", "One. Two.", "One. Two. Three."),
        ("No message of yours has four words or more.", "One two three.", "One two three four."),
        ("Be brief: no more than three words a message.", "One two three.", "One two three four."),
        ("Write no message that is a single word.", "Yes, please.", "Yes."),
        ("Never answer with a single word.", "Yes, please.", "Yes."),
        ("Stay under a dozen words in every message.", "A room.", "1 2 3 4 5 6 7 8 9 10 11 12"),
        ("Never ask two questions in one message.", "The second.", "Which? Where?"),
        ("Put one question in a message, never more.", "The second.", "Which? Where?"),
        ("Show your joy with an exclamation mark in every message.", "Yes!", "Yes."),
        ("Leave exclamation marks out of what you write.", "Yes.", "Yes!"),
        ("Use no emojis, even if they do.", "Fine.", "Fine 🙂"),
        ('Never use contractions such as "don\'t" or "I\'m".', "It is Anna's room.", "It’s a room."),
        ("Don't use contractions.", "At ten o'clock.", "My name's Anna."),
        ("Write all numbers as words.", "Two rooms.", "2 rooms."),
        ("Use no capital letters at all.", "a room in rome", "a room in Rome"),
        ("Don't use capital letters for emphasis.", "A room in Rome.", "I need it NOW."),
        ("Write no whole word in capitals.", "A room in Rome.", "I need it NOW."),
        ("Begin every message with a capital letter.", "2 rooms? Two.", "two rooms in Rome."),
        ("Start no message with a capital letter.", "two rooms in Rome.", "Two rooms."),
    ],
)
def test_a_rule_of_every_message(rule: str, keeps: str, breaks: str) -> None:
    assert broken_at(rule, keeps, keeps) == 0
    assert broken_at(rule, keeps, breaks, keeps) == 2


def test_a_rule_of_the_first_message_alone() -> None:
    assert broken_at("Apologise to the agent in your first message.", "Sorry to bother you.", "A room.") == 0
    assert broken_at("Apologise to the agent in your first message.", "A room.", "Sorry!") == 1
    assert broken_at("Begin with a greeting.", "Hello.", "A room.") == 0
    assert broken_at("Begin with a greeting.", "Buongiorno, a room.", "A room.") == 0
    assert broken_at("Do not greet the agent in your first message.", "Hello.") == 1
    assert broken_at("Open the talk without a greeting.", "Hello.") == 1
    assert broken_at("A word of greeting has to open the conversation.", "Hello.", "A room.") == 0
    assert broken_at('Say "please" in your first message.', "A room.", "Please.") == 1
    assert broken_at("Put a please into your opening message.", "A room, please.", "Two nights.") == 0


def test_a_rule_of_the_whole_conversation() -> None:
    rule = "Ask no more than two questions in the whole conversation."
    assert broken_at(rule, "What?", "Fine.", "When?", "Where?") == 4
    rule = "Keep to a single exclamation mark in the whole talk."
    assert broken_at(rule, "Hello!", "Fine.", "Great!") == 3


@pytest.mark.parametrize(
    "rule",
    [
        "Say please in every message in which you ask for money.",
        "Never use an exclamation mark unless the agent does.",
        "If you are refused, use an exclamation mark in every message.",
        "Ask at most two questions about prices.",
        "Use capital letters for nothing but the voucher code.",
        "Never ask a question.",
        "Keep to a formal tone.",
        "Answer each question of the agent with a single word.",
        "Use emojis.",
        "Say please and thank you in every message.",
        "Thank the clerk in every message after the first.",
        "Write at most twenty five words in every message.",
        "Do not put two matters into one message.",
        "Never insult the agent.",
        "Mention the allergy in your first message.",
        "Never write more than the first three words of your code.",
        "Never use exclamation marks, not even one.",
        "Do not use any emojis, none at all.",
        "You never, never use an exclamation mark.",
        "Always say please.",
        "Always thank the agent.",
        "Never write in capitals.",
        "Don't write in capital letters.",
        'Speak of "we" and "us", never of "I".',
        'Say "please" in every message, not "pls".',
        'Never say "yes"; say "aye".',
        "Use digits, not words.",
        "You may use emojis in every message.",
        "You are free to use exclamation marks.",
        "You do not have to use an emoji in every message.",
        "Not every message has an emoji.",
        "Don't always say please.",
        "Say please in at least one of all your messages.",
        "Greet the agent only in the first message.",
        "Only thank the agent in your first message.",
        "Ask for one question at a time.",
        "Every message must start with a greeting.",
        "A greeting has to open every message of yours.",
        "Say please from the first message on.",
        "Begin your first message with please.",
        "Never answer in two words.",
        "Never send a message of only two words.",
        "Never send just an emoji.",
        "Use an emoji every time they do.",
        "Use no emojis even when you are happy except in your last message.",
        "Say please in any one message.",
        "Never write in only capitals.",
        "Write your number in words.",
        "Answer no more than one question in a message.",
        "Answer yes-or-no questions in a single sentence.",
        "Answer with one sentence when you are asked for your opinion.",
        "Say please in your first request.",
        "Never put two exclamation marks in a row.",
        "Use no emojis unless they do, however it goes.",
        "Write your address in capital letters.",
    ],
)
def test_what_takes_judgement_is_left_to_the_model(rule: str) -> None:
    assert read_style(rule) is None

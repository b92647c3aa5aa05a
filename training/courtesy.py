"""Rules about greeting, thanking, asking politely, and words or subjects that are not to come up.

A table: each rule has a name, many wordings, and the function that decides it.
"""

from __future__ import annotations

import re

from tracker.farewell import is_farewell
from tracker.rules.measures import GREETING, PLEASE, SORRY, THANKS, count_words
from training.rules import DOUBT, Moves, Rule, Turns, Verdict, always, judged, more_than, never

_ASKS = re.compile(r"\?|\b(?:could|can|would) you\b", re.I)
_NO_REQUEST = 2
"""Words of a message without a question that is too short to ask for much."""


def courtesy_rules() -> list[Rule]:
    """Every rule about courtesy, in the order of the table."""
    return [
        Rule(
            "never please",
            (
                "Never say please.",
                "You do not use the word please.",
                "Ask for things without saying please.",
                'The word "please" is not in your messages.',
                "You never write please.",
                "Do without the word please.",
            ),
            never(PLEASE),
        ),
        Rule(
            "please in each",
            (
                'Say "please" in every message.',
                "Every message of yours has the word please in it.",
                "You say please in each message.",
                'Use the word "please" in all your messages.',
                "No message of yours is without a please.",
                "Put a please into every message.",
            ),
            always(PLEASE),
            usual=True,
        ),
        Rule(
            "please with questions",
            (
                "Say please in every message that asks for something.",
                'Say "please" whenever you ask for something.',
                "Say please in every message in which you ask for something.",
                "You never ask for anything without saying please.",
                "Whenever a message of yours asks for something, it says please.",
                "Add a please to every request.",
            ),
            judged(_asks_politely),
            usual=True,
        ),
        Rule(
            "never thanks",
            (
                "Never thank the agent.",
                "You do not say thanks at any point.",
                "Leave out every thank-you.",
                "You never write thank you.",
                "Do not thank anybody.",
                "No word of thanks comes from you.",
            ),
            never(THANKS),
        ),
        Rule(
            "thanks once at most",
            (
                "Thank the agent no more than once.",
                "You thank the agent once at most.",
                "Do not thank the agent a second time.",
                "Say thanks in no more than one message.",
                "Not more than one of your messages has a thank-you in it.",
                "Never thank the agent in two messages.",
            ),
            more_than(lambda text: int(THANKS.search(text) is not None), 1),
            usual=False,
        ),
        Rule(
            "thanks in each",
            (
                "Thank the agent in every message.",
                "You say thanks in each message.",
                "Every message of yours has a word of thanks.",
                "No message of yours is without a thank-you.",
                "Put a thank-you into all your messages.",
                "Whatever you write, thank the agent in it.",
            ),
            always(THANKS),
            usual=True,
        ),
        Rule(
            "thanks in the last",
            (
                "Thank the agent in your last message.",
                "Your last message thanks the agent.",
                "Thank the agent as you take your leave.",
                "You say thank you in your closing message.",
                "Say thanks when you say goodbye.",
                "When you take leave, thank the agent.",
                "Let a thank-you be part of your farewell.",
            ),
            _thanks_at_the_end,
            usual=False,
        ),
        Rule(
            "thanks before leaving",
            (
                "Thank the agent before you leave.",
                "Do not leave without having thanked the agent.",
                "Thank the agent before you go.",
                "Before the conversation ends, thank the agent.",
                "You thank the agent at least once before you say goodbye.",
                "At some point, say thank you to the agent.",
            ),
            _thanks_at_all,
            usual=False,
        ),
        Rule(
            "greets",
            (
                "Begin with a greeting.",
                "You greet the agent in your first message.",
                "Your first message has a greeting in it.",
                "Say hello first.",
                "Start the conversation with a hello.",
                "Open with a greeting.",
            ),
            lambda turns: 1 if turns and not GREETING.search(turns[0].user) else None,
        ),
        Rule(
            "no greeting",
            (
                "Never begin with a greeting.",
                "You do not greet the agent in your first message.",
                "Come to the point in your first message, without a hello.",
                "There is no greeting in your first message.",
                "Start without saying hello.",
                "Leave the greeting out when you begin.",
            ),
            lambda turns: 1 if turns and GREETING.search(turns[0].user) else None,
        ),
        Rule(
            "never sorry",
            (
                "Never apologise.",
                "You do not say sorry.",
                "Never say that you are sorry.",
                'The word "sorry" does not come from you.',
                "Apologise for nothing.",
                "You never ask to be excused and never say sorry.",
            ),
            never(SORRY),
            usual=False,
        ),
        Rule(
            "sir or madam",
            (
                'Call the agent "sir" or "madam" in every message.',
                "Say sir or madam in each message.",
                "Every message of yours addresses the agent as sir or madam.",
                "You never write to the agent without a sir or a madam.",
                "Use sir or madam whenever you write.",
                'There is a "sir" or a "madam" in all of your messages.',
            ),
            always(re.compile(r"\b(?:sir|madam|ma['’]am)\b", re.I)),
            usual=True,
        ),
    ]


def _asks_politely(text: str) -> Verdict:
    if PLEASE.search(text):
        return Verdict.KEEPS
    if _ASKS.search(text):
        return Verdict.BREAKS if re.search(r"\b(?:could|can|would) you\b", text, re.I) else Verdict.DOUBTFUL
    return Verdict.KEEPS if count_words(text) <= _NO_REQUEST else Verdict.DOUBTFUL


def _leaves(turns: Turns) -> bool:
    """Whether the last message, and none before it, takes leave."""
    return is_farewell(turns[-1].user) and not any(is_farewell(turn.user) for turn in turns[:-1])


def _thanks_at_the_end(turns: Turns) -> Moves:
    if any(is_farewell(turn.user) for turn in turns[:-1]):
        return DOUBT
    if THANKS.search(turns[-1].user):
        return None
    return turns[-1].index if _leaves(turns) else DOUBT


def _thanks_at_all(turns: Turns) -> Moves:
    if any(THANKS.search(turn.user) for turn in turns):
        return None
    return turns[-1].index if _leaves(turns) else DOUBT

"""Rules about what a user says before it leaves: thanks, a good wish, a please, or a question.

Knows how such a rule is worded and what a last message looks like; a message that takes no leave is never
held for the last one. Knows nothing about goals or about what the agent says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tracker.farewell import CLOSED, is_farewell, sentences
from tracker.rules.measures import PLEASE, THANKS, WISHES
from tracker.rules.wording import AGENT, THANK, one_line, without_concession

_LEAVES = re.compile(
    rf"\b(?:see ya|we(?:'re| are) done(?:(?= here\b| now\b| then\b| for today\b)|{CLOSED})|good day to you"
    rf"|i'?(?:ll be|m) off(?:(?= now\b| then\b)|{CLOSED})"
    rf"|that'?s sorted|(?:i'?m|am) all set|(?<!it )all done{CLOSED}|(?:i (?:believe|think|guess) )that'?s it"
    r"|that (?:was|will be|'?ll be) (?:all|everything|it)(?! (?:the|my|our|of|right|good|fine|ok|okay)\b)"
    rf"|(?:bye|good) ?- ?bye|(?<!\ba )good night(?!['’]s){CLOSED})(?!\w)"
    # In the middle of a message these tell of something else, and a journey has a date.
    r"|\b(?:at an end|all sorted|off to(?!.*\b(?:week|month|year|summer|winter|spring|autumn|\w+day)\b)"
    r"(?: \w+){1,3})\W*$",
    re.I,
)
"""Goodbyes beside those of ``tracker.farewell`` that only count where a rule waits for one."""
_DAYS = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_LAST_WORDS = re.compile(
    r"(?:byee+|toodle\W?oo|cheerio|^so long)\W*$|\bciao\b"
    r"|^(?:and |then )*(?:have|enjoy|(?:i )?wish you) (?:an?|the|your) [\w ]*"
    r"(?:day|afternoon|evening|week|weekend)\W*$"
    rf"|\b(?:^|and |then )(?:until|till?) (?:then|tomorrow|next \w+|{_DAYS}|the \d+\w*|{_MONTHS})\W*$"
    r"|^good (?:day|afternoon|evening)\W*$|\bi(?:['’]ve)? (?:gotta|got to|must|have to) (?:run|dash)\W*$",
    re.I,
)
"""Goodbyes in the last sentence of a message that is not the first: ``"Till Friday!"``."""
_TALK = r"(?:chat|conversation|talk|call)"
_LEAVE = (
    rf"(?:(?:leave|end|close)(?: the {_TALK})?|go|part|finish|sign off|ring off|hang up|say goodbye"
    r"|take (?:your )?leave)"
)
_BEFORE = rf"before (?:you {_LEAVE}|the {_TALK} ends)"
_LAST_MESSAGE = r"(?:very )?(?:last|final|closing) (?:message|line|words)"
_LAST = rf"(?:in your {_LAST_MESSAGE}|(?:as|when) you {_LEAVE})"
_AT_THE_END = rf"at the (?:very )?end(?: of the {_TALK})?"
_WITHOUT = (
    rf"without (?:(?:any |a word of )?thanks|a thank[- ]you|thanking {AGENT}"
    rf"|having (?:said thank you|thanked {AGENT}))"
)
_LEAVE_WITHOUT = rf"(?:you )?{_LEAVE} {_WITHOUT}"
_NOT = r"(?:do not|don't|never) "
_NEVER_WITHOUT = rf"{_NOT}(?:{_LEAVE_WITHOUT}|let the {_TALK} end {_WITHOUT})|leave no {_TALK} {_WITHOUT}"
_AT_LEAST_ONCE = (
    r"(?:you )?(?:say|put in an?|use the word) [\"']?please[\"']? "
    rf"(?:(?:at least once|once at least)(?: {_BEFORE}| before you are done| in the {_TALK})?|{_BEFORE})"
)
_WISH = (
    rf"wish (?:{AGENT}|him|her) (?:well|luck"
    r"|something (?:good|nice|kind|pleasant)"
    r"|an? (?:good|nice|pleasant|lovely) (?:day|night|evening|afternoon|weekend))"
)


@dataclass(frozen=True)
class _Due:
    """How a rule asks for something to be said, and what a message has that says it."""

    worded: str
    said: re.Pattern[str]
    since: int = 0
    """In how many of the last messages it is due; 0 for all of them."""


def _due(do: str, thing: str, said: re.Pattern[str]) -> tuple[_Due, ...]:
    """What a user is told to do, or to have in its last message, by when it is due."""
    last = rf"(?:your|the) {_LAST_MESSAGE}"
    closing = (
        rf"(?:you )?{_LEAVE}(?: the agent)? (?:with|on) {thing}"
        rf"|(?:put|add) {thing} (?:in|into|to) {last}"
        rf"|(?:let {last}|{last} (?:must|should|has to|have to)) (?:hold|contain|have) {thing}"
    )
    return (
        _Due(rf"{do} {_BEFORE}|{_BEFORE},? {do}", said),
        _Due(rf"{do} {_LAST}|{_LAST},? {do}|{closing}", said, since=1),
        _Due(rf"{do} {_AT_THE_END}|{_AT_THE_END},? {do}|have {thing} {_AT_THE_END}", said, since=2),
    )


_DUE = (
    _Due(_NEVER_WITHOUT, THANKS),
    _Due(_AT_LEAST_ONCE, PLEASE),
    *_due(
        rf"(?:you )?(?:{THANK})",
        r"(?:a word of thanks|(?:warm )?thanks|a thank[- ]you)(?: for the [a-z]+)?",
        THANKS,
    ),
    *_due(rf"(?:you )?{_WISH}", rf"(?:an? (?:good|friendly) wish|good wishes)(?: for {AGENT})?", WISHES),
)
_ASK = r"(?:you )?ask (?:for|about|whether|if|what|how|when|which|who)"
_REQUEST = re.compile(
    r"\?|\b(?:please|tell me|let me know|(?:could|can|would) you|(?:can|may) i|i(?:'d| would) like"
    r"|(?:give|send|read|show|get) (?:me|us)|i(?:'d|'ll| would)? (?:also )?(?:need|want)"
    r"|what|how|when|which|who|where|whether|if|(?:is|are) there|do you|does|wonder(?:ing)?)\b",
    re.I,
)
"""What a sentence that asks for something has, with its sign or without."""
_MORE = re.compile(r"\b(?:and|or|if|unless|nothing|anything|something|once|twice|times|\d+)\b")
_SMALL = frozenset(
    "the and you your are there any has have had will does can that this another with for what how".split()
)
_STEM = 5
"""Letters by which two forms of a word are the same."""


def read_leaving(text: str) -> Callable[[Sequence[str]], bool] | None:
    """The check of such a rule, or ``None``; takes the user's messages, of which the last may break it."""
    plain = without_concession(one_line(text).lower())
    for due in _DUE:
        if re.fullmatch(due.worded, plain):
            return _unsaid(due.said.search, since=due.since)
    if re.fullmatch(_LEAVE_WITHOUT, plain):
        return lambda said: _leaves(said) and THANKS.search(said[-1]) is not None
    found = re.fullmatch(rf"{_ASK} (.+) {_BEFORE}", plain) or re.fullmatch(rf"{_BEFORE},? {_ASK} (.+)", plain)
    if found is None:
        return None
    wanted = _stems(found[1])
    # Two things, a condition, a number of times and "anything else" take more than a look at the words.
    if not wanted or _MORE.search(found[1]):
        return None

    def asked(message: str) -> bool:
        return any(
            2 * len(_stems(sentence) & wanted) >= len(wanted) and _REQUEST.search(sentence)
            for sentence in sentences(message)
        )

    return _unsaid(asked)


def _unsaid(says: Callable[[str], object], *, since: int = 0) -> Callable[[Sequence[str]], bool]:
    """Broken where the user leaves and no message says it, of the last ``since`` or, with 0, of all.

    Who says goodbye twice has two last messages.
    """

    def breaks(said: Sequence[str]) -> bool:
        if not _leaves(said):
            return False
        if since:
            twice = len(said) > 1 and _leaves(said[:-1])
            said = said[-since - twice :]
        return not any(map(says, said))

    return breaks


def _leaves(said: Sequence[str]) -> bool:
    message = said[-1]
    if is_farewell(message):
        return True
    if "?" not in message and _LEAVES.search(message):
        return True
    last = sentences(message)[-1]
    # "Good evening." greets where it is the first thing said.
    return len(said) > 1 and "?" not in last and _LAST_WORDS.search(last) is not None


def _stems(text: str) -> set[str]:
    words = (word for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in _SMALL)
    return {(word[:-1] if len(word) > 3 and word.endswith("s") else word)[:_STEM] for word in words}

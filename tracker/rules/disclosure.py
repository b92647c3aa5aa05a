"""Rules about giving a name, a date of birth or a number: never, or not before the agent asks for it.

Knows how such a rule is worded, what such a fact looks like in a message, and what asking for it looks like.
Knows nothing about probabilities. What a fact is stands in the goal, and is taken from there where it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from tracker.clauses import BULLET
from tracker.conversation import Turn
from tracker.farewell import sentences
from tracker.goal import Goal
from tracker.rules.wording import one_line

Gives = Callable[[str, str | None], bool]
"""Whether a message gives the fact, in view of what the agent said before it."""

_KINDS = (
    "phone|telephone|mobile|passport|account|customer|client|order|policy|insurance|booking|reservation|member"
    "|membership|student|staff|employee|reference|case|serial|card|subscriber|licence|license|invoice|ticket"
    "|contract|meter|lot|report|police report|server"
)
_FACT = (
    rf"(?:your|the) (?:own |new |office |home |full )?"
    rf"(?P<fact>(?:{_KINDS}) (?:number|id|code)|(?:first |last |family |sur)?name|date of birth"
    r"|e-?mail address)"
    r"(?:, [\w-]*\d[\w-]*,)?"
)
_GIVE = r"(?:give|tell|name|say|mention|reveal|share|type|write|state)(?: out| away)?"
_NOT = r"(?:never|do not|don't)"
_TO = r"(?: out| away| to (?:the agent|anybody|anyone)| in the chat)?"
_ASKED = (
    r"(?:(?:you are|you're|you have been) asked|(?:the agent|anybody|anyone|it) (?:asks|has asked"
    r"|wants to know))"
    r"(?: you)?(?: (?:for |about )?(?:it|them))?"
)
_NOT_EVEN = rf"(?:,? (?:not )?even (?:if|when) {_ASKED})?"
_NEVER = (rf"{_NOT} {_GIVE} {_FACT}{_TO}{_NOT_EVEN}", rf"keep {_FACT} to yourself{_NOT_EVEN}")
_UNTIL = (
    rf"{_NOT} {_GIVE} {_FACT}{_TO} (?:until|before|unless) {_ASKED}",
    rf"{_GIVE} {_FACT}{_TO},? only (?:when|if|once|after) {_ASKED}",
    rf"(?:keep|wait with) {_FACT}(?: to yourself)? until {_ASKED}",
)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_YEAR = r"(?:19|20)\d\d"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"\b\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}\b|\b{_DAY}(?: of)? (?:{_MONTHS})[a-z]*,? {_YEAR}\b"
    rf"|\b(?:{_MONTHS})[a-z]*\.? {_DAY},? {_YEAR}\b",
    re.I,
)
_CODE = r"(?:(?-i:[A-Z]{1,3}) )?[\w-]*\d[\w-]*"
"""A group of letters and digits, as "AB 47"; a number may have several."""
_E_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
_UPPER = "A-ZÀ-ÖØ-ÞĆČĎĐĞİŁŃŇŐŒŘŚŞŠŤŮŰŹŻŽ"
_NAME, _MORE = rf"[{_UPPER}][\w'’-]+", rf" (?:(?:[{_UPPER}]|St)\.|[{_UPPER}][\w'’-]*)"
_TITLE = r"(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.? )?"
_TOLD_NAMES = (
    rf"\b[Yy](?:our name is|ou are called) {_TITLE}({_NAME}(?:{_MORE})*)",
    # One word alone may be what somebody is: "You are French".
    rf"\b[Yy]ou(?: are|['’]re) {_TITLE}({_NAME}(?:{_MORE})+|{_NAME}(?=, an? ))",
)
_PEOPLES = re.compile(r"French|Dutch|German|Greek|Swiss|Czech|Thai|\w+(?:ish|ese|ian|ean|ican)")
_INTRODUCED = r"\b(?:(?:sur)?name(?:'s| is|:)?|i['’]?m|i am|this is|it['’]?s) (?:\w+ )?"
_WORDS_TOO = frozenset(
    "art bill dean don drew frank grace hope mark may pat ray rich rose sue will baker banks bell black "
    "brown bush church cook day field fields ford gray green grey hall hill king lake lane long park parks "
    "price rice short stone street waters white wood woods young".split()
)
"""Names that are common words as well: they count where they are introduced, or beside another name."""
_REQUEST = re.compile(
    r"\?|\b(?:please|need|provide|give|tell|confirm|share|enter|type|state|with)\b"
    r"|\b(?:may|can|let me) (?:i )?have\b",
    re.I,
)
_PERSON = "person|guest|caller|customer|account|booking|passenger|traveller|patient|user|holder"
_PHONE = (
    r"(?:phone|telephone|mobile|contact) (?:number|no\b)|your (?:phone|telephone|mobile|number)"
    r"|(?:call|reach) you"
)
_ASKING = {
    "name": rf"(?<!['’]s )(?:sur)?names?(?! of (?:(?:the|that|a|your) )?(?!{_PERSON}))|call you"
    r"|speaking (?:with|to)|who (?:am i|are you|is (?:it|this|the \w+) for)",
    "birth": r"birth\w*|born|dob|old are you",
    "mail": r"e-?mails?",
    "licen": r"licen[cs]e",
    "phone": _PHONE,
    "mobile": _PHONE,
}
"""What an agent asks with, by a word of the fact; for others it is the fact itself."""
_PAPERS = frozenset(
    "passport card membership member student staff employee customer client reference serial".split()
)
"""Whoever asks for these asks for the number on them: "your passport, please"."""


def read_disclosure(
    text: str, goal: Goal, *, opening: str | None = None
) -> Callable[[Sequence[Turn]], bool] | None:
    """The check of such a rule, or ``None``; takes the turns so far, of which the last may break it.

    ``opening`` is what the agent said before the first of them.
    """
    plain = one_line(text).lower().removeprefix("you ")
    for expressions, once_asked in ((_NEVER, False), (_UNTIL, True)):
        for expression in expressions:
            found = re.fullmatch(expression, plain)
            if found is not None:
                gives = _gives(found["fact"], goal)
                asks = _asks(found["fact"]) if once_asked else None
                return None if gives is None else _check(gives, asks, opening)
    return None


def _check(
    gives: Gives, asks: Callable[[str], bool] | None, opening: str | None
) -> Callable[[Sequence[Turn]], bool]:
    def breaks(turns: Sequence[Turn]) -> bool:
        heard = [opening, *(turn.assistant for turn in turns[:-1])]
        asked = asks is not None and any(asks(said) for said in heard if said)
        return not asked and gives(turns[-1].user, heard[-1])

    return breaks


def _gives(fact: str, goal: Goal) -> Gives | None:
    if fact.endswith("name"):
        names = _names(goal)
        last, first = re.search("last|family|sur", fact) is not None, "first" in fact
        if names is None or ((last or first) and len(names) < 2):
            return None
        wanted = names[-1:] if last else names[:1] if first else names
        said = [_said(name, names) for name in wanted]
        return lambda text, _: any(name.search(text.replace("’", "'")) for name in said)
    if "birth" in fact:
        return _gives_birth(goal)
    if "mail" in fact:
        return lambda text, _: _E_MAIL.search(text) is not None
    value = _value(fact, goal)
    if value is None:
        return None
    # However it is grouped, but not as a part of another number.
    written = re.compile(r"(?<![^\W_])" + r"[\W_]*".join(value) + r"(?![^\W_])", re.I)
    return lambda text, _: written.search(text) is not None


def _gives_birth(goal: Goal) -> Gives:
    """Whether a date of birth is given: that of the goal, or one that is spoken of as such."""
    told = (
        re.search(rf"\b(?:born|birth)\b[^.;]{{0,40}}?({_DATE.pattern})", text, re.I) for text in _told(goal)
    )
    known = next((match[1] for match in told if match is not None), None)
    year = None if known is None else re.search(_YEAR, known)

    def gives(text: str, heard: str | None) -> bool:
        if _DATE.search(text) is None:
            return False
        if year is not None:
            return year[0] in text
        return any(re.search(rf"\b(?:{_ASKING['birth']})\b", said, re.I) for said in (text, heard or ""))

    return gives


def _names(goal: Goal) -> list[str] | None:
    """The user's names, as the goal tells them, without initials."""
    for told in _TOLD_NAMES:
        found = next((match for text in _told(goal) if (match := re.search(told, text))), None)
        if found is not None:
            names = [name for name in found[1].split() if len(name.rstrip(".")) > 1]
            return None if all(map(_PEOPLES.fullmatch, names)) else names
    return None


def _said(name: str, names: Sequence[str]) -> re.Pattern[str]:
    """What finds one of the user's names in a message, as a name."""
    found = re.escape(name)
    others = "|".join(re.escape(other) for other in names if other != name)
    beside = rf"|\b(?:{others}) {found}\b|\b{found} (?:{others})\b" if others else ""
    alone = "" if name.lower() in _WORDS_TOO else rf"|\b{found}\b"
    return re.compile(rf"{_INTRODUCED}{found}\b{beside}{alone}", re.I)


def _told(goal: Goal) -> list[str]:
    """Where a goal may tell a fact."""
    return [text.replace("’", "'") for text in (goal.text, *(component.text for component in goal))]


def _head(fact: str) -> str:
    """A fact without the word for what kind it is: "customer" of "customer number"."""
    return re.sub(r" (?:number|id|code|address)$", "", fact)


def _value(fact: str, goal: Goal) -> str | None:
    code = rf"([(+]*\b{_CODE}\)?(?: \(?{_CODE}\)?)*)"
    # "A phone with 128 GB" tells no phone number, "order 4471" an order number.
    for told in (rf"\b{fact}\b[^.;]{{0,30}}?{code}", rf"\b{_head(fact)}(?: no\.?| id| number)? #?{code}"):
        for text in _told(goal):
            found = re.search(told, text, re.I)
            if found is not None and sum(letter.isdigit() for letter in found[1]) > 2:
                return re.sub(r"[\W_]", "", found[1]).lower()
    return None


def _asks(fact: str) -> Callable[[str], bool]:
    words = next((asking for part, asking in _ASKING.items() if part in fact), None)
    if words is None:
        head = _head(fact)
        words = rf"{head} (?:number|no\b|id|code|reference)" + (rf"|your {head}" if head in _PAPERS else "")
    if re.search(r"(?:number|id|code)$", fact):
        words += r"|(?:the|your) (?:number|id|code)(?! (?:of|for))"
    return lambda text: any(re.search(rf"\b(?:{words})\b", asked, re.I) for asked in _requests(text))


def _requests(text: str) -> Iterator[str]:
    """The sentences that ask for something, and the points of a list that one asks for: "Please give me:"."""
    listed = False
    for line in filter(None, map(str.strip, text.splitlines())):
        point = BULLET.match(line)
        if listed and point is not None:
            yield line[point.end() :]
            continue
        asking = [sentence for sentence in sentences(line) if _REQUEST.search(sentence)]
        yield from asking
        # A colon stands at the end of a line's last sentence only.
        listed = point is None and bool(asking) and asking[-1].endswith(":")

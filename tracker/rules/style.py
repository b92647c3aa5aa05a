"""Rules of style that code can check: signs, capitals, lengths, polite and fixed words, the first message.

Knows how such a rule is worded and which message breaks it. Knows nothing about goals or about what the agent
says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tracker.rules.measures import (
    CAPITALS,
    CONTRACTIONS,
    EMOJI,
    GREETING,
    PLEASE,
    SORRY,
    THANKS,
    count_questions,
    count_sentences,
    count_words,
    last_sign,
)
from tracker.rules.wording import NUMBER, THANK, Wording, number

Breaks = Callable[[Sequence[str]], bool]
"""Whether the last of a user's messages breaks a rule, given those before it."""


def read_style(text: str) -> Breaks | None:
    """The check of a rule of style, or ``None`` where the text says anything that code cannot decide."""
    wording = _plainer(Wording.of(text))
    if wording.insists or wording.permits or wording.contrasts:
        return None
    readers = (
        *(_length, _beginning, _ending, _first, _asking, _contractions, _numbers),
        *(_signs, _questions, _capitals, _fixed),
    )
    return next((found for reader in readers if (found := reader(wording)) is not None), None)


_PLAINER = (
    (r"^(?:be brief|stay brief|keep it short|give short answers)[:,] ", "write only in a message "),
    (r"^show your joy (?=with\b)", "write "),
    (r"\bone single\b|\b(?:an? )single(?= (?:word|sentence|question|exclamation|emoji|smiley))", "one"),
    (r"\b((?:more than|at most|up to)\b.* in) any one message\b", r"\1 a message"),
    (r"^((?:(?:you|never|do not|don't) )*)(?:answer|reply)(?= (?:in|with) )", r"\1write in a message"),
    (r"^make every answer (?=one\b)", "write in every message "),
    (r"(?<=\bout) of what you write\b|\bin (?:what you write|your writing)\b", ""),
    (r", never more$", " only"),
)
"""What rules are worded with, and the plainer words for it."""


def _plainer(wording: Wording) -> Wording:
    text = wording.text
    for worded, plain in _PLAINER:
        text = re.sub(worded, plain, text)
    return Wording(" ".join(text.split()), wording.quoted)


_ONLY = re.compile(r"\b(?:only|just)\b")


def _in_each(broken: Callable[[str], bool]) -> Breaks:
    return lambda said: broken(said[-1])


def _has(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.search(text) is not None


def _polar(rest: Wording, has: Callable[[str], bool]) -> Breaks | None:
    """Broken by a message that has it where the rule forbids, by one that lacks it where it demands.

    ``rest`` is the wording without what it is about.
    """
    if not rest.says_nothing_else() or (rest.forbids and _ONLY.search(rest.text)):
        return None
    if rest.forbids:
        return _in_each(has)
    return _in_each(lambda text: not has(text)) if rest.demands else None


# How much


@dataclass(frozen=True)
class _Limit:
    """How a limit is worded, with ``n u`` for a number of something, and what it allows."""

    worded: str
    allows: Callable[[int], tuple[int, int]]
    """The least and the most, from the number."""
    negated: bool = False
    """It is read behind a "no" or "never" alone."""


_ANY = 10**9
_LIMITS = (
    _Limit(r"(?:at most|up to|no more than|not more than|a maximum of) n u", lambda n: (0, n)),
    _Limit(r"n u (?:at most|at the most|or fewer|or less)", lambda n: (0, n)),
    _Limit(r"(?:at least|no fewer than|not fewer than|no less than|a minimum of) n u", lambda n: (n, _ANY)),
    _Limit(r"n u (?:or more|at least|at the least)", lambda n: (n, _ANY)),
    _Limit(r"n u or more", lambda n: (0, n - 1), negated=True),
    _Limit(r"within n u", lambda n: (0, n)),
    _Limit(r"(?:under|below|fewer than|less than|shorter than) n u", lambda n: (0, n - 1)),
    _Limit(r"(?:fewer than|less than|shorter than) n u", lambda n: (n, _ANY), negated=True),
    _Limit(r"(?:more than|longer than|over|beyond|past) n u", lambda n: (0, n), negated=True),
    _Limit(r"(?:exactly|precisely) n u", lambda n: (n, n)),
)
_TOO_MANY = _Limit("n u", lambda n: (0, n - 1), negated=True)
_TOO_LITTLE = _Limit("n u", lambda n: (n + 1, _ANY), negated=True)
"""How a bare number is meant that is ruled out: two questions are too many, a single word is too little."""
_CAPS = re.compile(r"\b(?:only|just|at a time|limit)\b|\b(?:keep|limit|stick|restrict|hold)s?\b.* to n u")
"""What makes a bare number the most that is allowed."""
_COUNTS: tuple[tuple[str, Callable[[str], int]], ...] = (
    (r"words?", count_words),
    (r"sentences?", count_sentences),
    (r"questions?", count_questions),
    (r"characters?", len),
    (r"exclamation marks?", lambda text: text.count("!")),
    (r"(?:emojis?|smileys?)", lambda text: len(EMOJI.findall(text))),
)
_A_MESSAGE = re.compile(r"\bmessages?\b|\bat a time\b")
_AT_A_TIME = r"(?<=n u )(?:(?:a|per) (?:message|time)|each time|at once)"
_ALTOGETHER = re.compile(
    r"\b(?:whole|entire) (?:conversation|chat|talk)\b|\baltogether\b"
    r"|\bin (?:all|total)\b(?! (?:of )?(?:your |the )?messages?\b)"
)
_AROUND = r"ask|asks|long|run|runs|consists?|goes|go|than|length|total|limits?|sticks?|restricts?|stays?|down"


def _length(wording: Wording) -> Breaks | None:
    for unit, count in _COUNTS:
        amount = rf"(?:({NUMBER})(?: (?:or|to) | ?[-–] ?(?=\d)))?({NUMBER})((?: (?:{NUMBER}))*) {unit}"
        found = re.search(rf"\b{amount}\b", wording.text)
        counted = wording.without(amount, "n u")
        if found is not None and counted is not None:
            if found[3] or re.search(r"\basks? (?:them |the agent )?for\b", counted.text):
                return None  # "twenty five" is neither of its words; "ask for one question" is the agent's
            at_a_time = counted.without(_AT_A_TIME)
            if at_a_time is not None:
                counted = replace(at_a_time, text=f"{at_a_time.text} in a message")
            most = number(found[2])
            return _limited(counted, count, number(found[1]) if found[1] else most, most)
    return None


def _limited(counted: Wording, count: Callable[[str], int], least: int, most: int) -> Breaks | None:
    capped = count is count_questions or _CAPS.search(counted.text) is not None
    # Nobody asks a question for a rule's sake: a bare number of them is the most.
    bare = _Limit("n u", lambda _: (0 if capped else least, most))
    limits = [*_LIMITS, bare]
    if most == 1 and count in (count_words, count_sentences):  # "not a single emoji" means none
        limits.append(_TOO_LITTLE)
    elif most > 1 and count is not count_words and not _ONLY.search(counted.text):
        limits.append(_TOO_MANY)
    for limit in limits:
        rest = counted.without(limit.worded)
        if rest is None or rest.forbids != limit.negated:
            continue
        if not (rest.without(_AROUND) or rest).says_nothing_else() or re.search(r"\bleast\b", rest.text):
            return None
        return _within(*limit.allows(most), count, counted)
    return None


def _within(least: int, most: int, count: Callable[[str], int], counted: Wording) -> Breaks | None:
    if _ALTOGETHER.search(counted.text):
        return (lambda said: sum(map(count, said)) > most) if least == 0 else None
    if not _A_MESSAGE.search(counted.text):
        return None
    return _in_each(lambda text: not least <= count(text) <= most)


# How messages begin and end

_EACH = r"(?:every|each|all|any)(?: single| one)?(?: of)?(?: your| the)? messages?(?: of yours)?"
_END = r"(?:end|ends|close|closes|finish|finishes|conclude|concludes|sign|signs)"
_BEGIN = r"(?:begin|begins|start|starts|open|opens)"
_LAST_SIGNS = (
    ("?", r"a question(?: mark)?"),
    (".", r"a (?:full stop|period)"),
    ("!", r"an exclamation mark"),
)
_OWN = r"q|[\w-]*\d[\w-]*|(?:[a-z]\. ?)+[a-z]?"
"""Words in quotation marks, a number, or initials."""
_OPENING = 40
"""Letters of a message within which a greeting opens it."""


def _ending(wording: Wording) -> Breaks | None:
    text = wording.text.removeprefix("you ")
    for sign, named in _LAST_SIGNS:
        in_sign = rf"(?:with|in|on) {named}"
        if re.fullmatch(rf"(?:each|all) of your messages {_END} {in_sign}|{_END} {_EACH} {in_sign}", text):
            return _ends_with_sign(sign)
    with_own = rf"(?:with|by saying|by writing) (?:the (?:words?|name) |your [a-z ]+, )?({_OWN})"
    found = re.fullmatch(rf"{_END} {_EACH} {with_own}", text)
    if found is None:
        return None
    return _at_edge(wording.quoted[0] if wording.quoted else found[1], str.endswith)


def _ends_with_sign(sign: str) -> Breaks:
    return _in_each(lambda message: last_sign(message) != sign)


def _beginning(wording: Wording) -> Breaks | None:
    capital = "an? (?:capital(?: letter)?|upper-case letter)"
    if re.fullmatch(rf"(?:you )?{_BEGIN} {_EACH} with {capital}", wording.text):
        return _in_each(lambda message: _first_sign(message).islower())
    if re.fullmatch(rf"(?:you )?{_BEGIN} no message with {capital}", wording.text):
        return _in_each(lambda message: _first_sign(message).isupper())
    found = re.fullmatch(
        rf"(?:you )?{_BEGIN} {_EACH} (?:with|by saying) "
        r"(?:(?:the words? )?q|(a greeting|a hello)( or a thank-you)?)",
        wording.text,
    )
    if found is None:
        return None
    if found[1] is None:
        return _at_edge(wording.quoted[0], str.startswith)
    patterns = (GREETING, THANKS) if found[2] else (GREETING,)
    return _in_each(lambda message: not any(pattern.search(message[:_OPENING]) for pattern in patterns))


def _first_sign(message: str) -> str:
    return next(filter(str.isalnum, message), "")


def _at_edge(wanted: str, has: Callable[[str, str], bool]) -> Breaks:
    """Broken by a message that does not begin, or end, with a text; words are compared without signs."""
    words = _bare(wanted)
    if words:
        return _in_each(lambda message: not has(f" {_bare(message)} ", f" {words} "))
    return _in_each(lambda message: not has(message.strip(), wanted))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip().lower()


# The first message

_A_GREETING = r"an? (?:word of |short |friendly |cheerful )?(?:greeting|hello)"
_POLITE: tuple[tuple[str, re.Pattern[str]], ...] = (
    (r"apologi[sz]e(?: to the agent)?|say(?: that)?(?: you are)? sorry", SORRY),
    (THANK, THANKS),
    (rf"greet(?: the [a-z]+)?|say hello|(?:with )?{_A_GREETING}", GREETING),
    (r"(?:say |the word )?please", PLEASE),
)
_TALK = r"(?: the (?:conversation|chat|talk))?"
_AT_FIRST = (
    rf"(?:{_BEGIN} |in |into |with )?(?:your |the )?(?:very )?(?:first|opening) message"
    rf"|{_BEGIN}{_TALK}(?= with(?:out)? {_A_GREETING})|(?:has to|must|should) {_BEGIN}{_TALK}"
)


def _first(wording: Wording) -> Breaks | None:
    rest = _spelt_out(wording).without(_AT_FIRST)
    # "Only in the first message" says more of the others, "from the first message on" as much of all.
    if rest is None or re.search(r"\b(?:only|just|from|messages?|time|never)\b", rest.text):
        return None
    if "please" in rest.text and re.search(rf"\b{_BEGIN}\b", wording.text):
        return None  # to begin with it is more than to say it
    for named, pattern in _POLITE:
        left = rest.without(named)
        if left is not None and left.says_nothing_else():
            return _in_the_first(pattern, wanted=not left.forbids)
    return None


def _in_the_first(pattern: re.Pattern[str], *, wanted: bool) -> Breaks:
    return lambda said: len(said) == 1 and (pattern.search(said[0]) is not None) != wanted


# Signs, letters and words

_EITHER = r"please or (?:an? )?(?:thank[- ]you|thanks)"
_BOTH = r"please (?:nor|and) (?:thank you|thanks)"
_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (r"exclamation (?:marks?|points?)", re.compile("!")),
    (r"question marks?", re.compile(r"\?")),
    (r"emojis?|emoticons?|smileys?", EMOJI),
    (r"commas?", re.compile(",")),
    (r"digits?|numerals?", re.compile(r"\d")),
    (r"brackets?|parenthes[ei]s", re.compile(r"[()\[\]]")),
    (r"ellips[ei]s|three dots(?: in a row)?", re.compile(r"\.\.|…")),
    *((named, re.compile(f"{PLEASE.pattern}|{THANKS.pattern}", re.I)) for named in (_EITHER, _BOTH)),
    (r"please", PLEASE),
    (r"thank(?:s| you| (?:the|your) [a-z]+|ing the agent)?|thank-yous?", THANKS),
    (r"sorry|apologi[sz]e|apologies|apology", SORRY),
)
_REQUEST = re.compile(r"\?|\b(?:could|can|would) you|\bi(?:['’]d| would) like|\bi (?:want|need)\b", re.I)
_SMALL = r"lower[- ]?case(?: letters?)?|small letters?"
_TO_STRESS = r"(?:to|for) (?:stress|emphasi[sz]e|emphasis|shouting)(?: (?:it|things|words?))?"
_CAPITAL = r"capitals?(?: letters?)?|upper[- ]?case(?: letters?)?"


def _signs(wording: Wording) -> Breaks | None:
    spelt = _spelt_out(wording)
    for named, pattern in _SIGNS:
        rest = spelt.without(named)
        if rest is None:
            continue
        if named == _BOTH and not rest.forbids:
            return None  # one of them would not do
        if pattern in (PLEASE, THANKS, SORRY) and rest.demands and not _A_MESSAGE.search(spelt.text):
            return None  # "always say please" means where it is due
        return _polar(rest, _has(pattern))
    return None


def _contractions(wording: Wording) -> Breaks | None:
    rest = wording.without(r"(?:contractions?|contracted forms?)(?: (?:such as|like)(?: q| or| and|,)+)?")
    return None if rest is None or not rest.forbids else _polar(rest, _has(CONTRACTIONS))


def _numbers(wording: Wording) -> Breaks | None:
    """Numbers written as words: a figure breaks the rule."""
    told = (
        r"(?:you )?writes? (?:out )?(?:every (?:number|figure)|(?:all )?(?:the |your )?(?:numbers|figures))"
    )
    as_words = r"(?:as|in) (?:an? )?words?"
    return _in_each(_has(re.compile(r"\d"))) if re.fullmatch(f"{told} {as_words}", wording.text) else None


def _spelt_out(wording: Wording) -> Wording:
    """The wording with what stood in quotation marks in its place, in bare words."""
    text = wording.text
    for word in wording.quoted:
        text = re.sub(r"\bq\b", _bare(word), text, count=1)
    return Wording(text)


def _asking(wording: Wording) -> Breaks | None:
    """Please wherever something is asked for."""
    if not re.fullmatch(
        r"(?:you )?say (?:q|please),? "
        r"(?:in (?:every|each) message (?:in which you ask|that asks) for something"
        r"|whenever you ask for something)",
        wording.text,
    ) or wording.quoted not in ((), ("please",)):
        return None
    return _in_each(lambda text: _REQUEST.search(text) is not None and PLEASE.search(text) is None)


def _questions(wording: Wording) -> Breaks | None:
    """A question in every message; what is asked without its sign is one too, so "never" is not read."""
    rest = wording.without(r"(?:ask )?(?:a |at least one )?question|ask something")
    return _polar(rest, lambda text: "?" in text) if rest is not None and rest.demands else None


def _capitals(wording: Wording) -> Breaks | None:
    def has_any(text: str) -> bool:
        return text != text.lower()

    small = wording.without(_SMALL)
    if small is not None:
        small = small.without(rf"(?:without|no|not)(?: any| a single)? (?:{_CAPITAL})") or small
        return _in_each(has_any) if not small.forbids and small.says_nothing_else() else None
    rest = wording.without(_CAPITAL)
    if rest is None:
        return None
    stressed = rest.without(_TO_STRESS)
    if stressed is not None:
        return _polar(stressed, _has(CAPITALS))
    if rest.forbids:
        rest = rest.without(r"at all|whole(?= words?\b)") or rest
    if re.search(r"\b(?:all|whole|entire|only|throughout)\b", rest.text):
        return None
    if re.search(r"\bin (?:capitals?|upper[- ]?case)\b", wording.text) and "word" not in rest.text:
        return None  # "never write in capital letters" allows one that begins a name
    if re.search(r"\bwords?\b", rest.text):
        return _polar(rest, _has(CAPITALS))
    return _in_each(has_any) if rest.forbids and rest.says_nothing_else() else None


def _fixed(wording: Wording) -> Breaks | None:
    """Words in quotation marks, in every message or in none."""
    rest = wording.without(r"(?:call|calls|address|addresses)(?: the agent| it)?(?: as)?") or wording
    if not wording.quoted or (" or " in rest.text and not rest.forbids):
        return None
    has_each = [_has(_quoted(text)) for text in wording.quoted]
    enough = any if rest.forbids else all
    return _polar(rest, lambda message: enough(has(message) for has in has_each))


def _quoted(text: str) -> re.Pattern[str]:
    """What finds a quoted text in a message: words as whole ones, signs wherever they stand."""
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w$", text) else ""
    return re.compile(f"{before}{re.escape(text)}{after}", re.I)

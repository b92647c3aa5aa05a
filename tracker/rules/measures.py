"""What can be counted in a message: words, sentences, signs, polite words.

Knows text alone. Knows nothing about rules, goals or conversations. The trees (``tracker/lexical``) count
some of these too: a change here changes what they are asked, so calibrate anew with it.
"""

from __future__ import annotations

import re

PLEASE = re.compile(r"\b(?:please|pls)\b", re.I)
THANKS = re.compile(
    # "Thank God" thanks nobody in the talk.
    r"\b(?:thanks?(?! (?:god|goodness|heavens?)\b)|thx|thank ?you|cheers|grateful|much appreciated)\b",
    re.I,
)
GREETING = re.compile(
    r"\b(?:hi|hello|hey|hiya|howdy|good (?:morning|afternoon|evening|day)|greetings"
    r"|buongiorno|bonjour|hola|guten (?:morgen|tag|abend)|gr(?:ü|ue)(?:ß|ss) gott|servus|namaste)\b"
    # Behind other words, or before a wish, these are a price, a sigh or a time of day.
    r"|^dear\b(?! (?:me|lord|god)\b)"
    r"|^(?:morning|afternoon|evening)\s*(?:[.!]|,(?! (?:please|around|about|at|if|or|not)\b))",
    re.I,
)
_TIME = "day|morning|afternoon|evening|night|weekend|week"
WISHES = re.compile(
    rf"\b(?:have|enjoy|wish\w*)\b[^.?!]*\b(?:{_TIME}|time|one|well|luck|best)\b"
    rf"|\b(?:good|nice|lovely|great|pleasant|wonderful) (?:{_TIME}|luck|one)\b"
    r"|\bhave an? (?:\w+ )?(?:good|nice|great|lovely|pleasant|wonderful)\b"
    r"|\bhave an? \w+ (?:shift|trip|flight|journey)\b|\bhave fun\b|\bhappy \w+\b|\bmerry\b|\bgod bless\b"
    r"|\b(?:stay|keep|be) (?:safe|well|warm)\b|\bsafe (?:travels|journey)\b|\bwish(?:es)?\b|\bgoodnight\b"
    rf"|\bhope\b[^.?!]*\b(?:{_TIME}|well)\b|\ball the best\b|\bbest of luck\b|\btake (?:care|it easy)\b",
    re.I,
)
"""Good wishes for somebody: ``"Have a quiet night."``."""
SORRY = re.compile(r"\b(?:sorry|apolog\w+|forgive me|pardon me|excuse me)\b", re.I)
_PICTURE = r"[\U0001F300-\U0001FAFF☀-➿⌚-⏿⭐⭕][️\U0001F3FB-\U0001F3FF]*"
EMOJI = re.compile(
    rf"{_PICTURE}(?:\u200d{_PICTURE})*|[\U0001F1E6-\U0001F1FF]{{2}}|(?<!\w)[:;]-?[)(DPp](?!\w)"
)
"""One that is made of several, such as a family or a flag, is one."""
_IS = r"it|that|there|here|wh(?:at|en|ere|o|y)|how|s?he|let|name|(?:every|some|no|any)(?:body|one|thing)"
CONTRACTIONS = re.compile(
    rf"\b\w+(?:n['’]t|['’](?:m|re|ve|ll|d))\b|\b(?:{_IS})['’]s\b|\b(?:don|can|won|didn|doesn|isn)t\b", re.I
)
"""Those that can be told from a possessive."""
_SHORT_FORMS = (
    "ADHD|ASAP|BIOS|COVID|HDMI|IBAN|IKEA|ISBN|JSON|NASA|NATO|SATA|SEPA|UEFI|UNESCO|UNICEF|VISA|YAML"
)
CAPITALS = re.compile(
    r"\b(?:ALL|AND|ANY|ARE|BAD|BIG|BUT|CAN|DAY|DID|END|FOR|GET|GOT|HAD|HAS|HER|HIM|HIS|HOW|ITS|LET|LOT|NEW|NOT|NOW|OFF"
    r"|OLD|ONE|OUR|OUT|PAY|SAD|SAY|SEE|SHE|THE|TOO|TRY|TWO|WAS|WAY|WHO|WHY|WIN|YES|YET|YOU"
    rf"|(?!(?:{_SHORT_FORMS})\b)(?=[A-Z]*[AEIOUY])[A-Z]{{4,}})\b"
)
"""A word in capital letters that is no short form, as far as its letters tell."""
_WORD = re.compile(r"\S*\w\S*")
"""What stands between spaces: a time, a sum and an address are one word each."""
_SENTENCE_END = re.compile(
    # A full stop behind an initial, a title or a short form ends no sentence.
    r"(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bMrs)(?<!\bProf)(?<!\b[A-HJ-Z])(?<!\be\.g)(?<!\bi\.e)"
    r"(?<!\bNo(?=\.\s?\d))(?<!\betc(?=\.\s[a-z]))(?<!\bAve(?=\.\s[a-z]))"
    r"(?<!\b(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?=\.\s\d))"
    r"(?<!\bapprox)[.!?…]+(?<!\b[ap]\.m\.(?=\s[a-z\d]))[\"'”’)]*"
    # Signs alone, such as an emoji, are no sentence; a line's end is one where no sign was.
    r"(?=\s+(?:[^\w\s]+\s+)*[^\w\s]*\w)|(?<![,.!?…\n])\n+(?=\s*\w)"
)

_WH = r"(?:what|when|where|who|why|which|how)"
_BESIDES = re.compile(
    rf",? and {_WH}(?: \w+)? (?:is|are|was|were|does|do|did|can|could|would|will|should|has|have)\b", re.I
)
"""A second question behind a first: "What is it, and how much does it cost?"."""
_ASKS = re.compile(
    rf"^(?:\W*(?:and|so|ok|okay|well|then|but|or|also|hello|hi|hey)\b)*\W*(?:{_WH}\b"
    # "Do you know what is wrong and what is missing?" is one question.
    rf"|(?:is|are|was|were|does|do|did|can|could|would|will|should|has|have|may)\b(?!.*\b{_WH}\b))",
    re.I,
)
"""A first question, in what stands before the second."""


def count_words(text: str) -> int:
    return len(_WORD.findall(text))


def count_sentences(text: str) -> int:
    return 1 + len(_SENTENCE_END.findall(text.strip())) if text.strip() else 0


def count_questions(text: str) -> int:
    """Question marks, several in a row as one, and what is asked besides under the same mark."""
    besides = sum(
        _ASKS.match(sentence[: found.start()]) is not None
        for sentence in re.findall(r"[^.!?]+(?=\?)", text)
        if (found := _BESIDES.search(sentence)) is not None
    )
    return len(re.findall(r"\?+", text)) + besides


def last_sign(text: str) -> str:
    """The last sign that is no quotation mark, bracket, emoji or space."""
    found = re.search(r"([\w.!?…,;:-])[^\w.!?…,;:-]*$", text)
    return found[1] if found else ""

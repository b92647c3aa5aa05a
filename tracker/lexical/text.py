"""What can be seen in one text without a model: its words, numbers, names, sentences and cues.

Knows English words and signs. Knows nothing about goals or conversations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType

from tracker.rules.measures import CAPITALS, EMOJI, GREETING, PLEASE, SORRY, THANKS
from tracker.stems import words

_NOT = r"(?:can|don|won|isn|aren|doesn|didn|couldn|wouldn|hasn|haven|wasn)['’]?t"


def _any(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.I)


CUES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "refusal": _any(
            r"unfortunately|sorry|afraid|regret|unable|cannot|can['’]?t"
            r"|not (?:able|possible|available|allowed)"
            r"|fully booked|sold out|no longer|nothing (?:available|left|free)|out of stock|declined"
            r"|rejected"
        ),
        "trouble": _any(
            r"error|failed|fails?|system|down|try again|timed? out|transfer\w*|human|colleague|specialist"
        ),
        "negation": _any(rf"no|not|none|never|nothing|without|neither|{_NOT}"),
        "limit": _any(r"only|however|but|policy|instead|otherwise|unless|require[sd]?|minimum|maximum"),
        "done": _any(
            r"done|booked|confirmed|all set|reserved|cancell?ed|changed|updated|sent|scheduled|processed"
            r"|added|moved|refunded|issued|arranged|activated|completed?|successfully|registered|submitted|placed"
        ),
        "perfect": _any(r"i['’]ve|i have|have been|has been|is now|are now|you['’]re (?:set|booked|in|all)"),
        "reference": _any(r"reference|confirmation|code|ticket|receipt|number is|id is"),
        "offer": _any(
            r"we have|there['’]s|there is|there are|i can|i could|how about|would you like|shall i|i found"
            r"|available|options?|either|or"
        ),
        "asking": _any(r"what|which|when|where|who|how|could you|can you|may i|please (?:give|tell|provide)"),
        "thanks": THANKS,
        "please": PLEASE,
        "greeting": GREETING,
        "sorry": SORRY,
        "closing": _any(r"bye|goodbye|that['’]?s (?:all|it|everything)|have a (?:nice|good|great)|take care"),
        "agreement": _any(
            r"yes|yeah|yep|sure|ok|okay|go ahead|that works|perfect|great|sounds good|fine|deal"
        ),
        "wish": _any(
            r"i (?:want|need|wish|hope)|i['’]d (?:like|rather|prefer)|looking for|prefer\w*|ideally"
        ),
        "giving up": _any(
            r"never ?mind|forget it|leave it|skip|don['’]t bother|no need|anyway|whatever|rather"
        ),
        "anger": _any(
            r"ridiculous|unacceptable|terrible|awful|worst|annoy\w+|frustrat\w+|angry|furious|irritat\w+"
            r"|disappoint\w+|impatient|fed up|rude|curt|blunt"
        ),
        "haste": _any(r"hurry|rush\w*|urgent\w*|quick\w*|asap|right now|immediately|stress\w*|pressed|soon"),
        "worry": _any(r"worr\w+|anxious|nervous|afraid|unsure|hesita\w+|confus\w+|shy|sceptical|suspicious"),
        "cheer": _any(
            r"wonderful|awesome|amazing|lovely|excellent|fantastic|happy|excited|brilliant|cool|cheerful|friendly"
        ),
        "calm": _any(
            r"calm\w*|patient\w*|polite\w*|courteous|relaxed|formal\w*|respectful\w*|no rush|kind\w*"
        ),
        "brevity": _any(r"brief\w*|short\w*|terse|few|long|chatty|talkative|detail\w*|wordy|plain\w*|simple"),
        "money": _any(
            r"[$€£]\s?\d|price\w*|cost\w*|cheap\w*|expensive|budget|afford|pay\w*|fee|discount|refund"
        ),
        "time": _any(
            r"today|tomorrow|morning|afternoon|evening|night|week\w*|month|\w+day|am|pm|hour|o['’]clock"
        ),
        "family": _any(
            r"wife|husband|son|daughter|mother|father|mum|mom|dad|partner|friend|kids?|child\w*|alone"
        ),
        "self": _any(r"i|i['’]m|my|me|mine|we|our"),
        "condition": _any(r"if|when|whenever|until|unless|once|in case"),
        "order": _any(r"before|after|first|last|then|end|start|begin|clos\w+|open\w*|final\w*"),
        "every": _any(r"every|each|always|all|any|twice|once|only"),
        "speech": _any(
            r"ask\w*|tell|say|mention|give|thank\w*|repeat|insist|answer|message|repl\w+|question"
        ),
        "finding": _any(
            r"find out|get (?:an?|the) (?:reference|confirmation|number|price)|told|learn|whether"
            r"|how (?:much|long|many)"
        ),
    }
)
"""What texts are searched for; a feature is the number of finds, at most ``MOST``."""
MOST = 3

_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")
_NUMBER = re.compile(r"\d+(?:[.:,]\d+)*")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")
_TOKEN = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?")


@dataclass(frozen=True)
class Text:
    """A text, and what is seen in it. ``read_text`` makes one and remembers it."""

    text: str

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """All its words in lower case, in order."""
        return tuple(_TOKEN.findall(self.text.lower().replace("’", "'")))

    @cached_property
    def words(self) -> frozenset[str]:
        """Its words that carry meaning, without their endings."""
        return frozenset(words(self.text)) if self.text else frozenset()

    @cached_property
    def sentences(self) -> tuple[Text, ...]:
        return tuple(Text(part) for part in _SENTENCE.split(self.text) if part.strip())

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(_NUMBER.findall(self.text))

    @cached_property
    def names(self) -> frozenset[str]:
        """Words with a capital inside a sentence, in lower case."""
        return frozenset(name.lower() for name in _NAME.findall(self.text))

    @cached_property
    def grams(self) -> frozenset[str]:
        """The runs of four letters in its words, which endings and typing mistakes leave mostly alone."""
        return frozenset(t[i : i + 4] for t in self.tokens if len(t) > 3 for i in range(len(t) - 3))

    @cached_property
    def cues(self) -> tuple[int, ...]:
        """How often each of ``CUES`` is found."""
        return tuple(min(MOST, len(pattern.findall(self.text))) for pattern in CUES.values())

    @cached_property
    def signs(self) -> tuple[float, ...]:
        """What ``SIGNS`` names."""
        return (
            float(len(self.tokens)),
            float(len(self.sentences)),
            float(self.text.count("?")),
            float(self.text.rstrip().endswith("?")),
            float(self.text.count("!")),
            float(len(EMOJI.findall(self.text))),
            float(len(CAPITALS.findall(self.text))),
            float(len(self.numbers)),
            float(self.text[:1].islower()),
        )


SIGNS = (
    "words",
    "sentences",
    "questions",
    "ends asking",
    "calls",
    "emoji",
    "capitals",
    "numbers",
    "lower case",
)
"""The order of ``Text.signs``."""


@lru_cache(maxsize=512)
def read_text(text: str | None) -> Text:
    """The ``Text`` of a text; of nothing, where there is none."""
    return Text(text or "")


_CONDITION = re.compile(
    r"^(?:(?:even )?if|when(?:ever)?|as soon as|once|after|before|until|unless|should|in case)\b[^,]*,"
    r"|\b(?:if|when(?:ever)?|as soon as|once|after|before|until|unless|in case|while)\b.*$",
    re.I,
)


@lru_cache(maxsize=512)
def read_clauses(text: str) -> tuple[Text, Text]:
    """What a rule is bound to ("if the agent offers a voucher", or nothing), and the rest of it."""
    found = _CONDITION.search(text)
    if not found:
        return Text(""), Text(text)
    return Text(found[0]), Text(f"{text[: found.start()]} {text[found.end() :]}".strip())

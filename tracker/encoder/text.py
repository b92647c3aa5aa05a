"""What the encoder reads: the tokens of a turn with what was said before it, and those of a component.

Knows word pieces (Devlin et al. 2019), how much of a message is read, and who said what when. Knows nothing
about weights. Training and tracking make their tokens here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from tracker.conversation import Turn
from tracker.goal import Component

USER_TOKENS = 128
AGENT_TOKENS = 176
"""Of a message of the turn that is asked about, so many are read: its beginning and its end."""
WINDOW_TOKENS = 400
"""With what was said before it, the newest of which is read as far as this allows."""
COMPONENT_TOKENS = 40


class Kind(IntEnum):
    """Who said a token, and when."""

    USER_BEFORE = 0
    AGENT_BEFORE = 1
    USER = 2
    AGENT = 3
    MARK = 4
    """A sign between parts."""
    COMPONENT = 5


@dataclass(frozen=True)
class Read:
    """Tokens and, for each, who said it."""

    ids: tuple[int, ...]
    kinds: tuple[Kind, ...]


class Tokeniser:
    """Word pieces of a vocabulary, without regard to case or accents.

    Raises ``ValueError`` where the vocabulary lacks a sign that is needed.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        positions = {piece: position for position, piece in enumerate(vocabulary)}
        missing = [sign for sign in ("[UNK]", "[CLS]", "[SEP]", "[MASK]", ".") if sign not in positions]
        if missing:
            raise ValueError(f"the vocabulary has no {missing[0]}")
        self.vocabulary = tuple(vocabulary)
        self.begin, self.end, self.mask = (positions[sign] for sign in ("[CLS]", "[SEP]", "[MASK]"))
        self._left_out = (positions["."],) * 2
        self._pieces = Tokenizer(WordPiece(positions, unk_token="[UNK]"))
        self._pieces.normalizer = BertNormalizer(lowercase=True)
        self._pieces.pre_tokenizer = BertPreTokenizer()
        self.tokens = lru_cache(maxsize=4096)(self._tokens)
        """The tokens of a text, without signs around it."""

    def _tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self._pieces.encode(text, add_special_tokens=False).ids)

    def shortened(self, text: str, most: int) -> tuple[int, ...]:
        """The tokens of a text; of a long one the beginning and the end, with two full stops between."""
        ids = self.tokens(text)
        if len(ids) <= most:
            return ids
        first = most // 2
        return (*ids[:first], *self._left_out, *ids[-(most - first - 2) :])

    def component(self, component: Component) -> tuple[int, ...]:
        """The tokens of a component's text between its signs."""
        return (self.begin, *self.shortened(component.text, COMPONENT_TOKENS), self.end)


def conversation_tokens(tokeniser: Tokeniser, turns: Sequence[Turn], opening: str | None) -> Read:
    """The last turn, and before it as much of the earlier ones as there is room for, the newest of it.

    ``opening`` is what the agent said before the first turn.
    """
    turn = turns[-1]
    now = [(token, Kind.USER) for token in tokeniser.shortened(turn.user, USER_TOKENS)]
    if turn.assistant is not None:
        now += [(token, Kind.AGENT) for token in tokeniser.shortened(turn.assistant, AGENT_TOKENS)]
    room = max(0, WINDOW_TOKENS - len(now))
    before: list[tuple[int, Kind]] = []
    for message, kind in _backwards(turns[:-1], opening):
        if len(before) >= room:
            break
        before = [(token, kind) for token in tokeniser.tokens(message)] + before
    mark = [(tokeniser.end, Kind.MARK)]
    earlier = before[-room:] if room else []
    together = [(tokeniser.begin, Kind.MARK), *earlier, *mark, *now, *mark]
    return Read(tuple(token for token, _ in together), tuple(kind for _, kind in together))


def _backwards(turns: Sequence[Turn], opening: str | None) -> Iterable[tuple[str, Kind]]:
    """What was said, the newest first."""
    for turn in reversed(turns):
        if turn.assistant is not None:
            yield turn.assistant, Kind.AGENT_BEFORE
        yield turn.user, Kind.USER_BEFORE
    if opening is not None:
        yield opening, Kind.AGENT_BEFORE

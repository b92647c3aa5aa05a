"""A simulated user that runs here: a GGUF through llama.cpp.

Knows sampling, and how a conversation stays in the KV cache between its turns. Knows nothing about what the
user is told (``steering``) or in which words (``user``).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tracker.conversation import Message, Role
from tracker.engine import Engine, Logits, Request
from tracker.engine import Sequence as Tokens
from tracker.errors import ContextLengthError
from tracker.goal import Goal
from tracker.llama import Model
from tracker.prompt import Control
from tracker.simulator.steering import Instruction
from tracker.simulator.user import cue_pieces, message_pieces, setting_pieces
from tracker.tracking import UntrainedModelWarning

if TYPE_CHECKING:
    from tracker.vocabulary import Vocabulary

_LONGEST = 96
"""Tokens of a message; what is longer is cut at its last sentence."""
_TRIES = 4
"""A message is drawn so often, at most, until it holds something new."""
_REDRAWS = 3
"""So small a model often says nothing of what it is told to say."""
_KEPT = 256
"""The likeliest tokens among which one is drawn, at most."""
_AT_A_LOSS = "Could you say that again?"
"""What a user says that has nothing to say, whatever it draws."""


class LocalUser:
    """A language model on this machine as the user.

    Parameters
    ----------
    model
        Is closed with the user.
    temperature, top_p
        Of the sampling; a temperature of 0 takes the likeliest token each time (Holtzman et al. 2020,
        arXiv 1904.09751, for ``top_p``).
    """

    def __init__(
        self,
        model: Model,
        *,
        name: str,
        threads: int,
        temperature: float = 0.7,
        top_p: float = 0.9,
        context: int | None = None,
    ) -> None:
        self.name = name
        self.temperature = temperature
        self.top_p = top_p
        self._model = model
        self._engine = Engine(model, context=context, threads=threads)

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        *,
        threads: int | None = None,
        temperature: float = 0.7,
        top_p: float = 0.9,
    ) -> LocalUser:
        """Load a GGUF; by default goalstate's own user, which is prepared on first use.

        Warns with ``UntrainedModelWarning`` where no user was trained and the base model speaks for it.
        Raises ``ModelError`` and ``CacheError`` as ``tracker.model.prepare`` does.
        """
        from tracker.hardware import load_options
        from tracker.model import prepare_user

        prepared = prepare_user(model)
        if not prepared.trained:
            warnings.warn(
                f"{prepared.name} is not trained to play a user: it will speak poorly",
                UntrainedModelWarning,
                stacklevel=2,
            )
        options = load_options(threads)
        loaded = Model(prepared.path, options)
        return cls(loaded, name=prepared.name, threads=options.threads, temperature=temperature, top_p=top_p)

    @property
    def redraws(self) -> int:
        # The likeliest message stays the likeliest, however often it is asked for.
        return _REDRAWS if self.temperature > 0 else 0

    def start(self, goal: Goal, *, random_state: str) -> LocalSpeaker:
        return LocalSpeaker(self, self._engine, self._model.vocabulary, goal, random_state)

    def close(self) -> None:
        self._engine.close()
        self._model.close()


class LocalSpeaker:
    """One conversation in the engine's cache."""

    def __init__(
        self, user: LocalUser, engine: Engine, vocabulary: Vocabulary, goal: Goal, random_state: str
    ) -> None:
        self._user = user
        self._engine = engine
        self._sequence = engine.sequence()
        self._vocabulary = vocabulary
        self._stops = {vocabulary.end, vocabulary.tokens([Control.CLOSE])[-1]}
        self._chance = np.random.default_rng([ord(letter) for letter in f"user:{random_state}"])
        self._waiting = vocabulary.tokens(setting_pieces(goal.text))
        self._read = 0

    def propose(self, messages: Sequence[Message], instruction: Instruction, count: int = 1) -> list[str]:
        new = self._vocabulary.tokens(message_pieces(messages[self._read :]))
        self._sequence.extend([*self._waiting, *new])
        self._waiting, self._read = [], len(messages)
        told = self._sequence.fork()
        cue = self._vocabulary.tokens(cue_pieces(instruction.text))
        logits = told.extend(cue[:-1], [cue[-1:]])[0]
        said = {message.content for message in messages if message.role is Role.USER}
        texts = [""] * count
        try:
            for _ in range(_TRIES if self._user.temperature > 0 else 1):
                # A message with nothing in it, or one that was sent before, is drawn again.
                stale = [number for number, text in enumerate(texts) if not text or text in said]
                if not stale:
                    break
                again = self._messages(told, cue[-1], logits, len(stale))
                for number, text in zip(stale, again, strict=True):
                    texts[number] = text or texts[number]
        finally:
            told.close()
        return [text or _AT_A_LOSS for text in texts]

    def close(self) -> None:
        self._sequence.close()

    def _messages(self, told: Tokens, last: int, logits: Logits, count: int) -> list[str]:
        """Draw messages side by side: a batch with a token of each costs little more than one with one."""
        drafts = [_Draft(told.fork(), last, logits) for _ in range(count)]
        try:
            for _ in range(_LONGEST):
                for draft in (draft for draft in drafts if not draft.whole):
                    draft.token = self._draw(draft.logits)
                    draft.whole = draft.token in self._stops
                speaking = [draft for draft in drafts if not draft.whole]
                if not speaking:
                    break
                # The token before joins the sequence, and this one is read behind it: two tokens a draft.
                answers = self._engine.read([Request(d.sequence, [d.last], [[d.token]]) for d in speaking])
                for draft, answer in zip(speaking, answers, strict=True):
                    if isinstance(answer, ContextLengthError):
                        raise answer
                    draft.spoken += self._vocabulary.pieces[draft.token]
                    draft.last, draft.logits = draft.token, answer[0]
            return [_clean(draft.spoken, whole=draft.whole) for draft in drafts]
        finally:
            for draft in drafts:
                draft.sequence.close()

    def _draw(self, logits: Logits) -> int:
        if self._user.temperature <= 0:
            return int(logits.argmax())
        most = min(_KEPT, len(logits))
        likeliest = np.argpartition(logits, -most)[-most:]
        likeliest = likeliest[np.argsort(-logits[likeliest], kind="stable")]
        scaled = logits.astype(np.float64) / self._user.temperature
        scaled -= scaled[likeliest[0]]
        weights = np.exp(scaled[likeliest]) / np.exp(scaled).sum()
        kept = int(np.searchsorted(np.cumsum(weights), self._user.top_p)) + 1
        return int(self._chance.choice(likeliest[:kept], p=weights[:kept] / weights[:kept].sum()))


@dataclass(eq=False)
class _Draft:
    """A message that is being drawn."""

    sequence: Tokens
    last: int
    """The last token that was read, but not yet into the sequence."""
    logits: Logits
    """Behind it."""
    token: int = -1
    """The token that was drawn."""
    spoken: bytes = b""
    whole: bool = False


def _clean(spoken: bytes, *, whole: bool) -> str:
    """A message on one line; one that was cut off ends with its last sentence."""
    text = " ".join(spoken.decode(errors="ignore").split())
    text = re.sub(r"^(customer|user|assistant|me)\s*:\s*", "", text, flags=re.I)
    if not whole and (end := max(text.rfind(mark) for mark in ".!?")) > 0:
        text = text[: end + 1]
    return text.strip().strip('"').strip()

"""Labels conversations by a large judge: asks, reads the answers, and keeps them for the next time.

Knows how a conversation becomes calls and how their answers become its labels. What is asked is
``tracker.judge.prompt``, who answers ``tracker.judge.endpoint``, what is kept ``tracker.judge.cache``.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from tracker.conversation import Conversation, LabelChange
from tracker.errors import JudgeError
from tracker.formats.native import conversation_to_json
from tracker.judge.answer import Answer, parse_answer
from tracker.judge.cache import Reply, ReplyCache
from tracker.judge.endpoint import Endpoint, Settings, request_of
from tracker.judge.prompt import Mode, Question, questions, rules_digest

_ATTEMPTS_AT_AN_ANSWER = 2
"""A malformed answer is asked for once more: many come well the second time, few the third."""


@dataclass(frozen=True)
class Plan:
    """What a run is about to do; tokens are estimates and only of the calls to be made."""

    conversations: int
    """Those of which anything is to be sent."""
    calls: int
    cached: int
    """Calls that need not be made, since their answers are in the cache."""
    prompt_tokens: int
    answer_tokens: int


@dataclass(frozen=True)
class Judgement:
    """A conversation with the judge's labels in the place of any that it had."""

    conversation: Conversation
    evidence: dict[str, str]
    """Component id → why, in the judge's words; only where it gave any."""
    backward: int
    """Changes that the judge moved backward, left out of the labels."""
    cached: int
    """Answers that came from the cache."""

    def as_json(self, judge: dict[str, str]) -> dict[str, Any]:
        """A line of a native file, with what ``Judge.describe`` gives and the evidence besides."""
        return conversation_to_json(self.conversation) | {"judge": judge, "evidence": self.evidence}


def plan(
    conversations: Iterable[Conversation],
    mode: Mode,
    *,
    settings: Settings | None = None,
    cache: ReplyCache | None = None,
) -> Plan:
    """Say what judging these conversations takes, without contacting anybody.

    The cache is looked into where ``settings`` are given too: answers are kept by whom they come from.
    """
    sent = calls = cached = prompt_tokens = answer_tokens = 0
    for conversation in conversations:
        before = calls
        for question in questions(conversation, mode):
            if cache is not None and settings is not None and cache.get(request_of(question, settings)):
                cached += 1
                continue
            calls += 1
            prompt_tokens += question.prompt_tokens
            answer_tokens += question.answer_tokens
        sent += calls > before
    return Plan(sent, calls, cached, prompt_tokens, answer_tokens)


class Judge:
    """A large judge behind an endpoint, with a cache of its answers."""

    def __init__(self, endpoint: Endpoint, settings: Settings, cache: ReplyCache, mode: Mode) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._cache = cache
        self._mode = mode

    def describe(self) -> dict[str, str]:
        """Which judge this is: the model, the mode, and a hash of the rules that it is given."""
        return {"model": self._settings.model, "mode": str(self._mode), "rules": rules_digest()}

    def judge(self, conversation: Conversation) -> Judgement:
        """Label a conversation.

        Answers are kept as they come, so nothing of a conversation that fails half-way is asked again.
        Raises ``JudgeError`` where a question got no usable answer, ``EndpointError`` where none will.
        """
        labels: dict[str, tuple[LabelChange, ...]] = {}
        evidence: dict[str, str] = {}
        backward = cached = 0
        for question in questions(conversation, self._mode):
            try:
                answer, from_cache = self._answer(question)
            except JudgeError as error:
                place = f"component {question.components[0].id!r}: " if self._mode is Mode.COMPONENT else ""
                raise type(error)(f"{place}{error}") from None
            labels |= answer.labels
            evidence |= answer.evidence
            backward += answer.backward
            cached += from_cache
        return Judgement(replace(conversation, labels=labels), evidence, backward, cached)

    def _answer(self, question: Question) -> tuple[Answer, bool]:
        request = request_of(question, self._settings)
        kept = self._cache.get(request)
        if kept is not None:
            with suppress(JudgeError):  # kept by a version that read answers in another way
                return parse_answer(kept.text, question), True
        reply, answer = self._asked(question)
        self._cache.put(request, reply)
        return answer, False

    def _asked(self, question: Question) -> tuple[Reply, Answer]:
        for _ in range(_ATTEMPTS_AT_AN_ANSWER - 1):
            reply = self._endpoint.ask(question)
            try:
                return reply, parse_answer(reply.text, question)
            except JudgeError:
                continue
        reply = self._endpoint.ask(question)
        return reply, parse_answer(reply.text, question)

"""Asks an OpenAI-compatible endpoint a judge's questions, and makes the client that whoever asks one needs.

Knows the ``openai`` client, which of its errors pass with time, how long to wait, and how often to ask.
Knows nothing about goals, rules or what an answer means.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from pydantic import JsonValue

from tracker.errors import EndpointError, InputError, JudgeError, RefusalError
from tracker.judge.cache import Reply
from tracker.judge.prompt import Question

if TYPE_CHECKING:
    from openai import APIError, APIStatusError, Omit, OpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionMessage
    from openai.types.chat.completion_create_params import ResponseFormat
    from openai.types.shared_params.response_format_json_schema import JSONSchema

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_PATIENCE_S = 600.0
"""An endpoint that asks for a longer wait than this ends the run; a later one goes on where it stopped."""
_BUSY = frozenset({408, 409, 425, 429})
"""Answers below 500 that pass with time."""
_LONGEST_WORDS = 200
"""Characters of what an endpoint says that are told."""
_FORM = re.compile(r"response_format|json_schema|json_object|structured output", re.I)
"""What an endpoint speaks of that does not take the form in which an answer is asked for."""


class _Form(StrEnum):
    """How an endpoint is asked for JSON by a schema, the surest way first."""

    SCHEMA = "json_schema"
    OBJECT = "json_object"
    """The schema is told in words. llama-cpp-python's server takes no more than this."""
    WORDS = "words"
    """All of it is."""


@dataclass(frozen=True)
class Settings:
    """Which endpoint is asked, and how."""

    base_url: str
    model: str
    url_from: str = "--base-url"
    """The option that the address comes from; for messages."""
    api_key: str | None = None
    """``None`` for endpoints that want none."""
    key_from: str = "OPENAI_API_KEY"
    """The environment variable that the key comes from; for messages."""
    temperature: float | None = 0.0
    """``None`` leaves it to the endpoint; some models take no other."""
    retries: int = 5
    """How often a call is made again after an error that passes with time."""
    calls_per_minute: float | None = None
    timeout_s: float = 300.0

    @property
    def shown_url(self) -> str:
        """The base URL for people, without a password that may be in it."""
        parts = urlsplit(self.base_url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()

    def told(self, words: str) -> str:
        """What an endpoint or the client says, in one short line and without the key, should it repeat it."""
        if self.api_key:
            # Python's own messages may quote it with escapes.
            for spelling in (self.api_key, repr(self.api_key)[1:-1]):
                words = words.replace(spelling, "***")
        line = " ".join(words.split())
        return line if len(line) <= _LONGEST_WORDS else f"{line[: _LONGEST_WORDS - 3]}..."


@dataclass
class Tally:
    """What a run has used so far, refused and malformed answers among it."""

    calls: int = 0
    """Calls that were answered."""
    uncounted: int = 0
    """Those whose tokens the endpoint did not count."""
    prompt_tokens: int = 0
    completion_tokens: int = 0


def request_of(question: Question, settings: Settings) -> dict[str, JsonValue]:
    """All that an answer depends on: what is asked, of whom, and how."""
    return {
        "base_url": settings.base_url.rstrip("/"),
        "model": settings.model,
        "temperature": settings.temperature,
        "system": question.system,
        "user": question.user,
        "schema": question.schema,
    }


class Endpoint:
    """An OpenAI-compatible endpoint, asked one question at a time.

    Parameters
    ----------
    say
        Is told, in a line, when and why the endpoint is waited for.
    clock, sleep
        Seconds, for tests to run without waiting.

    Raises
    ------
    InputError
        On construction, where the base URL or the key is none. Nothing is sent yet.
    EndpointError
        Where the ``openai`` client is not installed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        say: Callable[[str], None] = lambda _line: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.tally = Tally()
        self._settings = settings
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self._last_call: float | None = None
        self._form = _Form.SCHEMA
        self._client = connect(settings)

    def ask(self, question: Question) -> Reply:
        """Send a question and wait for the answer, through errors that pass with time.

        Raises ``JudgeError`` where this question gets no usable answer, ``EndpointError`` where no question
        would.
        """
        attempt = 0
        while True:
            self._keep_rate()
            try:
                return self._reply(self._call(question))
            except _FormError as error:
                self._form = error.following
                self._say(f"takes no {error.refused}: the answer's form is asked for by {error.following}")
            except _PassingError as error:
                if attempt == self._settings.retries:
                    again = f", {attempt + 1} times in a row" if attempt else ""
                    raise JudgeError(f"{error.reason}{again}") from None
                self._wait(attempt, error)
                attempt += 1

    def close(self) -> None:
        self._client.close()

    def _call(self, question: Question) -> ChatCompletion:
        """One call.

        Raises ``_PassingError`` where another may succeed, and ``_FormError`` where one in another form may.
        """
        import openai

        told = question.user
        if self._form is not _Form.SCHEMA:
            told += f"\n\nThe answer is one JSON object by this schema: {json.dumps(question.schema)}"
        try:
            completion = self._client.chat.completions.create(
                model=self._settings.model,
                messages=[
                    {"role": "system", "content": question.system},
                    {"role": "user", "content": told},
                ],
                temperature=openai.omit if self._settings.temperature is None else self._settings.temperature,
                response_format=self._response_format(question),
            )
        except openai.APITimeoutError:
            raise _PassingError(f"no answer within {self._settings.timeout_s:g} s") from None
        except openai.APIConnectionError as error:
            reason = f"cannot be reached: {self._settings.told(str(error.__cause__ or error))}"
            if not self.tally.calls:
                self._unusable(reason)
            raise _PassingError(reason) from None
        except openai.APIStatusError as error:
            self._refused(error)
        except (openai.APIError, ValueError):
            # ValueError: what came is no JSON at all.
            self._unusable("does not answer like an OpenAI-compatible endpoint; is the address right?")
        if first_message(completion) is None:
            self._unusable("does not answer like an OpenAI-compatible endpoint; is the address right?")
        return completion

    def _response_format(self, question: Question) -> ResponseFormat | Omit:
        import openai

        if self._form is _Form.WORDS:
            return openai.omit
        if self._form is _Form.OBJECT:
            return {"type": "json_object"}
        schema: JSONSchema = {"name": "labels", "strict": True, "schema": {**question.schema}}
        return {"type": "json_schema", "json_schema": schema}

    def _reply(self, completion: ChatCompletion) -> Reply:
        choice, usage = completion.choices[0], completion.usage
        self.tally.calls += 1
        sent, received = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
        if sent is None or received is None:
            self.tally.uncounted += 1
        else:
            self.tally.prompt_tokens += sent
            self.tally.completion_tokens += received
        if choice.message.refusal:
            raise RefusalError(f"the judge refuses: {choice.message.refusal}")
        if choice.finish_reason == "content_filter":
            raise RefusalError("the judge refuses: the endpoint's content filter stopped the answer")
        if choice.finish_reason == "length":
            raise JudgeError("the answer was cut off at the endpoint's token limit")
        return Reply(
            text=choice.message.content or "",
            prompt_tokens=sent,
            completion_tokens=received,
        )

    def _refused(self, error: APIStatusError) -> NoReturn:
        """Sort an error status into what passes, what is wrong with the question, and with the endpoint."""
        status, words = error.status_code, self._settings.told(_words(error))
        if error.code == "insufficient_quota":
            self._unusable(f"the quota is used up ({status}): {words}")
        if _FORM.search(f"{words} {error.body}") and self._form is not _Form.WORDS:
            raise _FormError(self._form) from None
        if status in _BUSY or status >= 500:
            raise _PassingError(f"answers {status}: {words}", _retry_after(error.response.headers)) from None
        if status in (401, 403):
            key = "" if self._settings.api_key else " (it is not set)"
            self._unusable(f"refuses the key from ${self._settings.key_from}{key} ({status}): {words}")
        if status in (404, 405):
            self._unusable(f"has no such address, or no model {self._settings.model!r} ({status}): {words}")
        raise JudgeError(f"the endpoint does not take the question ({status}): {words}") from None

    def _unusable(self, reason: str) -> NoReturn:
        raise EndpointError(f"{self._settings.shown_url}: {reason}") from None

    def _keep_rate(self) -> None:
        rate = self._settings.calls_per_minute
        if rate is not None and self._last_call is not None:
            left = self._last_call + 60 / rate - self._clock()
            if left > 0:
                self._sleep(left)
        self._last_call = self._clock()

    def _wait(self, attempt: int, error: _PassingError) -> None:
        if error.retry_after_s is None:
            seconds = min(_FIRST_WAIT_S * 2**attempt, _LONGEST_WAIT_S) * random.uniform(0.75, 1.25)
        else:
            seconds = error.retry_after_s
        if seconds > _PATIENCE_S:
            self._unusable(f"{error.reason}; it asks to come back in {seconds:.0f} s")
        self._say(f"{error.reason}; asking again in {seconds:.0f} s")
        self._sleep(seconds)


class _FormError(Exception):
    """The endpoint does not take the form in which the answer was asked for."""

    def __init__(self, refused: _Form) -> None:
        super().__init__(refused)
        self.refused = refused
        self.following = _Form.OBJECT if refused is _Form.SCHEMA else _Form.WORDS


class _PassingError(Exception):
    """An error that passes with time."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


def key_in(variable: str) -> str | None:
    """The key in an environment variable, without the white space that files and shells leave around it.

    ``None`` where there is none.
    """
    return os.environ.get(variable, "").strip() or None


def check(settings: Settings) -> None:
    """Raise ``InputError`` where the base URL or the key can be none, whatever the endpoint is.

    The error names where they come from; it has neither the key nor what may be a password or a key in the
    URL.
    """
    url = settings.base_url
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        shown = settings.told(_without_secrets(url))
        raise InputError(
            f"the base URL {shown!r} is none; expected one like https://host/v1", field=settings.url_from
        )
    key = settings.api_key
    if key is not None and not (key.isascii() and key.isprintable()):
        raise InputError(
            f"the key in ${settings.key_from} is none: it holds characters that cannot be sent "
            "(a line break or a letter with an accent, say)"
        )


def _without_secrets(url: str) -> str:
    """What is meant for a URL but is none, for people: without what may be a password or a key in it."""
    found = re.match(r"[a-z]+:/+", url, re.I)
    scheme = found[0] if found else ""
    before, _, after = url.removeprefix(scheme).rpartition("@")
    # Behind a question mark the "@" may be a key's as well as a password's.
    return f"{scheme}..." if "?" in before else scheme + re.split("[?#]", after)[0]


def connect(settings: Settings) -> OpenAI:
    """Make a client; nothing is sent yet.

    Raises ``InputError`` as :func:`check` does, ``EndpointError`` where the ``openai`` client is not
    installed or does not take the settings.
    """
    check(settings)
    try:
        from openai import OpenAI
    except ImportError:
        raise EndpointError(
            "an endpoint needs the openai client, which is not installed: pip install 'goalstate[judge]'"
        ) from None
    # The client wants a key even where the endpoint wants none. Retries are ours: they keep the rate, and are
    # told about.
    try:
        return OpenAI(
            base_url=settings.base_url,
            api_key=settings.api_key or "none",
            max_retries=0,
            timeout=settings.timeout_s,
        )
    except Exception as error:
        # An address or a proxy that is none; by which class of error depends on the client's version.
        reason = f"the openai client does not take this address: {settings.told(str(error))}"
        raise EndpointError(f"{settings.shown_url}: {reason}") from None


def first_message(completion: ChatCompletion) -> ChatCompletionMessage | None:
    """The message of an answer's first choice; ``None`` where what came is no answer.

    The client hands on whatever comes with status 200: a login page, or JSON of another shape.
    """
    choices = getattr(completion, "choices", None)
    message = getattr(choices[0], "message", None) if isinstance(choices, list) and choices else None
    return message if isinstance(getattr(message, "content", None), str | None) else None


def _words(error: APIError) -> str:
    """What the endpoint itself says about an error."""
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    message = body.get("message") if isinstance(body, dict) else None
    if isinstance(message, str):
        return message
    # FastAPI's way, among others: {"detail": ...}
    return f"{error.message}: {body}" if body else error.message


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait that an endpoint asks for, in seconds; as a number or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)

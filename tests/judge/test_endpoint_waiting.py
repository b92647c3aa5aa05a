"""How long an endpoint is waited for, on a clock of the test's own."""

from __future__ import annotations

import json
from email.utils import format_datetime

import pytest
from fake_endpoint import error, saying, well

from tracker.errors import JudgeError


@pytest.fixture
def question():
    from tracker.conversation import Conversation, Message
    from tracker.goal import Component, Goal
    from tracker.judge import Mode, questions

    goal = Goal(components=(Component(id="o", category="objective", text="Return a kettle."),))
    conversation = Conversation("a", goal, (Message(role="user", content="A kettle."),))
    return questions(conversation, Mode.CONVERSATION)[0]


class Clock:
    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def opened(endpoint):
    from tracker.judge import Endpoint, Settings

    def build(clock, **settings):
        chosen = Settings(endpoint.url, "m", **settings)
        return Endpoint(chosen, clock=clock, sleep=clock.sleep)

    return build


def test_waits_grow_up_to_a_minute(endpoint, opened, question):
    clock = Clock()
    endpoint.script = [error(500, "oops")] * 9
    with pytest.raises(JudgeError, match="500: oops, 9 times in a row"):
        opened(clock, retries=8).ask(question)
    assert len(clock.slept) == 8
    assert clock.slept[0] < 2
    assert clock.slept[:5] == sorted(clock.slept[:5])
    assert all(45 <= seconds <= 75 for seconds in clock.slept[6:])


def test_a_date_to_come_back_at_is_kept(endpoint, opened, question):
    from datetime import UTC, datetime, timedelta

    clock = Clock()
    endpoint.script = [
        error(429, "busy", Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=90)))
    ]
    opened(clock).ask(question)
    assert 60 < clock.slept[0] <= 90


def test_a_wait_that_is_no_number_is_passed_over(endpoint, opened, question):
    clock = Clock()
    endpoint.script = [error(429, "busy", Retry_After="nan")]
    opened(clock).ask(question)
    assert len(clock.slept) == 1


def test_a_slow_endpoint_is_asked_again(endpoint, opened, question):
    import time

    def late(request):
        time.sleep(0.6)
        return well(request)

    clock = Clock()
    endpoint.script = [late]
    assert opened(clock, timeout_s=0.3, retries=20).ask(question).text
    assert clock.slept


def test_calls_keep_the_rate(endpoint, opened, question):
    clock = Clock()
    asked = opened(clock, calls_per_minute=6)
    for _ in range(3):
        asked.ask(question)
    assert clock.slept == [10, 10]


@pytest.mark.parametrize("status", [400, 422, 500])
def test_an_endpoint_without_schemas_is_told_them_in_words(endpoint, opened, question, status):
    """llama-cpp-python's server answers 500 to a form that it does not know."""
    clock = Clock()
    judge = opened(clock)
    refusal = error(status, "response_format.type: Input should be 'text' or 'json_object'")
    endpoint.script = [refusal, saying(c1=[(1, "COMPLETE")]), saying(c1=[])]
    assert "COMPLETE" in judge.ask(question).text
    assert clock.slept == []
    assert endpoint.requests[1]["response_format"] == {"type": "json_object"}
    assert '"required": ["c1"]' in endpoint.requests[1]["messages"][1]["content"]
    judge.ask(question)
    assert endpoint.calls == 3
    assert endpoint.requests[2]["response_format"] == {"type": "json_object"}


def test_one_without_json_is_told_all_in_words(endpoint, opened, question):
    refusal = error(400, "response_format is not supported")
    endpoint.script = [refusal, refusal, saying(c1=[(1, "COMPLETE")])]
    assert "COMPLETE" in opened(Clock()).ask(question).text
    assert "response_format" not in endpoint.requests[2]


def test_a_form_that_is_refused_by_its_place_in_the_request(endpoint, opened, question):
    """FastAPI's own answer to a field that it does not know."""
    where = {"detail": [{"loc": ["body", "response_format", "type"], "msg": "Input should be 'text'"}]}
    endpoint.script = [(422, {}, json.dumps(where))] * 2 + [saying(c1=[(1, "COMPLETE")])]
    assert "COMPLETE" in opened(Clock()).ask(question).text
    assert "response_format" not in endpoint.requests[2]


def test_a_form_that_is_refused_in_words_too_is_an_error(endpoint, opened, question):
    endpoint.script = [error(400, "response_format is not supported")] * 9
    with pytest.raises(JudgeError, match="response_format"):
        opened(Clock()).ask(question)
    assert endpoint.calls == 3

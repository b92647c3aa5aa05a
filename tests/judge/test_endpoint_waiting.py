"""How long an endpoint is waited for, on a clock of the test's own."""

from __future__ import annotations

from email.utils import format_datetime

import pytest
from fake_endpoint import error, well

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

"""Labels conversations by a large judge through an OpenAI-compatible endpoint.

The only part of goalstate that touches a network, and only when a person asks for it: nothing else imports
it, and it contacts no address but the one it is given.
"""

from __future__ import annotations

from tracker.judge.cache import ReplyCache, default_folder
from tracker.judge.endpoint import Endpoint, Settings, Tally
from tracker.judge.judging import Judge, Judgement, Plan, plan
from tracker.judge.prompt import Mode, Question, questions

__all__ = [
    "Endpoint",
    "Judge",
    "Judgement",
    "Mode",
    "Plan",
    "Question",
    "ReplyCache",
    "Settings",
    "Tally",
    "default_folder",
    "plan",
    "questions",
]

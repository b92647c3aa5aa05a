"""Labels conversations by a large judge through an OpenAI-compatible endpoint.

It touches a network only when a person asks for it, and contacts no address but the one it is given. The only
other part that does is ``tracker.simulator.endpoint``, by the same client.
"""

from __future__ import annotations

from tracker.judge.cache import ReplyCache, default_folder
from tracker.judge.endpoint import Endpoint, Settings, Tally, check, key_in
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
    "check",
    "default_folder",
    "key_in",
    "plan",
    "questions",
]

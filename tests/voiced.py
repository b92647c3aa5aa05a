"""Conversations whose labels follow from one word, for models that are to learn something in a test.

Knows words and labels. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Callable

from tracker.conversation import Conversation
from tracker.goal import Component, Status

Talk = Callable[..., Conversation]

THINGS = ("lamp", "bike", "tent", "coat", "desk", "harp", "kite", "oboe")


def voiced(talk: Talk, number: int) -> Conversation:
    """A wish voiced at the second turn of every other conversation, and one of each other kind of move."""
    thing, other = THINGS[number % 8], THINGS[(number + 3) % 8]
    voiced = number % 2 == 0
    component = Component.model_validate
    return talk(
        (f"Hello, is a {other} there?", "Yes."),
        (f"I want a {thing if voiced else other}.", f"Here is a {other}." if voiced else "No, sorry."),
        ("Bye.", None),
        name=f"talk-{number}",
        goal=(
            component({"id": "o", "category": "objective", "text": f"Get a {other}."}),
            component({"id": "q", "category": "requirement", "text": "It is new.", "objective": "o"}),
            component(
                {"id": "w", "category": "preference", "text": f"You like the {thing}.", "objective": "o"}
            ),
            component({"id": "p", "category": "profile", "text": f"You have a {thing}."}),
            component({"id": "r", "category": "policy", "text": f"Ask for the {thing} if there is one."}),
        ),
        labels={
            "w": ((2, Status.ALIGNED),) if voiced else (),
            "o": ((2, Status.COMPLETE if voiced else Status.ATTEMPTED),),
            "q": ((2, Status.COMPLETE if voiced else Status.ATTEMPTED),),
            "p": ((2, Status.MISALIGNED),) if voiced else (),
            "r": () if voiced else ((2, Status.MISALIGNED),),
        },
    )

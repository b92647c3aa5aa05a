"""A part of a sentence becomes a sentence of its own with the words that it shared."""

from __future__ import annotations

import pytest

from tracker.goal import Category
from tracker.splitter.wording import component_text

REQUIREMENT, PROFILE, OBJECTIVE = Category.REQUIREMENT, Category.PROFILE, Category.OBJECTIVE


@pytest.mark.parametrize(
    ("before", "part", "category", "text"),
    [
        ("", "and never shout", Category.POLICY, "Never shout."),
        ("The hall must be warm.", "and must seat forty,", REQUIREMENT, "The hall must seat forty."),
        ("The inn should be quiet.", "and should serve fish.", REQUIREMENT, "The inn should serve fish."),
        ("The inn should be calm.", "should it be loud, go.", Category.POLICY, "Should it be loud, go."),
        ("It must be red.", "and cost at most 5.", REQUIREMENT, "It must cost at most 5."),
        ("You lead a choir.", "and want a hall.", OBJECTIVE, "You want a hall."),
        ("You are a nurse.", "and work at night.", PROFILE, "You work at night."),
        ("You are a nurse.", "and your son is six.", PROFILE, "Your son is six."),
        ("You want to find out why.", "and when it is.", REQUIREMENT, "You want to find out when it is."),
        ("You want a refund.", "and to know how.", REQUIREMENT, "You want to know how."),
        ("Make sure you get the name.", "and the code.", REQUIREMENT, "Make sure you get the code."),
        ("You want to rent a van.", "for 30 June.", REQUIREMENT, "You want to rent a van, for 30 June."),
        (
            "You want to rent a van.",
            "from the airport on 3 May to the port.",
            REQUIREMENT,
            "From the airport on 3 May to the port.",
        ),
        ("The fee must be low.", "if it is not, leave.", Category.POLICY, "If it is not, leave."),
        ("", "(it must have a desk) for two", REQUIREMENT, "It must have a desk for two."),
        ("", "a desk (of oak) for two", REQUIREMENT, "A desk (of oak) for two."),
    ],
)  # fmt: skip
def test_what_was_left_out_is_put_back(before: str, part: str, category: Category, text: str) -> None:
    assert component_text(part, before=before, category=category) == text

"""Fitting the split of goals: alignment of components to words, and the weights."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tracker.goal import Category, Component, Goal
from tracker.splitter.model import best_split
from tracker.splitter.pieces import cut
from training.alignment import align
from training.decompose import weak_examples, written_examples
from training.rephrasing import rephrase
from training.splitter import fit

THINGS = ("lamp", "bike", "tent", "coat", "desk", "harp")


def goal(thing: str) -> Goal:
    text = (
        f"You are very shy. You want to buy a {thing}, and it must cost 5 euros. Never mention your {thing}."
    )
    parts = (
        (Category.PROFILE, "You are shy.", None),
        (Category.OBJECTIVE, f"Buy a {thing}.", None),
        (Category.REQUIREMENT, f"The {thing} costs 5 euros.", "c1"),
        (Category.POLICY, f"You never mention your {thing}.", None),
    )
    return Goal(
        text=text,
        components=tuple(
            Component(id=f"c{number}", category=category, text=words, objective=objective)
            for number, (category, words, objective) in enumerate(parts)
        ),
    )


def test_components_are_found_in_the_words_they_were_written_from() -> None:
    pieces = cut(goal("lamp").text + " It rains.")
    assert [(pieces.text(run.first, run.stop), run.label) for run in align(goal("lamp"), pieces)] == [
        ("You are very shy.", Category.PROFILE),
        ("You want to buy a lamp,", Category.OBJECTIVE),
        ("and it must cost 5 euros.", Category.REQUIREMENT),
        ("Never mention your lamp.", Category.POLICY),
        ("It rains.", None),
    ]


def test_a_component_that_the_text_does_not_have_is_left_out() -> None:
    text = "You want a lamp."
    pieces = cut(text)
    components = (Component(id="x", category=Category.PROFILE, text="Your sister lives abroad."),)
    assert [run.label for run in align(Goal(text=text, components=components), pieces)] == [None]


@pytest.mark.filterwarnings("ignore:Converting a tensor")
def test_what_was_fitted_splits_a_new_goal() -> None:
    examples = list(written_examples([goal(thing) for thing in THINGS[:-1]]))
    weights = fit(examples, penalty=0.1, least=2, steps=30)
    pieces = cut(goal(THINGS[-1]).text)
    assert [run.label for run in best_split(pieces, weights)] == [
        Category.PROFILE,
        Category.OBJECTIVE,
        Category.REQUIREMENT,
        Category.POLICY,
    ]
    again = fit(examples, penalty=0.1, least=2, steps=30)
    np.testing.assert_array_equal(weights.runs, again.runs)


def test_fallbacks_of_multiwoz_goals_are_learnt_as_policies() -> None:
    from tracker.formats.multiwoz import split_goal

    text = (
        "You are planning your trip in Cambridge. You are looking for a train. The train should leave on "
        "Monday. If there is no such train, how about one that leaves on Friday."
    )
    split = split_goal(text)
    assert split is not None
    (example,) = weak_examples([split], weight=0.5)
    assert [run.label for run in example.truth] == [
        None,
        Category.OBJECTIVE,
        Category.REQUIREMENT,
        Category.POLICY,
    ]


def test_a_rephrased_goal_says_the_same_in_other_words() -> None:
    text = (
        "You want to buy a lamp; it must be red. Never mention the price. If it is sold out, ask for a "
        "blue one."
    )
    rephrased = {rephrase(text, random.Random(seed)) for seed in range(10)}
    assert len(rephrased) > 5
    for other in rephrased:
        for word in ("buy", "lamp", "red", "mention the price", "sold out", "blue one"):
            assert word in other

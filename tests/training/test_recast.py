"""A conversation's own components as rules of conduct: their sentences, and when they are broken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest
from fixture_types import Talk

from tracker.conversation import Conversation, LabelChange
from tracker.goal import Category, Component, Status
from training import conduct
from training.exact import ExactComponent
from training.matters import Form, matters, task
from training.recast import recast_components

MANY = 400
"""More than can be made of one conversation: the whole pool is drawn."""


def _component(category: Category, text: str, name: str = "c1") -> Component:
    return Component(id=name, category=category, text=text)


@pytest.mark.parametrize(
    ("category", "text", "form", "said"),
    [
        (
            Category.PREFERENCE,
            "You would rather sit outside.",
            Form.FACT,
            "VERB that you would rather sit outside",
        ),
        (Category.PREFERENCE, "You would rather have a red boat.", Form.REQUEST, "VERB a red boat"),
        (Category.PROFILE, "Your sister steers.", Form.FACT, "VERB that your sister steers"),
        (Category.PROFILE, "Your sister is a pilot.", Form.TOPIC, "VERB your sister"),
        (Category.REQUIREMENT, "The trip is on 9 May.", Form.FACT, "VERB that the trip is on 9 May"),
        (Category.REQUIREMENT, "Find out whether it rains.", Form.QUESTION, "VERB whether it rains"),
        (Category.REQUIREMENT, "Find out by when it is due.", Form.QUESTION, "VERB by when it is due"),
        (Category.REQUIREMENT, "Find out the price.", Form.QUESTION, "VERB about the price"),
        (Category.REQUIREMENT, "Get a receipt.", Form.REQUEST, "VERB a receipt"),
        (Category.PROFILE, "You are Ann Lee and row.", Form.DATUM, "VERB your name"),
        (Category.PROFILE, "Your customer number is 4410-2.", Form.DATUM, "VERB your customer number"),
    ],
)
def test_sentences_are_turned_so_that_a_rule_can_speak_of_them(
    category: Category, text: str, form: Form, said: str
) -> None:
    found = [matter.put("VERB") for matter in matters(_component(category, text)) if matter.form is form]
    assert said in found


def test_adverbials_stand_where_english_wants_them() -> None:
    fact, request = (
        next(m for m in matters(_component(category, text)) if m.form is form)
        for category, text, form in (
            (Category.PREFERENCE, "You would rather sit outside.", Form.FACT),
            (Category.REQUIREMENT, "Get a receipt.", Form.REQUEST),
        )
    )
    assert fact.put("say", "at once") == "say at once that you would rather sit outside"
    assert request.put("ask for", "at once") == "ask for a receipt at once"


@pytest.mark.parametrize(
    ("category", "text"),
    [
        (Category.POLICY, "Never mention the boat."),
        (Category.OBJECTIVE, "Get a boat."),
        (Category.REQUIREMENT, "It must be red."),
        (Category.REQUIREMENT, "If you can, take the red one."),
        (Category.PROFILE, "You row; your sister steers."),
        (Category.PROFILE, "You row. Your sister steers."),
        (Category.PREFERENCE, "You would rather sit outside"),
    ],
)
def test_what_fits_no_form_is_left_alone(category: Category, text: str) -> None:
    assert list(matters(_component(category, text))) == []


def test_a_verb_is_no_topic() -> None:
    found = matters(_component(Category.REQUIREMENT, "The lessons cost no more than 40."))
    assert [matter.thing for matter in found if matter.form is Form.TOPIC] == ["the lessons"]


def test_a_task_stands_behind_you_can() -> None:
    assert task(_component(Category.OBJECTIVE, "Get the oar mended.")) == "get the oar mended"
    assert task(_component(Category.OBJECTIVE, "The oar is mended.")) is None


WISH = "You would rather have a striped sail than a plain one."
JOB = "You are a retired lighthouse keeper."
ASKS = "Find out whether there are lockers on the jetty."
NAME = "You are Ann Leebrook."
GOAL: Sequence[Component] = (
    _component(Category.OBJECTIVE, "Get a boat booked for Sunday.", "o1"),
    _component(Category.PREFERENCE, WISH, "w1"),
    _component(Category.PREFERENCE, "You would rather have a cabin with a stove.", "w2"),
    _component(Category.PROFILE, JOB, "p1"),
    _component(Category.PROFILE, NAME, "p2"),
    _component(Category.REQUIREMENT, ASKS, "q1"),
)
LABELS: Mapping[str, tuple[LabelChange, ...]] = {
    "o1": ((3, Status.ATTEMPTED),),
    "w1": ((2, Status.ALIGNED),),
    "q1": ((1, Status.COMPLETE),),
}
STRANGE = [_component(Category.PROFILE, "You give oboe lessons in Graz.", "x1")]


@pytest.fixture(scope="module")
def regatta(talk: Talk) -> Conversation:
    return talk(
        ("A boat for Sunday, please. Are there lockers on the jetty?", "There are. Your name?"),
        ("Ann Leebrook. And I'd like a striped sail, not a plain one.", "Noted. Anything else?"),
        ("I'm a retired lighthouse keeper, by the way.", "No boat is left for Sunday, I am sorry."),
        ("What a pity. Goodbye.", None),
        goal=GOAL,
        labels=LABELS,
    )


@pytest.fixture(scope="module")
def pool(regatta: Conversation) -> list[ExactComponent]:
    drawn = []
    for seed in range(20):
        drawn += recast_components(regatta, MANY, foreign=STRANGE, random_state=seed)
    return drawn


def _moves(pool: Sequence[ExactComponent], *patterns: str) -> set[int | None]:
    texts = [c for c in pool if all(re.search(pattern, c.component.text) for pattern in patterns)]
    assert texts, f"no rule says {patterns}"
    return {c.moves_at for c in texts}


FACT_WISH = r"that you would rather have a striped sail"
FACT_STOVE = r"that you would rather have a cabin"
FACT_JOB = r"that you are a retired lighthouse keeper"
FACT_OBOE = r"that you give oboe lessons"
LOCKERS = r"whether there are lockers on the jetty"


@pytest.mark.parametrize(
    ("start", "thing", "turn"),
    [
        (r"^(Never|Do not|Don't|You never) (say|mention|tell the agent|let the agent know)", FACT_WISH, 2),
        (r"^(Keep it to yourself|Do not let on|Never let the agent know)", FACT_WISH, 2),
        (
            r"^(Never|Do not|Don't|You never) (say|mention|tell the agent|let the agent know) that",
            FACT_JOB,
            3,
        ),
        (
            r"^(Never|Do not|Don't|You never) (say|mention|tell the agent|let the agent know) that",
            FACT_STOVE,
            None,
        ),
        (
            r"^(Never|Do not|Don't|You never) (say|mention|tell the agent|let the agent know) that",
            FACT_OBOE,
            None,
        ),
        (r"^(Never|Do not|Don't|You never) (ask|enquire)", LOCKERS, 1),
        (r"in your (very )?first message", LOCKERS + r"\b", None),
        (r"in your (very )?first message|^In your first message", FACT_WISH, 1),
        (r"in your (very )?first message|^In your first message", FACT_STOVE, 1),
        (r"in your (very )?first message|^In your first message", FACT_OBOE, 1),
        (r"before you leave|^Before the conversation ends|say goodbye", FACT_JOB, None),
        (r"before you leave|^Before the conversation ends|say goodbye", FACT_OBOE, 4),
        (
            r"only (when you are asked|if the agent asks)|^Unless the agent asks|before the agent asks",
            FACT_OBOE,
            None,
        ),
        (r"until (the agent asks|you are asked) for it", r"your name", None),
        (r"cannot get a boat booked for Sunday", FACT_OBOE, 4),
        (r"not settled whether you can get a boat", FACT_JOB, 3),
        (r"not settled whether you can get a boat", FACT_OBOE, None),
        (r"anything else", FACT_JOB, None),
        (r"anything else", FACT_OBOE, 3),
    ],
)
def test_when_a_rule_is_broken(pool: list[ExactComponent], start: str, thing: str, turn: int | None) -> None:
    about_two = r"(before|until) you (say|mention|tell|let|ask|enquire|request|bring|speak|refer|give|state)"
    single = [c for c in pool if not re.search(about_two, c.component.text)]
    assert _moves(single, start, thing) == {turn}


def test_one_thing_before_another(pool: list[ExactComponent]) -> None:
    def order(first: str, then: str) -> set[int | None]:
        return _moves(
            pool, rf"^(First .*{first}.* and only after that|Before you .*{then}.*, \w+).*({then}|{first})"
        )

    assert order(LOCKERS, FACT_WISH) == {None}
    assert order(FACT_WISH, LOCKERS) == {1}
    assert order(FACT_JOB, FACT_WISH) == {2}
    assert order(FACT_WISH, FACT_JOB) == {None}


def test_a_thing_whose_telling_is_in_doubt_gives_nothing(talk: Talk) -> None:
    half = talk(
        ("A striped one would be nice.", "Noted."),
        ("I mean the sail, striped rather than plain.", None),
        goal=[_component(Category.PROFILE, "You own a striped sail of hemp.")],
        labels={},
    )
    assert recast_components(half, MANY) == []


def test_draws_are_as_many_as_asked_for_and_repeat(regatta: Conversation) -> None:
    def draw(seed: int | str) -> list[ExactComponent]:
        return recast_components(regatta, 5, foreign=STRANGE, random_state=seed)

    assert len(draw(1)) == 5
    assert draw(1) == draw(1)
    assert draw("second") != draw("third")
    assert len({c.component.id for c in draw(1)}) == 5
    assert all(c.component.category is Category.POLICY for c in draw(1))


def test_kept_and_broken_rules_are_mixed(regatta: Conversation) -> None:
    drawn = [
        c for seed in range(20) for c in recast_components(regatta, 6, foreign=STRANGE, random_state=seed)
    ]
    assert 0.3 < sum(c.moves_at is not None for c in drawn) / len(drawn) < 0.6
    assert all(c.moves_at is None or 1 <= c.moves_at <= 4 for c in drawn)


def test_sentences_are_whole(pool: list[ExactComponent]) -> None:
    for one in pool:
        text = one.component.text
        assert text[0].isupper()
        assert text.endswith(".")
        assert not re.search(r"[{}]|  | \.|\.\.", text)


def test_every_kind_has_many_wordings() -> None:
    tables = [value for name, value in vars(conduct).items() if name.isupper()]
    assert len(tables) >= 14
    assert sum(map(len, tables)) >= 90
    assert all(len(set(table)) == len(table) for table in tables)


def test_without_labels_nothing_is_sure(regatta: Conversation, talk: Talk) -> None:
    assert recast_components(talk(("a boat", None), goal=GOAL), 5) == []
    assert recast_components(talk(opening="Hello?", goal=GOAL, labels={}), 5) == []

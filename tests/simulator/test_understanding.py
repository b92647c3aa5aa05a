"""The agent understands what users write: every sentence of a goal, and how small models write it."""

from __future__ import annotations

import pytest

from tracker.farewell import is_farewell, without_farewell
from tracker.goal import Category, Component
from tracker.simulator.domains import DOMAINS, Domain, Fact, Slot
from tracker.simulator.scripted import spoken
from tracker.simulator.speech import accepts, affirms, denies, times
from tracker.simulator.understanding import understand

CONDITIONS = [
    (domain, slot, value)
    for domain in DOMAINS.values()
    for slot in domain.slots
    for value in slot.values
    if slot.requirement
]
FACTS = [(domain, fact) for domain in DOMAINS.values() for fact in domain.facts]


def component(category: Category, text: str) -> Component:
    return Component(id="x", category=category, text=text)


@pytest.mark.parametrize(
    ("domain", "slot", "value"), CONDITIONS, ids=lambda part: getattr(part, "name", part)
)
def test_every_condition_of_a_goal_is_understood(domain: Domain, slot: Slot, value: str) -> None:
    for template in slot.requirement:
        said = spoken(component(Category.REQUIREMENT, slot.fill(template, value)))
        heard = understand(said, active=domain.name)
        assert heard.named[domain.name][slot.name] == value, said
        assert not heard.wanted, said


@pytest.mark.parametrize(("domain", "fact"), FACTS, ids=lambda part: getattr(part, "name", part))
def test_every_question_of_a_goal_is_understood(domain: Domain, fact: Fact) -> None:
    for wanted in fact.wanted:
        text = f"Find out {wanted.format(noun=domain.noun)}."
        said = spoken(component(Category.REQUIREMENT, text))
        heard = understand(said, active=domain.name)
        assert heard.wanted == {domain.name: (fact.name,)}, said


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=lambda domain: domain.name)
def test_every_task_of_a_goal_is_understood(domain: Domain) -> None:
    identity = {slot.name: slot.values[0] if slot.values else "K-4471" for slot in domain.identity}
    if domain.name == "train":
        identity = {"origin": "Ashby", "destination": "Corwen"}
    for task in domain.tasks:
        said = spoken(component(Category.OBJECTIVE, f"{task[0].upper()}{task[1:]}.".format(**identity)))
        heard = understand(said)
        assert heard.domains == (domain.name,), said
        assert identity.items() <= heard.named.get(domain.name, {}).items(), said


@pytest.mark.parametrize(
    ("said", "domain", "expected"),
    [
        (
            "hi i want a TABLE for two on fri at half past seven",
            "restaurant",
            {"people": "2", "time": "19:30"},
        ),
        (
            "an Itallian restaurant in the Harbor please",
            "restaurant",
            {"cuisine": "Italian", "area": "harbour"},
        ),
        ("We're 4 people, 8pm, Saturday!", "restaurant", {"people": "4", "time": "20:00", "day": "Saturday"}),
        ("a room for three nights, just me", "hotel", {"nights": "3", "people": "1"}),
        ("I'd like to go to Dunmore from Ashby", "train", {"origin": "Ashby", "destination": "Dunmore"}),
        ("my order is k 4471", "return", {"code": "K-4471"}),
        ("a kettle for no more than 60 euros", "shop", {"product": "kettle", "budget": "60"}),
        ("it doesn't have to be Thai, Greek is fine", "restaurant", {"cuisine": "Greek"}),
    ],
)
def test_how_small_models_write(said: str, domain: str, expected: dict[str, str]) -> None:
    heard = understand(said, active=domain)
    assert expected.items() <= heard.named[domain].items()


def test_a_bare_answer_is_taken_for_what_was_asked() -> None:
    assert understand("4", active="restaurant", awaited=["people"]).named["restaurant"] == {"people": "4"}
    assert understand("Ada Quill", active="hotel", awaited=["name"]).personal == {"name": "Ada Quill"}
    assert understand("No", active="hotel", awaited=["member"]).personal == {"member": "no"}
    assert understand("67", active="train", awaited=["age"]).personal == {"age": "67"}


def test_a_greeting_is_no_part_of_the_day() -> None:
    assert understand("Good evening. I need a dentist.", active=None).named["appointment"] == {
        "kind": "dentist"
    }


@pytest.mark.parametrize(
    ("said", "leaves"),
    [
        ("Thank you. Goodbye.", True),
        ("Great, that's all.", True),
        ("have a nice day!", True),
        ("Bye. Oh, what is the address?", False),
        ("Can I have a confirmation? Thank you. Goodbye.", True),
        ("I would like a room.", False),
    ],
)
def test_goodbyes(said: str, leaves: bool) -> None:
    assert is_farewell(said) is leaves


def test_a_goodbye_can_be_taken_out_of_a_message() -> None:
    assert without_farewell("I need a table for two. Thanks, bye!") == "I need a table for two."
    assert without_farewell("Goodbye.") == ""


def test_yes_and_no() -> None:
    assert affirms("yes, go ahead")
    assert affirms("Yes, go ahead. I would rather not say.")
    assert not affirms("no, that is not right")
    assert denies("no, thank you")
    assert accepts("yes please")
    assert accepts("i'll take that")
    assert not accepts("great, and now the hotel")


def test_times_of_an_evening() -> None:
    assert times("at 7") == ["19:00"]
    assert times("19:30 or 8 pm") == ["19:30", "20:00"]
    assert times("for 7 people") == []


@pytest.mark.parametrize(
    ("said", "domain"),
    [
        ("i need somewhere to eat on friday", "restaurant"),
        ("I want to stay for two nights", "hotel"),
        ("two tickets from Ashby to Corwen please", "train"),
        ("a blue backpack please", "shop"),
        ("I need to see a dentist", "appointment"),
    ],
)
def test_a_request_need_not_be_named_in_so_many_words(said: str, domain: str) -> None:
    assert understand(said).domains == (domain,)


def test_the_subject_does_not_change_by_a_mere_mention() -> None:
    assert understand("Is there a table in the room?", active="hotel").domains == ("hotel",)
    assert understand("The kettle is broken.", active="return").domains == ()
    assert understand("Can I cancel it later?", active="hotel").domains == ()
    assert understand("Can you give me a ticket number?", active="restaurant").domains == ()

"""Near misses: what is changed, what is left alone, and the label that follows."""

from __future__ import annotations

from tracker.conversation import Conversation, Message, Role
from tracker.goal import Category, Component, Goal, Status
from training.changed import ChangedComponent, changed_components
from training.exact import exact_components


def _conversation(
    *components: Component, labels: dict[str, tuple[tuple[int, Status], ...]], said: tuple[str, ...]
) -> Conversation:
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(Message(role=roles[i % 2], content=content) for i, content in enumerate(said))
    return Conversation("boat", Goal(text="A boat.", components=components), messages, labels)


def _task(text: str) -> Component:
    return Component(id="task", category=Category.OBJECTIVE, text=text)


SAID = (
    "Hello there.",
    "Ahoy. What can I do?",
    "Nora Quill here. A boat for three people on Monday, please.",
    "The boat for three people is yours on Monday.",
)


def _made(component: Component, *moves: tuple[int, Status], said: tuple[str, ...] = SAID) -> ChangedComponent:
    conversation = _conversation(component, labels={component.id: moves}, said=said)
    (made,) = changed_components(conversation, 3, names=["Osric"])
    return made


def test_a_task_with_another_value_is_never_done() -> None:
    made = _made(_task("Rent a boat on Monday."), (2, Status.COMPLETE))
    assert made.moves_at is None
    assert made.telling == (2,)
    assert made.component.category is Category.OBJECTIVE
    assert made.component.text.startswith("Rent a boat on ")
    assert "Monday" not in made.component.text


def test_a_number_of_things_is_changed_with_the_thing_it_counts() -> None:
    made = _made(_task("Rent a boat for three people."), (2, Status.COMPLETE))
    assert made.component.text.endswith(" people.")
    assert "three" not in made.component.text


def test_a_profile_is_contradicted_when_the_old_name_is_told() -> None:
    profile = Component(id="who", category=Category.PROFILE, text="Your name is Nora.")
    made = _made(profile)
    assert made.component.text == "Your name is Osric."
    assert made.moves_at == 2


def test_what_the_agent_said_first_says_nothing_about_a_profile() -> None:
    profile = Component(id="who", category=Category.PROFILE, text="Your name is Nora.")
    said = ("Hello.", "Is that Nora?", "Nora, yes.", "Good.")
    assert changed_components(_conversation(profile, labels={}, said=said), 3, names=["Osric"]) == []


def test_bounds_unspoken_values_and_values_spoken_elsewhere_are_left_alone() -> None:
    for text in ("Rent a boat for at most 120 euros.", "Rent a boat on Tuesday.", "Rent a boat."):
        said = (*SAID, "That is 120 euros?")
        conversation = _conversation(_task(text), labels={"task": ((2, Status.COMPLETE),)}, said=said)
        assert changed_components(conversation, 3, names=["Osric"]) == []
    every_day = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
    conversation = _conversation(
        _task("Rent a boat on Monday."), labels={"task": ((2, Status.COMPLETE),)}, said=(*SAID, every_day)
    )
    assert changed_components(conversation, 3) == []


def test_a_component_that_never_moved_is_no_telling_miss() -> None:
    conversation = _conversation(_task("Rent a boat on Monday."), labels={}, said=SAID)
    assert changed_components(conversation, 3) == []


def test_exact_rules_and_near_misses_have_ids_of_their_own() -> None:
    conversation = _conversation(
        _task("Rent a boat on Monday."), labels={"task": ((2, Status.COMPLETE),)}, said=SAID
    )
    ids = [m.component.id for m in changed_components(conversation, 3)]
    ids += [e.component.id for e in exact_components(conversation, 5)] + [c.id for c in conversation.goal]
    assert len(ids) == len(set(ids))

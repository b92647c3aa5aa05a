"""What a person reads off the tables."""

import re
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tracker.goal import STATUSES, Category, Component, Goal, Status
from tracker.rendering import SummaryTable, TrackTable, one_line
from tracker.state import ComponentState, GoalState, Track


def drawn(renderable, width=80, **options):
    console = Console(width=width, highlight=False, **options)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def track(components, changes, turns, name="c-1"):
    """A track in which a component's status changes at the given turns."""
    goal = Goal(components=tuple(components))
    now = {component.id: component.start for component in goal}
    states = []
    for turn in range(1, turns + 1):
        now |= {name: status for (name, at), status in changes.items() if at == turn}
        states.append(GoalState(turn, {name: ComponentState(status, 0.875) for name, status in now.items()}))
    return Track(name, goal, tuple(states))


OBJECTIVE = Component(id="book", category=Category.OBJECTIVE, text="Book a table by the window for Friday.")
POLICY = Component(id="polite", category=Category.POLICY, text="Always say please.")
CHANGES = {
    ("book", 2): Status.ATTEMPTED,
    ("book", 4): Status.COMPLETE,
    ("polite", 3): Status.MISALIGNED,
}


def row(text, component):
    return next(line for line in text.splitlines() if line.startswith(component))


def test_a_row_shows_the_component_its_changes_and_its_end():
    text = drawn(TrackTable(track([OBJECTIVE, POLICY], CHANGES, 5)))
    assert re.fullmatch(r"book +objective +Book a table .* · T───C── +COMPLETE +0\.88 *", row(text, "book"))
    assert re.fullmatch(
        r"polite +policy +Always say please\. +· · M──── +MISALIGNED 0\.88 *", row(text, "polite")
    )


def test_a_letter_stands_below_its_turn():
    text = drawn(TrackTable(track([OBJECTIVE, POLICY], CHANGES, 5)))
    numbers = row(text, "component")
    assert row(text, "book").index("T──") == numbers.index("2")
    assert row(text, "book").index("C─") == numbers.index("4")
    assert row(text, "polite").index("M─") == numbers.index("3")


def test_colours_are_only_for_terminals():
    table = TrackTable(track([OBJECTIVE], CHANGES, 5))
    assert "\x1b" not in drawn(table)
    assert "\x1b[1;7;33mT" in drawn(table, force_terminal=True, color_system="standard", no_color=False)


def test_the_letters_are_explained():
    text = drawn(TrackTable(track([OBJECTIVE, POLICY], CHANGES, 5)))
    assert "T attempted" in text
    assert "C complete" in text
    assert "aligned (policy)" in text
    assert "incomplete (objective)" in text
    assert "preference" not in text


def test_a_user_who_never_spoke_and_a_goal_without_components_are_said():
    assert "never spoke" in drawn(TrackTable(track([OBJECTIVE], {}, 0)))
    assert "no components" in drawn(TrackTable(track([], {}, 3)))


def test_an_output_without_unicode_gets_plain_letters(tmp_path):
    with open(tmp_path / "out", "w", encoding="ascii", errors="replace") as stream:
        Console(file=stream, width=80).print(TrackTable(track([OBJECTIVE], CHANGES, 5)))
    assert ". T---C--" in (tmp_path / "out").read_text()


def test_text_from_users_cannot_steer_the_terminal():
    nasty = Component(id="\x1b[31mid", category=Category.POLICY, text="[bold]a\x1b]0;title\x07\nb\r\x9b1mc")
    text = drawn(TrackTable(track([nasty], {}, 3, name="\x1b[2Jname")), width=120)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\x9b" not in text
    assert "[bold]a" in text
    assert one_line("a\n\t b\x00") == "a b "


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    str.strip
)


@st.composite
def tracks(draw):
    names = draw(st.lists(words, min_size=1, max_size=6, unique=True))
    components = [
        Component(id=name, category=draw(st.sampled_from(Category)), text=draw(words)) for name in names
    ]
    turns = draw(st.integers(0, 130))
    changes = {}
    if turns:
        for component in components:
            changes[component.id, draw(st.integers(1, turns))] = STATUSES[component.category][-1]
    return track(components, changes, turns)


@given(tracks(), st.integers(60, 200))
@settings(max_examples=60, deadline=None)
def test_any_conversation_fits_any_terminal_with_every_turn_once(one, width):
    text = drawn(TrackTable(one), width=width)
    lines = text.splitlines()
    assert all(cell_len(line) <= width for line in lines)
    headings = [line for line in lines if line.startswith("component")]
    units = [int(digit) for line in headings for digit in re.findall(r"\b\d\b", line)]
    assert units == [turn % 10 for turn in range(1, len(one.states) + 1)]
    end = " 0.88" if one.states else " 1.00"
    assert sum(line.rstrip().endswith(end) for line in lines) == len(one.goal)


def test_forty_components_over_many_turns_stay_readable_on_eighty_columns():
    components = [
        Component(
            id=f"requirement-{i}", category=Category.REQUIREMENT, text=f"Wish number {i}, at some length."
        )
        for i in range(1, 41)
    ]
    changes = {(component.id, i): Status.COMPLETE for i, component in enumerate(components, start=1)}
    text = drawn(TrackTable(track(components, changes, 40)))
    assert "Wish number 40" in text
    for turn in range(1, 41):
        rows = [line for line in text.splitlines() if line.startswith(f"requirement-{turn} ")]
        assert sum(bool(re.search(r"  C─| · C", line)) for line in rows) == 1
    assert max(map(len, text.splitlines())) <= 80


def test_a_summary_counts_ends_and_successes():
    text = drawn(
        SummaryTable(
            Counter(
                {
                    (Category.OBJECTIVE, Status.COMPLETE): 2,
                    (Category.OBJECTIVE, Status.ATTEMPTED): 1,
                    (Category.OBJECTIVE, Status.INCOMPLETE): 1,
                    (Category.POLICY, Status.MISALIGNED): 3,
                }
            )
        )
    )
    assert re.search(r"objective +4 +1 +1 +2 +75%", text)
    assert re.search(r"policy +3 +0 +3 +0%", text)
    assert "profile" not in text

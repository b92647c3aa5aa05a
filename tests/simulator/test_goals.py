"""Drawn goals: the same for the same seed, of all categories, every component judged by code."""

from __future__ import annotations

import pytest

from tracker.goal import Category
from tracker.simulator import SimulatedGoal, generate_goals
from tracker.simulator.world import World


@pytest.fixture(scope="module")
def goals() -> list[SimulatedGoal]:
    return generate_goals(40, random_state=3)


def test_the_same_seed_gives_the_same_goals(goals: list[SimulatedGoal]) -> None:
    again = generate_goals(5, random_state=3)
    assert [one.goal for one in again] == [one.goal for one in goals[:5]]
    assert generate_goals(1, random_state=4)[0].goal != goals[0].goal


def test_every_goal_has_all_categories_and_a_check_for_each_component(goals: list[SimulatedGoal]) -> None:
    for simulated in goals:
        assert {component.category for component in simulated.goal} == set(Category)
        assert set(simulated.checks) == {component.id for component in simulated.goal}
        assert "{" not in simulated.goal.text
        for component in simulated.goal:
            assert "{" not in component.text
            owned = component.category in (Category.REQUIREMENT, Category.PREFERENCE)
            assert (component.objective is not None) is owned


def test_some_goals_are_impossible_in_part_and_some_say_what_to_do_then(goals: list[SimulatedGoal]) -> None:
    assert 10 < sum(bool(simulated.troubles) for simulated in goals) < 35
    assert any("If " in simulated.goal.text for simulated in goals)
    assert len({simulated.goal.text for simulated in goals}) == len(goals)


def test_every_goal_has_a_world_of_its_own(goals: list[SimulatedGoal]) -> None:
    one, other = goals[0].world(), goals[0].world()
    assert one.events == other.events == ()
    one.close()
    other.close()


def test_a_world_can_be_kept_in_a_file(tmp_path) -> None:
    path = tmp_path / "world.sqlite"
    World.generate(1, path=path).close()
    assert path.stat().st_size > 0

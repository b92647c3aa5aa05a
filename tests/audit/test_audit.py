"""Who is to blame for a run, and what the runs add up to."""

import json
import math

import pytest
from audit_samples import DONE, conversation, run, track, without

from tracker.audit import Outcome, Rate, audit, broken, compare, judged
from tracker.errors import InputError
from tracker.goal import Status
from tracker.tracked import Tracked


def test_a_user_who_kept_the_goal_broke_nothing():
    assert broken(track("a", DONE)) == {}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (without(name=(2, Status.MISALIGNED)), {"name": 2}),
        (without(street=(1, Status.MISALIGNED)), {"street": 1}),
        (without("rent", "red"), {"rent": 3}),
        (without("red"), {"red": 3}),
        (without("day"), {"day": 3}),
        (without("cheap"), {}),
    ],
    ids=[
        "contradicted a fact",
        "broke a rule",
        "never got to the objective, whose requirement is a part of it",
        "got it without the condition",
        "left out a condition of no objective",
        "a wish left unsaid is no drift",
    ],
)
def test_what_is_held_against_the_user(changes, found):
    assert broken(track("a", changes)) == found


def test_what_the_agent_failed_is_not_held_against_the_user():
    refused = without("red", rent=(2, Status.ATTEMPTED), day=(2, Status.ATTEMPTED))
    assert broken(track("a", refused)) == {}


def test_a_user_who_never_spoke_left_everything_undone():
    assert broken(track("a", {}, turns=0)) == {"rent": 0, "day": 0}
    (verdict,) = audit([Tracked(track("a", {}, turns=0))]).runs
    assert [each.words for each in verdict.breaks] == ["", ""]


def test_a_break_says_when_and_with_which_words():
    changes = without("day", street=(2, Status.MISALIGNED))
    (verdict,) = audit([run("a", changes, reward=0.0)]).runs
    first, second = verdict.breaks
    assert (first.component.id, first.turn, first.status) == ("street", 2, Status.MISALIGNED)
    assert first.words == "User at turn 2 of a."
    assert (second.component.id, second.turn, second.status) == ("day", 3, Status.INCOMPLETE)
    assert second.words == "User at turn 3 of a."
    assert first.probability == 0.875


def test_runs_are_sorted_by_reward_and_drift():
    drifted = without(street=(1, Status.MISALIGNED))
    found = audit(
        [
            run("neither", DONE),
            run("agent", DONE, reward=0.0),
            run("agent too", DONE, reward=0.5),
            run("user", drifted),
            run("both", drifted, reward=0.0),
            run("unknown", drifted, reward=None),
        ]
    )
    assert [each.outcome for each in found.runs] == [
        Outcome.NEITHER,
        Outcome.AGENT_FAILED,
        Outcome.AGENT_FAILED,
        Outcome.USER_DRIFTED,
        Outcome.BOTH,
        None,
    ]
    assert (found.pass_rate.hits, found.pass_rate.total) == (2, 5)
    assert (found.corrected_pass_rate.hits, found.corrected_pass_rate.total) == (1, 3)
    assert (found.failures_with_drift.hits, found.failures_with_drift.total) == (1, 3)
    assert (found.drifted.hits, found.drifted.total) == (3, 6)
    assert json.loads(json.dumps(found.as_json()))["without_reward"] == 1


def test_what_the_tracker_is_unsure_of_can_be_left_out():
    changes = without(street=(1, Status.MISALIGNED))
    assert audit([run("a", changes, probability=0.6)], confidence=0.6).runs[0].drifted
    assert not audit([run("a", changes, probability=0.6)], confidence=0.61).runs[0].drifted


def test_an_interval_is_wilsons():
    p, n, z = 12 / 21, 21, 1.959964
    middle, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert Rate(12, 21).interval == pytest.approx(
        ((middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)), abs=1e-5
    )
    assert Rate(0, 0).as_json()["value"] is None
    assert all(map(math.isnan, Rate(0, 0).interval))


def test_a_comparison_counts_runs_and_components():
    street = without(street=(2, Status.MISALIGNED))
    late = without("day", street=(3, Status.MISALIGNED))
    truth = {"hit": late, "missed": street, "false": DONE, "right": DONE}
    said = {"hit": street, "missed": DONE, "false": street, "right": DONE}
    found = compare(
        [run(name, changes) for name, changes in said.items()],
        [judged(conversation(name, labels=changes)) for name, changes in truth.items()],
    )
    assert (found.precision.hits, found.precision.total) == (1, 2)
    assert (found.recall.hits, found.recall.total) == (1, 2)
    assert (found.agreement.hits, found.agreement.total) == (2, 4)
    assert found.kappa == 0
    assert (found.breaks_found.hits, found.breaks_found.total) == (1, 3)
    assert (found.breaks_right.hits, found.breaks_right.total) == (1, 2)
    assert (found.breaks_at_the_turn.hits, found.breaks_at_the_turn.total) == (0, 1)


def test_labels_are_the_judges_track():
    truth = judged(conversation("a", labels=without(street=(2, Status.MISALIGNED))))
    assert broken(truth.track) == {"street": 2}
    with pytest.raises(InputError, match="no labels"):
        judged(conversation("a"))
    with pytest.raises(InputError, match="no labelled runs"):
        compare([], [])

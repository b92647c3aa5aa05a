"""Further judged components: joined by a conversation's id, from files that hold none of its text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fixture_types import WriteNative

from tracker.conversation import Conversation
from tracker.goal import Category, Status
from training.data import read_labelled
from training.further import main, read_further

RULE = {"id": "further-1", "category": "policy", "text": "Ask what it costs before you say yes."}
FACT = {"id": "further-2", "category": "requirement", "text": "It has a sail.", "objective": "o1"}
LABELS = {"further-1": [[3, "MISALIGNED"]]}
DIALOGUE = {
    "goal": {"hotel": {"info": {"area": "east"}}, "taxi": {}},
    "log": [
        {"text": "A bed in  the east?"},
        {"text": "Mill Pond Inn has one."},
        {"text": "Book it."},
        {"text": ""},
    ],
}

Joins = Callable[..., tuple[Result, Path]]


@pytest.fixture
def join(tmp_path: Path, boats: Conversation, lamps: Conversation, write_native: WriteNative) -> Joins:
    """Runs the command: ``join({"id": "boats", ...}, ...)`` gives its result and the file that it writes."""

    def run(*lines: dict[str, Any], source: Path | None = None) -> tuple[Result, Path]:
        judged, output = tmp_path / "judged.jsonl", tmp_path / "out.jsonl"
        judged.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        source = source or write_native(tmp_path / "source.jsonl", [boats, lamps])
        return CliRunner().invoke(main, [str(judged), str(source), "--output", str(output)]), output

    return run


def test_a_conversation_gains_components_and_keeps_its_own(join: Joins, boats: Conversation) -> None:
    result, output = join({"id": "boats", "components": [RULE, FACT], "labels": LABELS})
    assert result.exit_code == 0, result.output
    assert "1 conversations, 2 further components" in result.output
    (gained,) = read_labelled(output)
    assert gained.messages == boats.messages
    assert [c.id for c in gained.goal] == [*(c.id for c in boats.goal), "further-1", "further-2"]
    assert gained.labelled_statuses("further-1")[1:3] == (Status.ALIGNED, Status.MISALIGNED)
    assert set(gained.labelled_statuses("further-2")) == {Status.INCOMPLETE}
    for component in boats.goal:
        assert gained.labelled_statuses(component.id) == boats.labelled_statuses(component.id)


def test_an_annotated_dialogue_has_the_judged_components_alone(join: Joins, tmp_path: Path) -> None:
    annotated = tmp_path / "some.json"
    annotated.write_text(json.dumps({"X1.json": DIALOGUE, "X2": DIALOGUE}), encoding="utf-8")
    result, output = join(
        {"id": "multiwoz-X1", "components": [RULE], "labels": {"further-1": [[2, "MISALIGNED"]]}},
        source=annotated,
    )
    assert result.exit_code == 0, result.output
    (gained,) = read_labelled(output)
    assert (gained.id, gained.source, gained.domain) == ("multiwoz-X1", "multiwoz-judged", "hotel")
    assert gained.goal.text == RULE["text"]
    assert [message.content for message in gained.messages] == [
        "A bed in the east?",
        "Mill Pond Inn has one.",
        "Book it.",
        "…",
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"id": "trains", "components": [RULE]}, "no conversation has the id 'trains'"),
        ({"id": "boats", "components": [RULE | {"id": "p1"}]}, "two components have the id 'p1'"),
        ({"id": "boats", "components": [FACT | {"objective": "o7"}]}, "unknown objective 'o7'"),
        (
            {"id": "boats", "components": [RULE], "labels": {"further-1": [[9, "MISALIGNED"]]}},
            "turn 9 is not in 1..4",
        ),
        ({"id": "boats", "components": [RULE], "labels": {"other": []}}, "unknown component 'other'"),
    ],
)
def test_what_does_not_fit_its_conversation_is_one_line_and_writes_nothing(
    join: Joins, line: dict[str, Any], complaint: str
) -> None:
    result, output = join(line)
    assert result.exit_code == 2
    assert complaint in result.output
    assert len(result.output.splitlines()) == 1
    assert not output.exists()


def test_a_bad_line_is_named(join: Joins, tmp_path: Path) -> None:
    result, _ = join({"id": "boats", "components": [RULE]}, {"id": "lamps"})
    assert result.exit_code == 2
    assert "judged.jsonl" in result.output
    assert "line 2" in result.output or ":2" in result.output
    assert "components" in result.output


JUDGED = Path(__file__).parents[2] / "training" / "judged"


@pytest.mark.parametrize("name", ["written", "multiwoz", "validation/written", "validation/multiwoz"])
def test_the_shipped_components_are_labels_by_id_without_any_text_of_a_conversation(name: str) -> None:
    lines = read_further(JUDGED / f"{name}.jsonl")
    assert len({line.id for line in lines}) == len(lines) >= 30
    for line in lines:
        known = {component.id for component in line.components}
        assert len(known) == len(line.components)
        assert line.labels.keys() <= known


@pytest.mark.parametrize("name", ["conversations", "validation/conversations"])
def test_the_shipped_conversations_are_labelled_in_every_category(name: str) -> None:
    conversations = read_labelled(JUDGED / f"{name}.jsonl")
    assert len({conversation.id for conversation in conversations}) == len(conversations) >= 8
    for conversation in conversations:
        assert conversation.labels
        assert {component.category for component in conversation.goal} == set(Category)


def test_nothing_that_is_trained_on_is_chosen_by() -> None:
    for name in ("written", "multiwoz", "conversations"):
        trained, chosen = (
            {json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()}
            for path in (JUDGED / f"{name}.jsonl", JUDGED / "validation" / f"{name}.jsonl")
        )
        assert not trained & chosen

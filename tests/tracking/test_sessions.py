"""Sessions over a scripted decoder: what is asked, when, and what becomes of the answers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from tracker.errors import ContextLengthError, InputError, ModelError
from tracker.formats import native
from tracker.forward import Calibration, CategoryCalibration
from tracker.goal import Category, Component, Goal, Status, reachable
from tracker.model import prepare
from tracker.opinions import Opinion
from tracker.prompt import question_pieces
from tracker.tracking import GoalTracker, Session


class Scripted:
    """Moves a component to the status that ``script`` names for its id and turn, for certain."""

    name = "scripted"

    def __init__(self, script) -> None:
        self.script = script
        self.asked: list[list[str]] = []

    def start(self):
        return ScriptedReading(self, 0, "")

    def close(self) -> None:
        pass


class ScriptedReading:
    def __init__(self, decoder: Scripted, turn: int, text: str) -> None:
        self.decoder, self.turn, self.text = decoder, turn, text

    def read(self, pieces) -> None:
        self.text += "".join(pieces)
        self.turn += any(piece.startswith("user\n") for piece in pieces)

    def ask(self, questions):
        self.decoder.asked.append([question.component.id for question in questions])
        answers = []
        for question in questions:
            following = reachable(question.category, question.previous)
            to = self.decoder.script.get((question.component.id, self.turn), question.previous)
            answers.append({status: float(status is to) for status in following})
        return answers

    def copy(self):
        return ScriptedReading(self.decoder, self.turn, self.text)

    def close(self) -> None:
        pass


SCRIPT = {
    ("rule", 2): Status.MISALIGNED,
    ("task", 1): Status.ATTEMPTED,
    ("task", 3): Status.COMPLETE,
    ("wish", 3): Status.ALIGNED,
}


@pytest.fixture
def scripted():
    decoder = Scripted(SCRIPT)
    return GoalTracker(decoder, Calibration(), model="none"), decoder


def test_a_track_follows_the_answers(scripted, conversation):
    track = scripted[0].track(conversation)
    assert track.statuses("rule") == (Status.ALIGNED, Status.MISALIGNED, Status.MISALIGNED)
    assert track.statuses("task") == (Status.ATTEMPTED, Status.ATTEMPTED, Status.COMPLETE)
    assert track.statuses("wish") == (Status.MISALIGNED, Status.MISALIGNED, Status.ALIGNED)
    assert [state.turn for state in track.states] == [1, 2, 3]


def test_what_cannot_move_any_more_is_not_asked(scripted, conversation):
    tracker, decoder = scripted
    tracker.track(conversation)
    assert "rule" in decoder.asked[1]
    assert "rule" not in decoder.asked[2]


def test_a_copy_goes_its_own_way(scripted, conversation):
    session = scripted[0].start(conversation.goal)
    session.update("one", "reply")
    candidate = session.copy()
    assert candidate.update("two", "reply")["rule"].status is Status.MISALIGNED
    assert session.state.turn == 1
    assert session.state["rule"].status is Status.ALIGNED


def test_a_copy_can_track_some_components_only(scripted, conversation):
    tracker, decoder = scripted
    session = tracker.start(conversation.goal)
    session.update("one", "reply")
    candidate = session.copy(["rule", "when"])
    assert set(candidate.state) == {"rule", "when"}
    assert candidate.update("two")["rule"].status is Status.MISALIGNED
    assert decoder.asked[-1] == ["rule", "when"]
    assert len(session.update("two", "reply")) == len(conversation.goal)


def test_words_have_a_say_where_the_calibration_gives_them_one(conversation):
    class Words:
        """Holds every wish for voiced at the turn that speaks of mornings."""

        def start(self, goal, *, opening=None):
            return WordsReading("")

    class WordsReading:
        def __init__(self, text):
            self.text = text

        def after(self, turn):
            return WordsReading(self.text + turn.user)

        def ask(self, questions):
            voiced = 0.99 if "morning" in self.text else 0.01
            return [{question.previous: 1 - voiced, Status.ALIGNED: voiced} for question in questions]

    class Unsure(Scripted):
        def start(self):
            reading = ScriptedReading(self, 0, "")
            reading.ask = lambda questions: [{q.previous: 0.6, Status.ALIGNED: 0.4} for q in questions]
            return reading

    wish = conversation.goal["wish"]
    goal = Goal(text="", components=(wish.model_copy(update={"objective": None}),))
    counts = Calibration(categories={Category.PREFERENCE: CategoryCalibration(beside={Opinion.WORDS: 1.0})})
    heeded, unheeded = (
        GoalTracker(Unsure({}), calibration, model="none", opinions={Opinion.WORDS: Words()}).start(goal)
        for calibration in (counts, Calibration())
    )
    for session in (heeded, unheeded):
        assert session.update("A parcel.", "Yes?")["wish"].status is Status.MISALIGNED
    copy = heeded.copy()
    assert heeded.update("In the morning.")["wish"].status is Status.ALIGNED
    assert copy.update("At noon.")["wish"].status is Status.MISALIGNED
    assert unheeded.update("In the morning.")["wish"].probability == pytest.approx(0.64)


def test_the_model_is_not_asked_what_the_others_settle(conversation):
    class Words:
        """Sure of what stays at first; in doubt once mornings are spoken of; sure of the move at last."""

        def start(self, goal, *, opening=None):
            return WordsReading(0.01)

    class WordsReading:
        def __init__(self, voiced):
            self.voiced = voiced

        def after(self, turn):
            return WordsReading({"Morning?": 0.5, "Yes.": 0.99}.get(turn.user, self.voiced))

        def ask(self, questions):
            return [{q.previous: 1 - self.voiced, Status.ALIGNED: self.voiced} for q in questions]

    wish = conversation.goal["wish"]
    goal = Goal(text="", components=(wish.model_copy(update={"objective": None}),))
    counts = Calibration(categories={Category.PREFERENCE: CategoryCalibration(beside={Opinion.WORDS: 1.0})})
    decoder = Scripted({})
    tracker = GoalTracker(decoder, counts, model="none", opinions={Opinion.WORDS: Words()}, alone=counts)
    session = tracker.start(goal)
    state = session.update("A parcel.", "When?")
    assert decoder.asked == [[]]
    assert (state["wish"].status, state["wish"].probability) == (Status.MISALIGNED, pytest.approx(0.99))
    candidate = session.copy()
    # In doubt, the model's word counts: it says for certain that nothing moves.
    assert session.update("Morning?", "Hm?")["wish"].probability == pytest.approx(0.99)
    assert decoder.asked == [[], ["wish"]]
    assert candidate.update("Yes.")["wish"].status is Status.ALIGNED
    assert decoder.asked == [[], ["wish"], []]


def test_the_shipped_tracker_asks_its_model_less_and_says_the_same(tracker, monkeypatch):
    (conversation,) = native.read(Path(__file__).parents[2] / "examples" / "hotel-booking.jsonl")
    asked: list[int] = []
    begin = Session.begin

    def counted(session, user, assistant):
        reading, questions = begin(session, user, assistant)
        asked.append(len(questions))
        return reading, questions

    monkeypatch.setattr(Session, "begin", counted)
    usual = tracker.track(conversation)
    few, asked[:] = sum(asked), []
    monkeypatch.setattr(tracker, "alone", None)
    whole = tracker.track(conversation)
    assert 0 < few < sum(asked) / 2
    for component in conversation.goal:
        assert usual.statuses(component.id) == whole.statuses(component.id)


def test_an_opinion_that_counts_and_is_missing_is_named(monkeypatch):
    whole = prepare()
    opinions = {one: path for one, path in whole.opinions.items() if one is not Opinion.ENCODER}
    monkeypatch.setattr("tracker.model.prepare", lambda model: replace(whole, opinions=opinions))
    with pytest.raises(ModelError, match=r"counts on encoder\.npz, which is missing") as caught:
        GoalTracker.load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("user", "assistant"), [("", "hello"), ("hello", "  ")])
def test_an_empty_message_is_refused(scripted, conversation, user, assistant):
    with pytest.raises(InputError, match="empty"):
        scripted[0].start(conversation.goal).update(user, assistant)


def test_a_session_that_failed_takes_no_further_turn(scripted, conversation, monkeypatch):
    tracker, _ = scripted
    session = tracker.start(conversation.goal)
    before = session.state
    with monkeypatch.context() as patched:
        patched.setattr(ScriptedReading, "ask", Mock(side_effect=ContextLengthError("is too long")))
        with pytest.raises(ContextLengthError):
            session.update("hello")
    for again in (session, session.copy()):
        with pytest.raises(InputError, match="takes no more"):
            again.update("hello")
        assert again.state == before


def test_the_status_before_is_told_only_where_it_is_not_the_start(conversation):
    from tracker.prompt import Question

    task = conversation.goal["task"]
    first = "".join(question_pieces(Question(task, Status.INCOMPLETE)))
    later = "".join(question_pieces(Question(task, Status.ATTEMPTED)))
    assert "INCOMPLETE" not in first
    assert "ATTEMPTED" in later


def test_a_policy_that_code_can_check_is_not_asked_about():
    texts = {"calm": "Never use an exclamation mark.", "kind": "Stay kind."}
    goal = Goal(
        text="",
        components=tuple(
            Component(id=name, category=Category.POLICY, text=text) for name, text in texts.items()
        ),
    )
    decoder = Scripted({})
    session = GoalTracker(decoder, Calibration(), model="none").start(goal)
    assert session.update("A table, please.", "Hello!")["calm"].status is Status.ALIGNED
    candidate = session.copy()
    assert candidate.update("Now!")["calm"].status is Status.MISALIGNED
    assert session.state["calm"].status is Status.ALIGNED
    session.update("At eight.", "Booked.")
    broken = session.update("Great!", "Goodbye.")["calm"]
    assert broken.status is Status.MISALIGNED
    assert 0.9 < broken.probability < 1
    assert session.update("Bye.")["calm"].status is Status.MISALIGNED
    assert all(asked == ["kind"] for asked in decoder.asked)


def test_where_code_sees_no_rule_about_leaving_broken_the_model_has_its_say():
    policy = Component(id="code", category=Category.POLICY, text="Ask for a code before you leave.")
    goal = Goal(text="", components=(policy,))

    def states(script, *messages):
        decoder = Scripted(script)
        session = GoalTracker(decoder, Calibration(), model="none").start(goal)
        return [session.update(message, "Fine.")["code"] for message in messages], decoder.asked

    # Nobody but the model knows that this is a goodbye, and it was not asked about the plain one.
    found, asked = states({("code", 2): Status.MISALIGNED}, "A table.", "My bus is here.")
    assert [state.status for state in found] == [Status.ALIGNED, Status.MISALIGNED]
    found, asked = states({}, "A table.", "That is all. Bye.")
    assert [state.status for state in found] == [Status.ALIGNED, Status.MISALIGNED]
    assert 0.8 < found[1].probability < 1
    assert asked == [["code"], []]
    found, _ = states({}, "A table. What is the code, please?", "That is all. Bye.", "Are you there?")
    assert [state.status for state in found] == [Status.ALIGNED] * 3


def test_what_the_agent_asks_before_the_first_message_may_be_told():
    policy = Component(
        id="name", category=Category.POLICY, text="Do not give your name until the agent asks for it."
    )
    goal = Goal(text="You are Ada Quill.", components=(policy,))
    tracker = GoalTracker(Scripted({}), Calibration(), model="none")
    for opening, status in (("Your name, please?", Status.ALIGNED), ("Hello.", Status.MISALIGNED)):
        session = tracker.start(goal, opening=opening)
        assert session.update("Ada Quill.", "Thanks.")["name"].status is status


def test_nothing_heavy_is_loaded_before_a_model_is():
    script = "import sys, tracker.tracking; print(sorted({'llama_cpp', 'numpy', 'scipy'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

"""What a user is told, which goodbyes are let through, and how a candidate is judged."""

from __future__ import annotations

from tracker.conversation import Message, Role
from tracker.goal import Category, Component, Goal, Status
from tracker.simulator.steering import (
    PATIENCE,
    Plan,
    Planner,
    Reply,
    Steer,
    admissible,
    instruct,
    on_course,
)
from tracker.state import ComponentState, GoalState

GOAL = Goal(
    text="Book a table for four people. You would rather sit on the terrace than inside.",
    components=(
        Component(id="who", category=Category.PROFILE, text="Your name is Ada Quill."),
        Component(id="calm", category=Category.POLICY, text="Never use an exclamation mark."),
        Component(id="bye", category=Category.POLICY, text="Thank the agent in your last message."),
        Component(id="if", category=Category.POLICY, text="If Friday is fully booked, ask for Sunday."),
        Component(id="task", category=Category.OBJECTIVE, text="Book a table at a restaurant."),
        Component(
            id="people", category=Category.REQUIREMENT, text="The table is for four people.", objective="task"
        ),
        Component(
            id="day", category=Category.REQUIREMENT, text="The table is on a Friday.", objective="task"
        ),
        Component(
            id="wish",
            category=Category.PREFERENCE,
            text="You would rather sit on the terrace than inside.",
            objective="task",
        ),
    ),
)


def state(**statuses: Status) -> GoalState:
    start = GoalState.start(GOAL)
    changed = {name: ComponentState(status, 0.9) for name, status in statuses.items()}
    return GoalState(1, {**start.components, **changed})


def said(*texts: str) -> list[Message]:
    return [
        Message(role=Role.USER if number % 2 == 0 else Role.ASSISTANT, content=text)
        for number, text in enumerate(texts)
    ]


def ids(components: tuple[Component, ...]) -> list[str]:
    return [component.id for component in components]


def test_the_plan_begins_with_the_first_objective() -> None:
    plan = Planner(GOAL).plan(GoalState.start(GOAL), [], 10)
    assert ids(plan.say) == ["task", "people"]
    assert ids(plan.rules) == ["calm"]
    assert plan.due == ()
    assert not plan.close


def test_the_plan_goes_on_with_what_was_not_said() -> None:
    messages = said("I want a table at a restaurant for four people.", "For which day?")
    plan = Planner(GOAL).plan(GoalState.start(GOAL), messages, 9)
    assert ids(plan.say) == ["day", "wish"]
    assert ids(plan.answer) == ["day"]
    assert plan.asked


def test_the_fewer_turns_are_left_the_more_is_said_at_once() -> None:
    plan = Planner(GOAL).plan(GoalState.start(GOAL), [], 3)
    assert ids(plan.say) == ["task", "people", "day", "wish"]


def reply(*texts: str, goal: Goal = GOAL) -> Reply | None:
    return Planner(goal).plan(GoalState.start(goal), said(*texts), 9).reply


ALL = "A table at a restaurant for four people on Friday, to sit on the terrace rather than inside."


def test_a_question_that_the_goal_leaves_open_is_left_to_the_agent() -> None:
    assert reply(ALL, "Which kind of food would you like?") is Reply.OPEN
    assert reply(ALL, "For which day?") is None
    assert reply(ALL, "What else can I do for you?") is None


def test_each_question_is_answered_by_itself() -> None:
    start = GoalState.start(GOAL)
    plan = Planner(GOAL).plan(start, said(ALL, "What is your name? Which kind of food?"), 9)
    assert (ids(plan.answer), plan.reply) == (["who"], Reply.OPEN)


def test_what_belongs_to_another_task_answers_no_question() -> None:
    goal = Goal(
        text="Book a table, and a barber for Monday.",
        components=(
            Component(id="table", category=Category.OBJECTIVE, text="Book a table at a restaurant."),
            Component(id="barber", category=Category.OBJECTIVE, text="Book an appointment at the barber."),
            Component(
                id="day",
                category=Category.REQUIREMENT,
                text="The appointment is on a Monday.",
                objective="barber",
            ),
        ),
    )
    planner, start = Planner(goal), GoalState.start(goal)
    planner.plan(start, [], 10)
    plan = planner.plan(start, said("Book a table at a restaurant.", "For which day?"), 9)
    assert (plan.answer, plan.reply) == ((), Reply.OPEN)


def test_yes_is_said_when_nothing_is_left_to_say() -> None:
    assert reply(ALL, "Shall I book the table?") is Reply.YES
    assert reply("A table at a restaurant.", "Shall I book the table?") is None
    assert reply(ALL, "Would you like to add a bottle of wine for 20 euros?") is Reply.NO


def test_a_rule_for_the_moment_before_comes_before_the_yes() -> None:
    rule = Component(
        id="price", category=Category.POLICY, text="Before anything is booked, ask what it costs."
    )
    goal = Goal(text=GOAL.text, components=(*GOAL.components, rule))
    planner, start = Planner(goal), GoalState.start(goal)
    messages = said(ALL, "Shall I book the table?")
    first = planner.plan(start, messages, 9)
    again = planner.plan(start, [*messages, *said("What is the cost?", "20 euros. Shall I book it?")], 8)
    assert (first.reply, again.reply) == (None, Reply.YES)


def test_the_reply_is_told_with_what_answers() -> None:
    start = GoalState.start(GOAL)
    plan = Planner(GOAL).plan(start, said(ALL, "Which kind of food? Shall I book?"), 9)
    assert "Answer: Yes, go ahead." in instruct(Steer.PLAN, GOAL, start, plan).text


def test_a_rule_is_due_after_a_refusal() -> None:
    messages = said("A table for four on Friday.", "I am sorry, Friday is fully booked.")
    plan = Planner(GOAL).plan(state(day=Status.ATTEMPTED), messages, 9)
    assert ids(plan.due) == ["if"]
    assert ids(plan.refused) == ["day"]


def test_everything_settled_means_goodbye() -> None:
    settled = state(task=Status.COMPLETE, people=Status.COMPLETE, day=Status.ATTEMPTED)
    planner = Planner(GOAL)
    # A rule for refusals comes first.
    assert not planner.plan(settled, said("Yes.", "I am sorry, Friday is fully booked."), 6).close
    plan = planner.plan(settled, said("Yes.", "Booked."), 5)
    assert plan.close
    assert ids(plan.due) == ["bye"]
    assert "goodbye now" in instruct(Steer.PLAN, GOAL, settled, plan).text


def test_what_never_moves_is_given_up() -> None:
    planner = Planner(GOAL)
    start = GoalState.start(GOAL)
    everything = "A table at a restaurant for four people, on Friday, on the terrace, not inside."
    closes = [planner.plan(start, said(everything, "Hm."), 10 - turn).close for turn in range(4 * PATIENCE)]
    assert not closes[0]
    assert closes[-1]


TWO = Goal(
    text="Book a table at a restaurant for four people. Then order a kettle.",
    components=(
        Component(id="task", category=Category.OBJECTIVE, text="Book a table at a restaurant."),
        Component(
            id="lift",
            category=Category.REQUIREMENT,
            text="Find out whether there is a lift.",
            objective="task",
        ),
        Component(
            id="wish",
            category=Category.PREFERENCE,
            text="You would rather sit on the terrace than inside.",
            objective="task",
        ),
        Component(id="kettle", category=Category.OBJECTIVE, text="Order a new kettle."),
    ),
)
OVER = said(
    "Book a table at a restaurant. Is there a lift? Rather the terrace, sit inside no.", "Anything else?"
)


def test_an_agent_that_asks_for_more_is_told_again_and_then_of_the_next_task() -> None:
    start, planner = GoalState.start(TWO), Planner(TWO)
    at_work = [OVER[0], OVER[1].model_copy(update={"content": "One moment."})]
    assert ids(planner.plan(start, at_work, 9).say) == []
    told = [ids(planner.plan(start, OVER, turns).say) for turns in (8, 7, 6)]
    assert told == [["task", "lift"], ["task", "lift"], ["kettle"]]


def test_what_is_left_of_a_settled_task_is_said_once() -> None:
    planner = Planner(TWO)
    settled = GoalState(1, {**GoalState.start(TWO), "task": ComponentState(Status.COMPLETE, 0.9)})
    messages = said("Book a table at a restaurant.", "It is booked.")
    assert ids(planner.plan(settled, messages, 8).say) == ["lift", "wish"]
    assert ids(planner.plan(settled, messages, 7).say) == ["kettle"]


def test_an_agent_that_asks_for_more_again_and_again_will_not_do_the_rest() -> None:
    planner, start = Planner(TWO), GoalState.start(TWO)
    messages = [*OVER, *said("Order a new kettle.", "Anything else?")]
    plans = [planner.plan(start, messages, turns) for turns in range(9, 0, -1)]
    assert not plans[3].close
    assert plans[-1].close


def test_a_wish_is_said_along_with_the_yes_and_a_condition_before_it() -> None:
    offer = "I can offer you a table. Shall I book it?"
    wish = said("Book a table at a restaurant. Is there a lift?", offer)
    plan = Planner(TWO).plan(GoalState.start(TWO), wish, 8)
    assert (ids(plan.say), plan.reply) == (["wish"], Reply.YES)
    condition = said("Book a table at a restaurant.", offer)
    plan = Planner(TWO).plan(GoalState.start(TWO), condition, 8)
    assert (ids(plan.say), plan.reply) == (["lift", "wish"], None)


def test_what_cannot_be_changed_later_is_no_refusal() -> None:
    planner = Planner(GOAL)
    asked = planner.plan(GoalState.start(GOAL), said("Hi", "Are you quite sure? It cannot be changed."), 8)
    assert "if" not in ids(asked.due)
    refused = planner.plan(GoalState.start(GOAL), said("Hi", "I cannot do that."), 8)
    assert "if" in ids(refused.due)


def test_what_each_arm_tells() -> None:
    start = GoalState.start(GOAL)
    plan = Planner(GOAL).plan(start, [], 10)
    assert instruct(Steer.NONE, GOAL, start, plan).text == ""
    assert GOAL.text in instruct(Steer.GOAL, GOAL, start, plan).text
    told = instruct(Steer.STATE, GOAL, start, plan)
    assert "- Book a table at a restaurant. (open)" in told.text
    assert "- Never use an exclamation mark. (kept)" in told.text
    assert told.plan is None
    planned = instruct(Steer.PLAN, GOAL, start, plan)
    assert "Say next: Book a table at a restaurant. The table is for four people." in planned.text
    assert "Do not say goodbye yet" in planned.text
    assert planned.plan == plan


def test_a_goodbye_comes_neither_too_early_nor_too_late() -> None:
    early = admissible("A table for four. Goodbye.", Steer.PLAN, Plan())
    assert (early.text, early.closes) == ("A table for four.", False)
    assert admissible("Thank you.", Steer.STATE, Plan(close=True)).closes
    assert admissible("Goodbye.", Steer.NONE, Plan()).closes
    assert admissible("Goodbye.", Steer.GOAL, Plan()).closes
    assert not admissible("A table for four.", Steer.GOAL, Plan()).closes


def test_on_course() -> None:
    kept = on_course(GOAL, state(calm=Status.ALIGNED, wish=Status.ALIGNED))
    broken = on_course(GOAL, state(calm=Status.MISALIGNED, wish=Status.ALIGNED))
    assert kept > broken

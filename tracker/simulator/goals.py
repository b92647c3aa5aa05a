"""Draws goals over the simulated world: what a user wants, who it is, how it behaves, and what goes wrong.

Knows which components can be had in which domain, which go together, and their wordings. Knows nothing about
conversations. Every component comes with a check (``tracker.simulator.checks``), so its truth can be judged
by code; some goals are impossible in part, on purpose, and some say what to do then.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tracker.goal import Category, Component, Goal
from tracker.simulator import checks
from tracker.simulator.checks import About, Choice, Condition, FactWanted, Rule, Task
from tracker.simulator.domains import DOMAINS, Domain, Failure, Slot
from tracker.simulator.world import Offer, World

Check = Task | Condition | FactWanted | Choice | About | Rule

Trouble = Callable[[World], None]
"""What goes wrong, arranged in a fresh world."""

_FIRST = (
    "Ada",
    "Bruno",
    "Celia",
    "Dario",
    "Edda",
    "Fabio",
    "Greta",
    "Hanno",
    "Ilse",
    "Jonas",
    "Katya",
    "Lorcan",
)
_LAST = ("Quill", "Marlow", "Tarrant", "Vesely", "Okafor", "Brandt", "Lindqvist", "Sorrel", "Pavic", "Hale")
_ORDERS = frozenset({"return", "cancel"})


@dataclass(frozen=True)
class SimulatedGoal:
    """A goal, how code judges it, and the world that it is pursued in."""

    id: str
    goal: Goal
    checks: Mapping[str, Check]
    """Component id → what it says."""
    domains: tuple[str, ...]
    random_state: str
    troubles: tuple[Trouble, ...]

    def world(self) -> World:
        """A fresh world for one conversation, with what goes wrong in it."""
        world = World.generate(self.random_state)
        for trouble in self.troubles:
            trouble(world)
        return world


def generate_goals(count: int, *, random_state: int = 0) -> list[SimulatedGoal]:
    """Draw goals; the same seed gives the same, and more of them begin with those of fewer."""
    return [_draw(f"{random_state}-{number:03d}") for number in range(1, count + 1)]


@dataclass
class _Draft:
    """A goal in the making."""

    chance: random.Random
    world: World
    sentences: dict[str, list[tuple[Category, str, str, Check]]] = field(default_factory=dict)
    """Section → components: category, text, the same in the goal's own words, check. A section is a domain's
    name, ``who`` or ``how``."""
    troubles: list[Trouble] = field(default_factory=list)
    rules: list[tuple[str, Rule]] = field(default_factory=list)
    """Rules that suggest themselves, with their text; those that the drawn troubles call for come first."""
    excluded: set[str] = field(default_factory=set)

    def add(self, section: str, category: Category, wordings: Sequence[str], check: Check) -> None:
        """A component in one of its wordings; the goal's text has it in another where there is one."""
        text = self.chance.choice(wordings)
        others = [wording for wording in wordings if wording != text] or [text]
        self.sentences.setdefault(section, []).append((category, text, self.chance.choice(others), check))


def _draw(random_state: str) -> SimulatedGoal:
    chance = random.Random(f"goal:{random_state}")
    draft = _Draft(chance, World.generate(random_state))
    names = _domains(chance)
    for position, name in enumerate(names):
        _task(draft, DOMAINS[name], short=len(names) > 1)
        if position == 0 or chance.random() < 0.4:
            _wish(draft, DOMAINS[name])
    person = _person(draft, names)
    _policies(draft, names, person)
    draft.world.close()
    return _finish(draft, names, random_state)


def _domains(chance: random.Random) -> list[str]:
    count = chance.choice((1, 1, 2, 2, 2))
    names = chance.sample(list(DOMAINS), count)
    while set(names) >= _ORDERS:
        names = chance.sample(list(DOMAINS), count)
    return names


def _task(draft: _Draft, domain: Domain, *, short: bool) -> None:
    chance = draft.chance
    target = chance.choice(draft.world.offers(domain))
    identity = {slot.name: target.values[slot.name] for slot in domain.identity}
    tasks = [task.format(**identity) for task in domain.tasks]
    task = chance.choice(tasks)
    said = chance.choice([other for other in tasks if other != task])
    draft.sentences.setdefault(domain.name, []).append(
        (Category.OBJECTIVE, f"{task[0].upper()}{task[1:]}.", said, Task(domain.name, identity))
    )
    wanted = _conditions(draft, domain, target, most=2 if short else 3)
    for slot, value in wanted.items():
        wordings = [slot.fill(template, value) for template in slot.requirement]
        draft.add(domain.name, Category.REQUIREMENT, wordings, Condition(domain.name, slot.name, value))
    fact = chance.choice(domain.facts) if chance.random() < 0.6 else None
    if fact is not None:
        # "what you have to bring" is found out; so is "the address".
        wordings = [f"Find out {wanted.format(noun=domain.noun)}." for wanted in fact.wanted]
        draft.add(domain.name, Category.REQUIREMENT, wordings, FactWanted(domain.name, fact.name))
        draft.rules.append(
            (
                f"Before you let the agent go through with it, ask {_question(fact.wanted[-1], domain)}.",
                checks.asks_before_booking(domain.name, fact.name),
            )
        )
    _trouble(draft, domain, identity, wanted, None if fact is None else fact.name)


def _conditions(draft: _Draft, domain: Domain, target: Offer, *, most: int) -> dict[Slot, str]:
    chance = draft.chance
    possible: dict[Slot, str] = {}
    for slot in domain.details:
        possible[slot] = chance.choice(slot.values)
    for slot in domain.attributes:
        if slot.name == "budget":
            price = int(target.values["price_in_euros"])
            possible[slot] = next(value for value in slot.values if int(value) >= price)
        elif target.values[slot.name]:
            possible[slot] = target.values[slot.name]
    chosen = chance.sample(list(possible), min(len(possible), chance.randint(1, most)))
    return {slot: value for slot, value in possible.items() if slot in chosen}


def _trouble(
    draft: _Draft, domain: Domain, identity: Mapping[str, str], wanted: Mapping[Slot, str], fact: str | None
) -> None:
    """Decide what goes wrong with a task, if anything, and what the goal says about it."""
    chance = draft.chance
    draw = chance.random()
    if draw < 0.2:
        failure = chance.choice(list(domain.failures))
        draft.troubles.append(partial(World.break_down, domain=domain, failure=Failure(failure)))
        draft.rules.insert(
            0,
            (
                "If a request of yours fails, ask for a reference number in your next message.",
                checks.asks_for_reference_after_failure(),
            ),
        )
    elif draw < 0.4:
        refusable = [slot for slot in wanted if slot.unmet]
        if refusable:
            _unmet(draft, domain, identity, wanted, chance.choice(refusable))
    elif draw < 0.5:
        mistakable = [slot for slot in domain.details if slot in wanted and len(slot.values) > 1]
        if mistakable:
            slot = chance.choice(mistakable)
            wrong = chance.choice([value for value in slot.values if value != wanted[slot]])
            draft.troubles.append(partial(World.confuse, domain=domain, slot=slot.name, value=wrong))
    elif draw < 0.6 and fact is not None:
        draft.troubles.append(partial(World.withhold, domain=domain, fact=fact))


def _unmet(
    draft: _Draft, domain: Domain, identity: Mapping[str, str], wanted: Mapping[Slot, str], slot: Slot
) -> None:
    value = wanted[slot]
    rest = dict(identity) | {other.name: v for other, v in wanted.items() if other is not slot}
    draft.troubles.append(partial(World.restrict, domain=domain, slot=slot.name, value=value))
    others = [
        other
        for other in slot.values
        if other != value and draft.world.offers(domain, rest | {slot.name: other})
    ]
    if slot.instead and others:
        other = draft.chance.choice(others)
        words = (other, *slot.also.get(other, ()))
        draft.rules.insert(
            0,
            (
                slot.instead.format(value=value, other=other),
                checks.asks_instead(domain.name, slot.name, value, words),
            ),
        )


def _wish(draft: _Draft, domain: Domain) -> None:
    wish = draft.chance.choice(domain.wishes)
    which = draft.chance.randrange(2)
    preferred, other = (wish.first, wish.second) if which == 0 else (wish.second, wish.first)
    wordings = [
        wording
        for text in wish.texts[which]
        for wording in (text, text.replace("You would rather", "You would much rather"))
    ]
    draft.add(domain.name, Category.PREFERENCE, wordings, Choice(preferred, other))


def _person(draft: _Draft, names: Sequence[str]) -> dict[str, str]:
    chance = draft.chance
    person = {
        "name": f"{chance.choice(_FIRST)} {chance.choice(_LAST)}",
        "phone": f"555 0{chance.randint(200, 999)}",
        "member": chance.choice(("yes", "no")),
        "age": str(chance.randint(19, 79)),
    }
    asked = [need for name in names for need in DOMAINS[name].needs if need != "name"]
    told = ["name"]
    if asked and chance.random() < 0.7:
        told.append(chance.choice(asked))
    elif chance.random() < 0.4:
        told.append(chance.choice(("phone", "member", "age")))
    for slot in told:
        draft.add("who", Category.PROFILE, _about(slot, person[slot]), About(slot, person[slot]))
    return {slot: person[slot] for slot in told}


def _about(slot: str, value: str) -> tuple[str, ...]:
    if slot == "name":
        return (f"Your name is {value}.", f"You are called {value}.")
    if slot == "phone":
        return (f"Your phone number is {value}.",)
    if slot == "age":
        return (f"You are {value} years old.",)
    return (
        ("You are a member of the Lantern Club.",)
        if value == "yes"
        else ("You are not a member of the Lantern Club.",)
    )


def _policies(draft: _Draft, names: Sequence[str], person: Mapping[str, str]) -> None:
    """One to three rules: first those that what goes wrong calls for, then others that do not clash."""
    chance = draft.chance
    called_for = [(text, rule) for text, rule in draft.rules if rule.name in ("conditional", "reaction")]
    suggested = [(text, rule) for text, rule in draft.rules if (text, rule) not in called_for]
    if len(names) == 2:
        first, second = (DOMAINS[name] for name in names)
        suggested.append(
            (
                f"Do not bring up the {second.noun} before the matter of the {first.noun} is closed.",
                checks.deals_with_first(first.name, second.name),
            )
            if first.noun != second.noun
            else _style(chance)
        )
    suggested += _disclosure(names, person, draft)
    suggested += [
        ("Do not accept any extra that the agent offers.", checks.takes_no_extra()),
        ("Thank the agent in your last message.", checks.thanks_at_the_end()),
    ]
    if not _ORDERS & set(names):
        # Orders have a choice about confirmations, which could be taken for the question.
        suggested.append(
            (
                "Ask for a written confirmation before you say goodbye.",
                checks.asks_for_confirmation_before_leaving(),
            )
        )
    chance.shuffle(suggested)
    count = chance.choice((1, 2, 2, 3))
    chosen: list[tuple[str, Rule]] = called_for[:1] if chance.random() < 0.8 else []
    chosen.append(_style(chance))
    chosen += suggested
    kept: list[tuple[str, Rule]] = []
    for text, rule in chosen:
        clash = {("no-thanks", "ending"), ("ending", "no-thanks")}
        if len(kept) < count and not any((rule.name, other.name) in clash for _, other in kept):
            kept.append((text, rule))
    for text, rule in kept:
        draft.add("how", Category.POLICY, (text,), rule)


def _disclosure(names: Sequence[str], person: Mapping[str, str], draft: _Draft) -> list[tuple[str, Rule]]:
    rules = [
        (
            "Do not give your name before the agent asks for it.",
            checks.waits_to_be_asked("name", person["name"]),
        )
    ]
    if "phone" in person:
        rules.append(
            ("Never give your phone number, even if you are asked.", checks.never_says(person["phone"]))
        )
    for name in names:
        task = draft.sentences[name][0][3]
        if isinstance(task, Task) and "code" in task.identity:
            rules.append(
                (
                    "Do not give the order number before the agent asks for it.",
                    checks.waits_to_be_asked("code", task.identity["code"]),
                )
            )
    return rules


def _style(chance: random.Random) -> tuple[str, Rule]:
    words = chance.choice((20, 25, 30))
    return chance.choice(
        [
            ("Never use an exclamation mark.", checks.never("no-exclamation", checks.EXCLAMATION)),
            ("Write in lower case only.", checks.lower_case()),
            (f"Keep every message to at most {words} words.", checks.at_most_words(words)),
            ("Never thank the agent.", checks.never("no-thanks", checks.THANKS)),
            ("Say please in every message.", checks.always("please", checks.PLEASE)),
            ("Never say please.", checks.never("no-please", checks.PLEASE)),
            ("Never use contractions.", checks.never("no-contractions", checks.CONTRACTION)),
            ("Begin your first message with a greeting.", checks.greets_first()),
        ]
    )


def _question(wanted: str, domain: Domain) -> str:
    return wanted.format(noun=domain.noun)


def _finish(draft: _Draft, names: Sequence[str], random_state: str) -> SimulatedGoal:
    components: list[Component] = []
    found: dict[str, Check] = {}
    numbers = dict.fromkeys(Category, 0)
    for section in ("who", "how", *names):
        objective: str | None = None
        for category, text, _, check in draft.sentences[section]:
            numbers[category] += 1
            identifier = f"{category}-{numbers[category]}"
            if category is Category.OBJECTIVE:
                objective = identifier
            belongs = None if category is Category.OBJECTIVE else objective
            components.append(Component(id=identifier, category=category, text=text, objective=belongs))
            found[identifier] = check
    return SimulatedGoal(
        id=f"simulated-{random_state}",
        goal=Goal(text=_text(draft, names), components=tuple(components)),
        checks=found,
        domains=tuple(names),
        random_state=random_state,
        troubles=tuple(draft.troubles),
    )


def _text(draft: _Draft, names: Sequence[str]) -> str:
    """The goal as a simulator is given it: the same things in other words."""
    chance = draft.chance
    said = [text for _, _, text, _ in draft.sentences["who"]]
    rules = [text for _, _, text, _ in draft.sentences["how"]]
    if chance.random() < 0.3:
        said, rules = said + rules, []
    for position, name in enumerate(names):
        openings = ("You want to", "You need to", "You would like to")
        if position:
            openings = ("You also want to", "Then you have to", "In addition, you want to")
        for category, _, text, _ in draft.sentences[name]:
            if category is Category.OBJECTIVE:
                text = f"{chance.choice(openings)} {text}."
            elif text.startswith("Find out "):
                wanted = text.removeprefix("Find out ")
                text = f"{chance.choice(('You need to find out', 'You want to know'))} {wanted}"
            said.append(text)
    return " ".join([*said, *rules])

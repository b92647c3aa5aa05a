"""Features of what a component has in common with a turn, and with what was said before it.

Knows words, numbers, names and values on both sides. Knows nothing about manners or rules of conduct.

Most are shares: of the words of a component, by weight, how many stand in the user's message, in the reply,
in what was said before. Beside them stand the same of the other components (whoever the message is about
has more) and what the sentence nearest to the component says.
"""

from __future__ import annotations

from collections.abc import Iterator

from tracker.goal import Component
from tracker.lexical.seen import Seen, Shares, Words
from tracker.lexical.text import CUES, Text
from tracker.lexical.values import compared, read_values

MENTIONED = 1 / 3
"""The share of its words from which a component counts as spoken of."""
NEVER = 99


def shares(seen: Seen, component: Component) -> Iterator[tuple[str, float]]:
    """How many of the component's words were said, by whom, when."""
    message, reply = seen.message.words, seen.reply.words
    own = seen.shares[-1][component.id]
    yield "share in message", own.user
    yield "share in reply", own.reply
    for name, words in (
        ("share said before", seen.said),
        ("share heard before", seen.heard),
        ("share in the last reply", seen.last_reply.words),
        ("share said so far", seen.said | message),
        ("share heard so far", seen.heard | reply),
        ("share new in message", message - seen.said - seen.heard),
        ("share new in reply", reply - seen.said - seen.heard - message),
        ("share said and in reply", (seen.said | message) & reply),
    ):
        yield name, seen.share(component, words)
    past = [of_turn[component.id] for of_turn in seen.shares[:-1]]
    for name, values in (("message", [p.user for p in past]), ("reply", [p.reply for p in past])):
        yield f"most in an earlier {name}", max(values, default=0.0)
        yield f"share in the {name} before", values[-1] if values else 0.0
        yield (
            f"turns since a {name} spoke of it",
            next((turns for turns, v in enumerate(reversed(values)) if v >= MENTIONED), NEVER),
        )


def others(seen: Seen, component: Component) -> Iterator[tuple[str, float]]:
    """Whether the turn is about another component rather than about this one."""
    of_turn = seen.shares[-1]
    own = of_turn[component.id]
    rest = [of_turn[c.id] for c in seen.goal if c.id != component.id]
    mates = [of_turn[c.id] for c in seen.goal if c.category is component.category and c.id != component.id]
    parts = [of_turn[c.id] for c in seen.goal if c.objective == component.id]
    parent = of_turn.get(component.objective or "", Shares(0.0, 0.0))
    for name, side in (("message", 0), ("reply", 1)):
        of_mates = [mate[side] for mate in mates]
        yield f"most in {name} of another", max(of_mates, default=0.0)
        mean = sum(of_mates) / len(of_mates) if of_mates else own[side]
        yield f"share in {name} over the others'", own[side] - mean
        yield f"others with more in {name}", sum(v[side] > own[side] for v in rest) / max(1, len(rest))
        yield f"objective's share in {name}", parent[side]
    yield "most in message of its parts", max((part.user for part in parts), default=0.0)
    yield "mean in reply of its parts", sum(part.reply for part in parts) / max(1, len(parts))


def nearby(seen: Seen, component: Component) -> Iterator[tuple[str, float]]:
    """What stands where the turn speaks of the component."""
    own = seen.text(component)
    yield "weight of its rarest word", seen.rarest(own.words)
    for name, text in (("message", seen.message), ("reply", seen.reply)):
        yield f"letters in {name}", _ratio(own.grams, text.grams)
        yield f"numbers in {name}", _ratio(own.numbers, text.numbers)
        yield f"names in {name}", _ratio(own.names, text.words | text.names)
        yield f"other numbers in {name}", len(text.numbers - own.numbers)
        hits = own.words & text.words
        yield f"words in {name}", len(hits)
        yield f"rarest word in {name}", seen.rarest(hits)
        yield f"rarest word not in {name}", seen.rarest(own.words - hits)
        nearest = seen.nearest(component, text)
        yield f"share in nearest of {name}", seen.share(component, nearest.words)
        yield f"place of nearest of {name}", text.text.find(nearest.text) / max(1, len(text.text))
        yield f"other numbers in nearest of {name}", len(nearest.numbers - own.numbers)
        yield f"other names in nearest of {name}", len(nearest.names - own.names)
        yield f"question in nearest of {name}", "?" in nearest.text
        yield from zip((f"{cue} in nearest of {name}" for cue in CUES), nearest.cues, strict=True)
    asked = seen.nearest(component, seen.last_reply)
    yield "share in nearest of last reply", seen.share(component, asked.words)
    yield "question in nearest of last reply", "?" in asked.text


def values(seen: Seen, component: Component) -> Iterator[tuple[str, float]]:
    """Whether a turn names the component's values, or others in their place."""
    own = read_values(seen.text(component).text)
    before = " ".join(message.text for message in seen.messages[:-1])
    for name, text in (
        ("message", seen.message.text),
        ("reply", seen.reply.text),
        ("last reply", seen.last_reply.text),
        ("nearest of message", seen.nearest(component, seen.message).text),
        ("nearest of reply", seen.nearest(component, seen.reply).text),
        ("what was said before", before),
    ):
        named = read_values(text)
        for what, mine, theirs in (("things", own.things, named.things), ("kinds", own.kinds, named.kinds)):
            same, other = compared(mine, theirs)
            yield f"{what} of the same value in {name}", same
            yield f"{what} of another value in {name}", other
        yield f"numbers, in words too, in {name}", _ratio(own.numbers, named.numbers) if own.numbers else -1.0
        yield f"pairs of words in {name}", len(own.pairs & named.pairs) / max(1, len(own.pairs))


def clauses(seen: Seen, component: Component) -> Iterator[tuple[str, float]]:
    """The same as :func:`shares` of what a rule is bound to, and of what it asks for."""
    condition, deed = seen.clauses[component.id]
    yield "has a condition", bool(condition.text)
    for part, clause in (("condition", condition), ("deed", deed)):
        for name, words in (
            ("message", seen.message.words),
            ("reply", seen.reply.words),
            ("last reply", seen.last_reply.words),
            ("what was said so far", seen.said | seen.message.words),
            ("what was said before", seen.said),
            ("what was heard before", seen.heard),
            ("what is new in message", seen.message.words - seen.said - seen.heard),
        ):
            yield f"{part}'s share in {name}", seen.share_of(clause, words)
        for name, text in (
            ("message", seen.message),
            ("reply", seen.reply),
            ("last reply", seen.last_reply),
        ):
            yield f"{part}'s share in a sentence of {name}", _most(seen, clause, text.sentences)
        yield f"{part}'s share in an earlier message", _most(seen, clause, seen.messages[:-1])
        yield f"{part}'s share in an earlier reply", _most(seen, clause, seen.replies[:-1])


def _most(seen: Seen, clause: Text, texts: tuple[Text, ...]) -> float:
    return max((seen.share_of(clause, text.words) for text in texts), default=0.0)


def _ratio(own: Words, others: Words) -> float:
    return len(own & others) / len(own) if own else 0.0

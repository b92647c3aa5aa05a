"""One turn's update against the other ways to get the same answers: ``python -m benchmarks.latency``.

The eighth turn of a conversation (the last one of a shorter one) is read and ten components are asked
about, with the same model, on the same machine, in the same run. Every way is repeated in turn and its
median compared with the median of goalstate's fast decoder: single times mean little on a shared machine,
ratios do.

Needs the ``benchmark`` extra for the way through outlines, which is left out otherwise.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

import llama_cpp

from tracker.conversation import Conversation
from tracker.formats import read
from tracker.goal import Component, reachable
from tracker.hardware import load_options, processor
from tracker.llama import Model
from tracker.plain import PlainDecoder
from tracker.prompt import Question, opening_pieces, question_pieces, turn_pieces
from tracker.tracking import GoalTracker

COMPONENTS, TURN = 10, 8


def chosen(file: Path) -> Conversation:
    """The first conversation of a file that can be used."""
    for conversation in read(file):
        if isinstance(conversation, Conversation) and conversation.turns:
            return conversation
    raise SystemExit(f"{file}: no conversation has a turn")


def questions(conversation: Conversation) -> list[Question]:
    """Ten questions; where the goal has fewer components they come around again in other words."""
    asked: list[Question] = []
    for number, component in enumerate(islice(cycle(conversation.goal), COMPONENTS)):
        text = component.text if number < len(conversation.goal) else f"{component.text} ({number})"
        asked.append(
            Question(Component(id=str(number), category=component.category, text=text), component.start)
        )
    return asked


def ways(tracker: GoalTracker, conversation: Conversation) -> dict[str, Callable[[], float]]:
    """Each way as a function that does the work once and returns its seconds."""
    *before, last = conversation.turns[:TURN]
    asked = questions(conversation)
    decoder = tracker.decoder
    vocabulary = decoder.model.vocabulary
    path, options = decoder.model.path, load_options()

    known = [piece for turn in before for piece in turn_pieces(turn)]
    reading = decoder.start()
    reading.read(opening_pieces(conversation.opening))
    reading.read(known)
    new = vocabulary.tokens(turn_pieces(last))
    for question in asked:
        grammar = decoder.grammars(question.category, question.previous)
        new += [*vocabulary.tokens(question_pieces(question)), *grammar.forced_tokens]
    sequence = decoder.engine.sequence()
    sequence.extend(vocabulary.tokens([*opening_pieces(conversation.opening), *known]))

    def fast() -> float:
        fork = reading.copy()
        start = time.perf_counter()
        fork.read(turn_pieces(last))
        fork.ask(asked)
        seconds = time.perf_counter() - start
        fork.close()
        return seconds

    def floor() -> float:
        fork = sequence.fork()
        start = time.perf_counter()
        fork.extend(new, [new[-1:]])
        seconds = time.perf_counter() - start
        fork.close()
        return seconds

    plain_decoder = PlainDecoder(Model(path, options), context=4096, threads=options.threads)

    def plain() -> float:
        whole = plain_decoder.start()
        whole.read([*opening_pieces(conversation.opening), *known, *turn_pieces(last)])
        start = time.perf_counter()
        whole.ask(asked)
        return time.perf_counter() - start

    found = {
        "goalstate, branches": fast,
        "floor: one batch of the new tokens": floor,
        "goalstate, plain": plain,
    }
    if not options.use_extra_bufts:
        return found  # the high-level API cannot be told to leave AMX alone, and would crash

    prompts = [
        "".join(
            [*opening_pieces(conversation.opening), *known, *turn_pieces(last), *question_pieces(question)]
        )
        for question in asked
    ]
    schemas = [
        {
            "type": "object",
            "properties": {"status": {"enum": [str(s) for s in reachable(q.category, q.previous)]}},
            "required": ["status"],
            "additionalProperties": False,
        }
        for q in asked
    ]
    llama = llama_cpp.Llama(
        str(path), n_ctx=4096, n_threads=options.threads, n_threads_batch=options.threads, verbose=False
    )

    def gbnf(*, whole: bool) -> float:
        grammars = [llama_cpp.LlamaGrammar.from_json_schema(json.dumps(s), verbose=False) for s in schemas]
        start = time.perf_counter()
        for prompt, grammar in zip(prompts, grammars, strict=True):
            if whole:
                llama.reset()
            llama(prompt, grammar=grammar, max_tokens=32, temperature=0)
        return time.perf_counter() - start

    found["llama.cpp GBNF, whole prompt"] = lambda: gbnf(whole=True)
    found["llama.cpp GBNF, prefix kept by llama-cpp-python"] = lambda: gbnf(whole=False)
    try:
        import outlines
    except ImportError:
        return found
    model = outlines.from_llamacpp(llama)
    generators = [outlines.Generator(model, outlines.json_schema(json.dumps(schema))) for schema in schemas]

    def through_outlines(*, whole: bool) -> float:
        start = time.perf_counter()
        for prompt, generator in zip(prompts, generators, strict=True):
            if whole:
                llama.reset()
            answer = generator(prompt, max_tokens=32)
            assert json.loads(answer)["status"], "outlines was not constrained"
        return time.perf_counter() - start

    found["outlines, whole prompt"] = lambda: through_outlines(whole=True)
    found["outlines, prefix kept by llama-cpp-python"] = lambda: through_outlines(whole=False)
    return found


def measure(found: dict[str, Callable[[], float]], repeat: int) -> dict[str, list[float]]:
    """Seconds of every way, in turn, after a warm-up of the fast ones."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for name in list(found)[:2]:
        found[name]()
    for _ in range(repeat):
        for name, way in found.items():
            seconds[name].append(way())
    return seconds


def table(seconds: dict[str, list[float]]) -> str:
    """Medians, and how many times the fast decoder's each is, as a Markdown table."""
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ours = medians["goalstate, branches"]
    rows = [f"| {name} | {value:.3f} | {value / ours:.2f} |" for name, value in medians.items()]
    return "\n".join(["| way | seconds, median | times ours |", "| --- | --- | --- |", *rows])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, default=Path("examples/hotel-booking.jsonl"))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--output", type=Path, help="write the seconds as JSON")
    given = parser.parse_args(arguments)
    with GoalTracker.load() as tracker:
        conversation = chosen(given.file)
        seconds = measure(ways(tracker, conversation), given.repeat)
    machine = f"{processor().name}, {load_options().threads} cores, {platform.system()}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{datetime.now(UTC).date()}, {machine}; {given.file.name}; peak of all ways together {peak:.0f} MB\n"
    )
    print(table(seconds))
    if given.output:
        given.output.write_text(json.dumps({"machine": machine, "seconds": seconds}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""One turn's update against the other ways to get the same answers: ``python -m benchmarks.latency``.

The eighth turn of a conversation (the last one of a shorter one) is read and ten components are asked
about, with the same model, on the same machine, in the same run. Every way is repeated in turn and its
median compared with the median of goalstate's fast decoder: single times mean little on a shared machine,
ratios do.

The way through transformers reads the same GGUF file, whose weights it turns into 32-bit numbers, and calls
``generate`` on a whole prompt a component, greedily. It is asked for less than the others: its prompts end
with the forced beginning of the answer, it writes as many tokens as the longest answer has left, and no
grammar holds it.

Needs the ``benchmark`` extra for the ways through outlines and transformers, which are left out otherwise.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import llama_cpp

from benchmarks.machine import conversations, machine, peak_memory
from tracker.conversation import Conversation
from tracker.goal import Component, Goal, reachable
from tracker.hardware import load_options
from tracker.lexical.text import read_text
from tracker.llama import Model
from tracker.opinions import OpinionModel
from tracker.plain import PlainDecoder
from tracker.prompt import Question, opening_pieces, question_pieces, turn_pieces
from tracker.tracking import GoalTracker

COMPONENTS, TURN = 10, 8


Ways = dict[str, Callable[[], float]]
"""Each way as a function that does the work once and returns its seconds."""


def questions(conversation: Conversation) -> list[Question]:
    """Ten questions; where the goal has fewer components they come around again in other words."""
    asked: list[Question] = []
    for number, component in enumerate(islice(cycle(conversation.goal), COMPONENTS)):
        text = component.text if number < len(conversation.goal) else f"{component.text} ({number})"
        asked.append(
            Question(Component(id=str(number), category=component.category, text=text), component.start)
        )
    return asked


def ways(tracker: GoalTracker, conversation: Conversation) -> Ways:
    """All ways that are installed, goalstate's fast one first."""
    *before, last = conversation.turns[:TURN]
    asked = questions(conversation)
    decoder, opinions = tracker.decoder, tracker.opinions
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

    def beside(model: OpinionModel) -> float:
        # Every message is read once in use; here it must not be remembered from the time before.
        read_text.cache_clear()
        opinion = model.start(Goal(components=tuple(question.component for question in asked)))
        for turn in before:
            opinion = opinion.after(turn)
        start = time.perf_counter()
        opinion.after(last).ask(asked)
        return time.perf_counter() - start

    plain_decoder = PlainDecoder(Model(path, options), context=4096, threads=options.threads)

    def plain() -> float:
        whole = plain_decoder.start()
        whole.read([*opening_pieces(conversation.opening), *known, *turn_pieces(last)])
        start = time.perf_counter()
        whole.ask(asked)
        return time.perf_counter() - start

    found: Ways = {
        "goalstate, branches": fast,
        **{f"goalstate, the opinion of `{one}`": partial(beside, model) for one, model in opinions.items()},
        "floor: one batch of the new tokens": floor,
        "goalstate, plain": plain,
    }
    context = [*opening_pieces(conversation.opening), *known, *turn_pieces(last)]
    prompts = ["".join([*context, *question_pieces(question)]) for question in asked]
    if options.use_extra_bufts:
        # Elsewhere the high-level API cannot be told to leave AMX alone, and would crash.
        earlier = "".join([*opening_pieces(conversation.opening), *known])
        found |= high_level_ways(path, options.threads, earlier, prompts, asked)
    tokens, most = [], 0
    for question in asked:
        grammar = decoder.grammars(question.category, question.previous)
        tokens.append([*vocabulary.tokens([*context, *question_pieces(question)]), *grammar.forced_tokens])
        rests = [answer[len(grammar.forced) :] for answer in grammar.answers.values()]
        most = max([most, *(len(vocabulary.tokens([rest])) for rest in rests)])
    return found | transformers_ways(path, options.threads, tokens, most)


def high_level_ways(
    path: Path, threads: int, before: str, prompts: Sequence[str], asked: Sequence[Question]
) -> Ways:
    """llama-cpp-python's high-level API with llama.cpp's grammars, and outlines on top of it.

    ``before`` is how all prompts begin: what was said before the turn.
    """
    schemas = [
        {
            "type": "object",
            "properties": {"status": {"enum": [str(s) for s in reachable(q.category, q.previous)]}},
            "required": ["status"],
            "additionalProperties": False,
        }
        for q in asked
    ]
    llama = llama_cpp.Llama(str(path), n_ctx=4096, n_threads=threads, n_threads_batch=threads, verbose=False)

    def stand_before_the_turn() -> None:
        # What was said before is read already, as it is for goalstate; the turn is not.
        llama.reset()
        llama.eval(llama.tokenize(before.encode(), special=True))

    def gbnf(*, whole: bool) -> float:
        stand_before_the_turn()
        grammars = [llama_cpp.LlamaGrammar.from_json_schema(json.dumps(s), verbose=False) for s in schemas]
        start = time.perf_counter()
        for prompt, grammar in zip(prompts, grammars, strict=True):
            if whole:
                llama.reset()
            llama(prompt, grammar=grammar, max_tokens=32, temperature=0)
        return time.perf_counter() - start

    found: Ways = {
        "llama.cpp GBNF, whole prompt": lambda: gbnf(whole=True),
        "llama.cpp GBNF, prefix kept by llama-cpp-python": lambda: gbnf(whole=False),
    }
    try:
        import outlines
    except ImportError:
        return found
    model = outlines.from_llamacpp(llama)
    generators = [outlines.Generator(model, outlines.json_schema(json.dumps(schema))) for schema in schemas]

    def through_outlines(*, whole: bool) -> float:
        stand_before_the_turn()
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


def transformers_ways(path: Path, threads: int, prompts: Sequence[Sequence[int]], most: int) -> Ways:
    """The same file in transformers: ``prompts`` are read and ``most`` tokens written behind each."""
    try:
        import torch
        import transformers
    except ImportError:
        return {}
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(threads)
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32
        )
    except Exception as error:  # whatever it stumbles over, the other ways can be measured
        print(f"transformers cannot read {path.name}, and is left out: {error!r}", file=sys.stderr)
        return {}
    model.eval()

    def generate() -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            for prompt in prompts:
                ids = torch.tensor([list(prompt)])
                mask = torch.ones_like(ids)
                model.generate(ids, attention_mask=mask, max_new_tokens=most, do_sample=False, pad_token_id=0)
        return time.perf_counter() - start

    return {"the same model in transformers, whole prompt": generate}


def measure(found: Ways, repeat: int) -> dict[str, list[float]]:
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
    parser.add_argument("--exact", action="store_true", help="load goalstate's fast way with exact=True")
    parser.add_argument("--model", help="a GGUF file to use in place of goalstate's own")
    parser.add_argument("--output", type=Path, help="write the seconds as JSON")
    given = parser.parse_args(arguments)
    (conversation,) = conversations(given.file, 1)
    with GoalTracker.load(given.model, exact=given.exact) as tracker:
        seconds = measure(ways(tracker, conversation), given.repeat)
    print(f"{machine()}; {given.file.name}; peak of all ways together {peak_memory():.0f} MB\n")
    print(table(seconds))
    if given.output:
        given.output.write_text(json.dumps({"machine": machine(), "seconds": seconds}, indent=2) + "\n")


if __name__ == "__main__":
    main()

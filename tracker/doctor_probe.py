"""Reads and answers with a model once, as a program of its own: ``python -m tracker.doctor_probe [MODEL]``.

Knows how to try everything that tracking does. Knows nothing about what to do when it fails: a crash of
llama.cpp takes the whole process with it, so ``tracker.doctor`` runs this as a child and watches how it ends.

Writes a line of JSON to standard output when a step is done, ``{"step": "prepare", "detail": "..."}``, then
``load``, ``decode`` and ``grammar``; or ``{"error": "..."}`` in place of the step that failed, and ends with
exit code 2.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import llama_cpp
import numpy as np

from tracker.conversation import Role
from tracker.errors import GoalstateError, ModelError
from tracker.goal import STATUSES, Category, Component, Goal
from tracker.hardware import load_options
from tracker.model import prepare
from tracker.prompt import message_pieces
from tracker.vocabulary import Vocabulary

_USER = "I'm Ada. A table for two at seven, on the terrace if you can, please."
_AGENT = "Good evening, Ada. I have booked a table for two at seven."
_GOAL = Goal(
    text="You are Ada. Be polite. Book a table for two, on the terrace if you can.",
    components=(
        Component(id="profile", category=Category.PROFILE, text="You are Ada."),
        Component(id="policy", category=Category.POLICY, text="Be polite."),
        Component(id="objective", category=Category.OBJECTIVE, text="Book a table."),
        Component(id="requirement", category=Category.REQUIREMENT, text="The table is for two."),
        Component(id="preference", category=Category.PREFERENCE, text="You would like the terrace."),
    ),
)


def main() -> int:
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)
    try:
        for step, detail in probe(model):
            _say(step=step, detail=detail)
    except GoalstateError as error:
        _say(error=str(error))
        return 2
    return 0


def probe(model: Path | None) -> Iterator[tuple[str, str]]:
    """Try the model, step by step: the name of each step that went well and what was seen.

    Raises ``GoalstateError`` where a step goes wrong in an orderly way.
    """
    prepared = prepare(model)
    yield "prepare", prepared.name
    yield from _decode(prepared.path)
    yield "grammar", _answer(prepared.path)


def _decode(path: Path) -> Iterator[tuple[str, str]]:
    # One thread: whether it works does not depend on how many there are, and on a busy machine one is quick.
    options = load_options(threads=1)
    model = llama_cpp.llama_model_load_from_file(os.fsencode(path), options.model_params())
    if model is None:
        raise ModelError(f"{path}: llama.cpp cannot load this model")
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = 512
    parameters.n_threads = parameters.n_threads_batch = options.threads
    context = llama_cpp.llama_init_from_model(model, parameters)
    if context is None:
        raise ModelError(f"{path}: llama.cpp cannot make a context for this model")
    yield "load", f"{llama_cpp.llama_model_size(model) / 1e6:.0f} MB of weights"

    vocabulary = Vocabulary(model)
    tokens = vocabulary.tokens(message_pieces(Role.USER, _USER) + message_pieces(Role.ASSISTANT, _AGENT))
    started = time.perf_counter()
    # Many tokens at once and one alone go through different kernels.
    for part in (tokens[:-1], tokens[-1:]):
        ids = (llama_cpp.llama_token * len(part))(*part)
        if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(ids, len(part))):
            raise ModelError(f"{path}: llama.cpp could not read {len(part)} tokens with this model")
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), (len(vocabulary),))
        if not np.isfinite(logits).all() or logits.min() == logits.max():
            raise ModelError(
                f"{path}: the model's answer is no set of numbers; llama.cpp computes wrongly here"
            )
    seconds = time.perf_counter() - started
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    yield "decode", f"{len(tokens)} tokens read in {seconds:.1f} s"


def _answer(path: Path) -> str:
    """Track one turn with the decoder that generates its answers through the grammar."""
    from tracker.tracking import GoalTracker

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tracker = GoalTracker.load(path, decoder="plain", threads=1)
    state = tracker.start(_GOAL).update(user=_USER, assistant=_AGENT)
    tracker.close()
    for component in _GOAL:
        answer = state[component.id]
        if answer.status not in STATUSES[component.category] or not 0 <= answer.probability <= 1:
            raise ModelError(
                f"the grammar does not hold: a {component.category} was said to be {answer.status}"
            )
    return f"{len(_GOAL)} answers, one of each category, all allowed"


def _say(**line: str) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

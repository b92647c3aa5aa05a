"""Which words of a goal's text each of its components was written from.

Knows the cut text (``tracker.splitter.pieces``) and the components that a judge wrote. Knows nothing about
models.

A component was seldom copied: "You want both fees refunded" became "Get the two $35 overdraft fees refunded."
So runs of pieces are chosen, one a component and none overlapping, that make the sum of their token F1 with
the components greatest: a small integer program, solved exactly by HiGHS through ``scipy.optimize.milp``.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_matrix

from tracker.clauses import as_sentence
from tracker.cues import category_of
from tracker.goal import Category, Goal
from tracker.matching import token_f1
from tracker.splitter.model import Run, spans
from tracker.splitter.pieces import Pieces
from tracker.stems import words

_LEAST = 0.15
"""Token F1 under which a run cannot be what a component was written from."""
_SECOND_SENTENCE = 0.1
"""What a run has to gain by taking in words of a second sentence."""
_WORD = 0.002
"""Little words go to a component rather than to nothing."""
_SAME_CUE = 0.15
_WISH_CUE = 0.3
"""Of an objective the clause with the wish is wanted, not the fact before it that has its words."""

_WISH = re.compile(r"\b(?:wants?|needs?|like to|looking)\b", re.IGNORECASE)
_CONJUNCTION = re.compile(r"^(?:and|but|so|or)\s+", re.IGNORECASE)


def align(goal: Goal, pieces: Pieces) -> list[Run]:
    """The split of a goal's text that its components speak for.

    The runs cover all pieces in order. Neighbours that became no component are one run without a label.
    Components whose words the text does not have are left out.
    """
    chosen = _chosen(goal, pieces)
    runs: list[Run] = []
    position = 0
    while position < len(pieces):
        if position in chosen:
            stop, category = chosen[position]
            runs.append(Run(position, stop, category))
        else:
            stop = position + 1
            while (
                stop < len(pieces)
                and stop not in chosen
                and pieces.pieces[stop].sentence == pieces.pieces[position].sentence
            ):
                stop += 1
            runs.append(Run(position, stop, None))
        position = stop
    return runs


def _chosen(goal: Goal, pieces: Pieces) -> dict[int, tuple[int, Category]]:
    """First piece → the piece behind the last one, and the category, of each component's run."""
    wanted = [words(component.text) for component in goal]
    options: list[tuple[int, int, int]] = []
    gains: list[float] = []
    for first, stop in spans(pieces):
        text = pieces.text(first, stop)
        have = words(text)
        plain = as_sentence(_CONJUNCTION.sub("", text))
        cue = category_of(plain, True)
        wish = cue is Category.OBJECTIVE or _WISH.search(plain) is not None
        taken = pieces.pieces[first:stop]
        extra = _WORD * sum(piece.stop - piece.start for piece in taken)
        extra -= _SECOND_SENTENCE * (taken[-1].sentence - taken[0].sentence)
        for number, component in enumerate(goal):
            similarity = token_f1(wanted[number], have)
            if similarity < _LEAST:
                continue
            if component.category is Category.OBJECTIVE:
                bonus = _WISH_CUE if wish else 0.0
            else:
                bonus = _SAME_CUE if cue is component.category else 0.0
            options.append((number, first, stop))
            gains.append(similarity + extra + bonus)
    if not options:
        return {}
    uses = lil_matrix((len(goal) + len(pieces), len(options)))
    for column, (number, first, stop) in enumerate(options):
        uses[number, column] = 1
        uses[len(goal) + first : len(goal) + stop, column] = 1
    solved = milp(
        -np.array(gains),
        constraints=LinearConstraint(uses.tocsr(), -np.inf, 1),
        integrality=np.ones(len(options)),
        bounds=Bounds(0, 1),
    )
    return {
        options[column][1]: (options[column][2], goal.components[options[column][0]].category)
        for column in np.flatnonzero(solved.x > 0.5)
    }

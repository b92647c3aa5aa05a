"""An opinion on every question from words alone: what a small language model overlooks, counting sees.

Knows which words, numbers, names and cues of a turn bear on a component, and trees that were trained on them.
Knows nothing about the language model; ``tracker.forward`` pools what they say.
"""

from tracker.lexical.features import NAMES, Featuriser, names
from tracker.lexical.lexicon import Lexicon
from tracker.lexical.model import LexicalModel, LexicalReading

__all__ = ["NAMES", "Featuriser", "LexicalModel", "LexicalReading", "Lexicon", "names"]

"""An opinion of its own on every question, by a small encoder that reads both ways.

Knows how a turn and the components of a goal become tokens, the encoder's layers, and the file that its
weights come in. Knows nothing about the language model, or about how the encoder is trained
(``training.encoder``); ``tracker.forward`` pools what they say.
"""

from tracker.encoder.model import EncoderModel, EncoderReading
from tracker.encoder.network import Network
from tracker.encoder.text import Kind, Read, Tokeniser, conversation_tokens

__all__ = [
    "EncoderModel",
    "EncoderReading",
    "Kind",
    "Network",
    "Read",
    "Tokeniser",
    "conversation_tokens",
]

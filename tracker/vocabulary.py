"""A model's vocabulary: text to token ids, and token ids to bytes.

Knows llama.cpp's tokeniser and which pieces of a prompt are control tokens. Knows nothing about grammars,
weights or contexts: a vocabulary can be opened without its model.

Text is tokenised with special tokens off, so that ``<|im_end|>`` in a user's message is ten characters and
never the control token.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import llama_cpp

from tracker.errors import ModelError
from tracker.prompt import Control, Piece


class Vocabulary:
    """The vocabulary of a loaded llama.cpp model, usable while the model is loaded."""

    def __init__(self, model: llama_cpp.llama_model_p) -> None:
        vocabulary = llama_cpp.llama_model_get_vocab(model)
        if vocabulary is None:
            raise ModelError("the model has no vocabulary")
        self._vocabulary = vocabulary
        self._controls = {control: self._tokenize(control, special=True) for control in Control}

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Vocabulary]:
        """The vocabulary of a GGUF file, without its weights.

        Raises ``ModelError`` when llama.cpp cannot read the file.
        """
        parameters = llama_cpp.llama_model_default_params()
        parameters.vocab_only = True
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if model is None:
            raise ModelError(f"{path}: llama.cpp cannot read this model")
        try:
            yield cls(model)
        finally:
            llama_cpp.llama_model_free(model)

    def __len__(self) -> int:
        size: int = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        return size

    @property
    def end(self) -> int:
        """The token that ends a text; one past the last where the model has none."""
        end = llama_cpp.llama_vocab_eos(self._vocabulary)
        return end if end >= 0 else len(self)

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The text of each token; nothing for control tokens."""
        room = 256
        buffer = ctypes.create_string_buffer(room)
        pieces: list[bytes] = []
        for token in range(len(self)):
            length = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, room, 0, False)
            # A piece longer than the buffer is reported as a negative length and is in no answer.
            pieces.append(buffer.raw[:length] if length > 0 else b"")
        return tuple(pieces)

    def tokens(self, pieces: Iterable[Piece]) -> list[int]:
        """The ids of a prompt: each piece on its own, so that what follows never changes what came before.

        A control token that the model does not have is written out as text.
        """
        ids: list[int] = []
        for piece in pieces:
            ids += (
                self._controls[piece] if isinstance(piece, Control) else self._tokenize(piece, special=False)
            )
        return ids

    def _tokenize(self, text: str, *, special: bool) -> list[int]:
        encoded = text.encode()
        room = len(encoded) + 2
        ids = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocabulary, encoded, len(encoded), ids, room, False, special)
        if count < 0:
            raise ModelError("the model's tokeniser failed")
        return list(ids[:count])

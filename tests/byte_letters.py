"""The letters that tiny vocabularies for tests are made of."""

from __future__ import annotations


def byte_letters() -> list[str]:
    """The 256 letters by which a GPT-2 vocabulary writes bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {b: chr(256 + n) for n, b in enumerate(others)}
    return [letters[byte] for byte in range(256)]

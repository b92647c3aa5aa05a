"""What this folder's fixtures are, for the tests that take them.

Apart from ``conftest``, which is the name of a module in every folder: imported, it would be the one that
pytest met first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tracker.conversation import Conversation

Talk = Callable[..., Conversation]
WriteNative = Callable[[Path, Iterable[Conversation]], Path]
Logits = npt.NDArray[np.float32]
PlainLogits = Callable[[Path, Sequence[Sequence[int]]], list[Logits]]

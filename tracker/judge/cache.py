"""Answers of large judges on disk, found again by the content of what was asked.

Knows one file per answer, named by the hash of the whole request, which gets there whole or not at all. Knows
nothing about what is in an answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import platformdirs
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from tracker.errors import CacheError


class Reply(BaseModel):
    """What an endpoint sent back, and the tokens that it counted; ``None`` where it counts none."""

    model_config = ConfigDict(frozen=True)

    text: str
    prompt_tokens: int | None
    completion_tokens: int | None


def default_folder() -> Path:
    """``judge`` in ``$GOALSTATE_CACHE``, or where this system keeps caches."""
    root = os.environ.get("GOALSTATE_CACHE") or platformdirs.user_cache_dir("goalstate", appauthor=False)
    return Path(root) / "judge"


class ReplyCache:
    """A folder of replies. Several processes may use one at the same time.

    Replies may quote conversations, so only the user can read their files (where the system can do that).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, request: Mapping[str, JsonValue]) -> Reply | None:
        """The reply to this very request; ``None`` where there is none, or a damaged one.

        Raises ``CacheError`` where the folder cannot be read.
        """
        try:
            return Reply.model_validate_json(self._path(request).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        except OSError as error:
            raise CacheError(f"{self.folder}: cannot be read: {error.strerror}") from error

    def put(self, request: Mapping[str, JsonValue], reply: Reply) -> None:
        """Keep a reply. Raises ``CacheError`` where the disk does not take it."""
        path = self._path(request)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix="unfinished-")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    stream.write(reply.model_dump_json())
                os.replace(beside, path)
            except BaseException:
                Path(beside).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise CacheError(f"{self.folder}: cannot be written: {error.strerror}") from error

    def _path(self, request: Mapping[str, JsonValue]) -> Path:
        key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.json"

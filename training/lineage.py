"""What a run stands on: the runs that it began with and that its weights were averaged with, and theirs.

Knows the two fields ``start`` and ``beside`` of what is told of a run: nested where one works with them, and
each run once where they are written. A release begins with the one before it and is averaged with it, so that
nested every manifest would be twice as long as the last. Knows nothing about what else is told of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_EARLIER = "earlier"


def flat(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run with those that it stands on once each under ``earlier``, every one behind those that it stands
    on itself; ``start`` and ``beside``, here and there, are their places in it, from 0."""
    earlier: list[dict[str, Any]] = []

    def placed(one: Mapping[str, Any]) -> int:
        told = _standing_on(one, placed)
        if told not in earlier:
            earlier.append(told)
        return earlier.index(told)

    told = _standing_on(run, placed)
    return {**told, _EARLIER: earlier} if earlier else told


def nested(run: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the runs themselves in their places; what is nested already comes back as it is.

    Raises ``ValueError`` where a place is none of a run before, or where no run stands in one.
    """
    if _EARLIER not in run:
        return dict(run)
    earlier: list[dict[str, Any]] = []

    def at(place: object) -> dict[str, Any]:
        if not isinstance(place, int) or not 0 <= place < len(earlier):
            raise ValueError(f"{place!r} is not the place of a run before it in '{_EARLIER}'")
        return earlier[place]

    for one in run[_EARLIER]:
        if not isinstance(one, Mapping):
            raise ValueError(f"{one!r} in '{_EARLIER}' is not what is told of a run")
        earlier.append(_standing_on(one, at))
    return _standing_on({key: value for key, value in run.items() if key != _EARLIER}, at)


def _standing_on(run: Mapping[str, Any], each: Callable[[Any], object]) -> dict[str, Any]:
    """A run with what ``each`` makes of every run that it stands on in that one's place."""
    told = dict(run)
    if "start" in told:
        told["start"] = each(told["start"])
    if "beside" in told:
        told["beside"] = [each(one) for one in told["beside"]]
    return told

"""One self-contained HTML page about tracked conversations: their sum, and each beside its heat map.

Knows what the page's script is given and how the page is put together from ``templates/``. Knows nothing
about where tracks come from.

Everything in a conversation is data. It reaches the page in two ways: through Jinja's escaping, and as
JSON in which no ``<``, ``>`` or ``&`` stands, so that nothing a user types can close the element that holds
it; the script only ever sets text. A content security policy lets nothing run but the page's own script,
and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tracker.goal import STATUSES, SUCCESS, Category
from tracker.report.figures import figures, first_drift
from tracker.report.palette import literal, variables
from tracker.report.plots import NAMES as PLOTS
from tracker.report.plots import plots, tone
from tracker.tracked import Tracked

__all__ = ["PLOTS", "render", "render_plots"]

_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


def render(tracks: Sequence[Tracked], *, title: str) -> str:
    """The page as HTML text; the same tracks give the same page.

    Parameters
    ----------
    tracks
        Those with a conversation are shown with what was said; the others with their heat map alone.
    title
        What the page is about, such as the name of the file that was tracked.
    """
    environment = _environment()
    found = figures([tracked.track for tracked in tracks])
    style = variables() + _source(environment, "plot.css") + _source(environment, "report.css")
    script = _source(environment, "report.js")
    return environment.get_template("report.html.j2").render(
        title=title,
        tracker=_tracker(tracks),
        figures=found,
        statuses=STATUSES,
        tone=tone,
        texts=sum(tracked.conversation is not None for tracked in tracks),
        plots={name: Markup(svg) for name, svg in plots(found, environment).items()},
        style=Markup(style),
        style_hash=_hash(style),
        script=Markup(script),
        script_hash=_hash(script),
        data=Markup(_embedded(_data(tracks))),
    )


def render_plots(tracks: Sequence[Tracked]) -> dict[str, str]:
    """The plots of the overview by name, each as the text of an SVG file."""
    environment = _environment()
    style = literal(_source(environment, "plot.css"))
    return plots(figures([tracked.track for tracked in tracks]), environment, style=style)


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tracker.report"),
        # Everything is escaped, whatever a template is called.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _source(environment: Environment, name: str) -> str:
    """A template's text as it stands."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(text: str) -> str:
    """What a content security policy calls an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(value: object) -> str:
    """JSON that can stand inside an HTML script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)


def _data(tracks: Sequence[Tracked]) -> dict[str, Any]:
    """What the script draws from; ``statuses`` and ``tones`` are indexed by the digits of ``states``."""
    return {
        "categories": {
            str(category): {
                "statuses": [str(status) for status in statuses],
                "tones": [tone(category, status) for status in statuses],
                "success": [status in SUCCESS[category] for status in statuses],
            }
            for category, statuses in STATUSES.items()
        },
        "conversations": [_conversation(tracked) for tracked in tracks],
    }


def _conversation(tracked: Tracked) -> dict[str, Any]:
    track, conversation = tracked.track, tracked.conversation
    return {
        "id": track.id,
        "goal": track.goal.text,
        "drift": first_drift(track) or 0,
        "reward": None if conversation is None else conversation.reward,
        "opening": None if conversation is None else conversation.opening,
        "turns": len(track.states),
        "said": None
        if conversation is None
        else [[turn.user, turn.assistant] for turn in conversation.turns],
        "components": [
            {
                "id": component.id,
                "category": str(component.category),
                "text": component.text,
                "objective": component.objective,
                "states": "".join(
                    str(_index(component.category)[status]) for status in track.statuses(component.id)
                ),
                "percent": [round(100 * state[component.id].probability) for state in track.states],
            }
            for component in track.goal
        ],
    }


def _index(category: Category) -> Mapping[str, int]:
    return {status: position for position, status in enumerate(STATUSES[category])}


def _tracker(tracks: Sequence[Tracked]) -> str:
    """Which trackers made the tracks, in words; usually one."""
    described: set[str] = set()
    for tracked in tracks:
        others = ", ".join(f"{name} {value}" for name, value in tracked.tracker.items() if name != "model")
        model = tracked.tracker.get("model", "")
        described.add(f"{model} ({others})" if model and others else model or others)
    return "; ".join(sorted(described - {""}))

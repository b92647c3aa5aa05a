"""The page and its plots, as text."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from report_samples import DRIFTED, GOAL, NASTY, RENTED, tracked

from tracker.goal import Category, Component, Goal, Status
from tracker.report import render, render_plots
from tracker.report.figures import figures

MANY = [tracked("kept"), tracked("drifted", DRIFTED), tracked("short", {}, turns=1)]


class Elements(HTMLParser):
    """The elements of a page, with their attributes and the text in them."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), []))

    def handle_data(self, data):
        if self.found:
            self.found[-1][2].append(data)

    def text(self, **wanted):
        return next(
            "".join(text) for _, attributes, text in self.found if wanted.items() <= attributes.items()
        )


def data(page):
    return json.loads(Elements(page).text(id="data"))


def test_the_page_needs_no_other_file_and_names_no_address():
    page = render(MANY, title="bikes")
    for tag, attributes, _ in Elements(page).found:
        assert not {"src", "href", "srcset", "data", "action"} & attributes.keys(), tag
        assert tag != "link"
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert "@import" not in page
    assert "url(" not in page


def test_what_users_type_stays_data():
    goal = Goal(text=NASTY, components=(Component(id=NASTY, category=Category.POLICY, text=NASTY),))
    nasty = tracked(NASTY, {}, said=NASTY, goal=goal)
    page = render([nasty], title=NASTY)
    found = Elements(page).found
    assert sum(tag == "script" for tag, _, _ in found) == 2
    assert not any(tag in ("img", "b") and "broken" in str(text) for tag, _, text in found)
    assert not any(tag == "img" for tag, _, _ in found)
    (conversation,) = data(page)["conversations"]
    assert conversation["id"] == conversation["goal"] == NASTY
    assert conversation["components"][0]["text"] == NASTY
    assert conversation["said"][0][0].startswith(NASTY)


def test_the_script_gets_every_state():
    drifted = data(render(MANY, title="bikes"))["conversations"][1]
    home = next(component for component in drifted["components"] if component["id"] == "home")
    assert home["states"] == "0111"
    assert home["percent"] == [90, 90, 90, 90]
    assert drifted["drift"] == 2
    assert drifted["turns"] == 4


def test_tracks_without_words_are_shown_without():
    (conversation,) = data(render([tracked("a", words=False)], title="bikes"))["conversations"]
    assert conversation["said"] is None
    assert conversation["components"][0]["states"] == "0112"


def test_the_same_tracks_give_the_same_page():
    assert render(MANY, title="bikes") == render(MANY, title="bikes")


@pytest.mark.parametrize(
    "tracks",
    [
        [],
        [tracked("silent", {}, turns=0, words=False)],
        [tracked("aimless", {}, goal=Goal(components=()))],
    ],
    ids=["none", "the user never spoke", "a goal without components"],
)
def test_little_to_show_is_no_error(tracks):
    assert "</html>" in render(tracks, title="bikes")
    for svg in render_plots(tracks).values():
        ElementTree.fromstring(svg)


def test_figures_count_every_component_at_every_turn():
    found = figures([each.track for each in MANY])
    policy = found.categories[Category.POLICY]
    assert policy.ends == {Status.ALIGNED: 2, Status.MISALIGNED: 1}
    np.testing.assert_allclose(policy.success, [1, 1, 2 / 3, 2 / 3, 2 / 3])
    np.testing.assert_allclose(found.categories[Category.OBJECTIVE].success, [0, 0, 2 / 3, 2 / 3, 2 / 3])
    assert found.drifted == 1
    assert found.drift_turns.tolist() == [0, 1, 0, 0]
    assert (found.conversations, found.turns, found.longest) == (3, 9, 4)


def test_plots_are_svg_files_with_their_colours_inside():
    found = render_plots(MANY)
    assert set(found) == {"success", "ends", "drift"}
    for svg in found.values():
        ElementTree.fromstring(svg)
        assert "var(" not in svg
        assert "#0072b2" in svg
        assert "prefers-color-scheme: dark" in svg
    texts = "".join(ElementTree.fromstring(found["success"]).itertext())
    assert "policy 67%" in texts
    assert "drift" not in render_plots([tracked("kept", RENTED)])


def test_names_at_the_ends_of_lines_do_not_touch():
    svg = ElementTree.fromstring(render_plots([tracked("a", {}, goal=GOAL)])["success"])
    ends = sorted(
        float(text.get("y"))
        for text in svg.iterfind(".//{*}text")
        if "".join(text.itertext()).split(" ")[0] in list(Category)
    )
    assert len(ends) == 5
    assert min(later - earlier for earlier, later in pairwise(ends)) >= 14

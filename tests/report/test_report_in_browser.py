"""The report in a real browser: Chromium, without a window, drives a wide and a narrow page once.

Skipped where there is no Chromium.
"""

import html
import json
import re
import shutil
import subprocess

import pytest
from report_samples import DRIFTED, NASTY, RENTED, tracked

from tracker.goal import Status
from tracker.report import render

CONVERSATIONS = 1000

# Runs in a page around the reports: what it notes down is what the tests look at.
DRIVER = """
const pause = (time) => new Promise((done) => setTimeout(done, time));
const seen = {};
async function drive(frame) {
  const page = frame.contentDocument, view = frame.contentWindow;
  const at = (id) => page.getElementById(id);
  const press = (key, target = page.activeElement) =>
    target.dispatchEvent(new view.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const selected = () => page.querySelector('.row[aria-selected="true"] .id')?.textContent;
  const detail = () => at("detail").innerText + page.querySelector(".turn.now").innerText;
  const note = { };
  note.overflow = page.documentElement.scrollWidth - view.innerWidth;
  note.overview = at("overview").innerText;
  press("j");
  await pause(50);
  note.explorer = !at("explorer").hidden && at("overview").hidden;
  note.overflowThere = page.documentElement.scrollWidth - view.innerWidth;
  note.first = selected();
  note.rows = page.querySelectorAll(".row").length;
  press("j");
  note.second = selected();
  press("k"); press("j"); press("ArrowDown", at("list"));
  note.third = selected();
  press("End", at("list"));
  await pause(50);
  note.last = selected();
  note.rowsAtTheEnd = page.querySelectorAll(".row").length;

  at("drift").value = "yes";
  at("drift").dispatchEvent(new view.Event("change"));
  note.drifted = at("count").textContent;
  press("Home", at("list"));
  note.firstDrifted = selected();
  press("/");
  await pause(20);
  note.focusAfterSlash = page.activeElement.id;
  at("drift").value = "";
  at("words").value = "PARROT";
  at("words").dispatchEvent(new view.Event("input"));
  await pause(300);
  note.parrot = [at("count").textContent, selected()];
  at("words").value = "";
  at("category").value = "policy";
  at("status").value = "MISALIGNED";
  at("status").dispatchEvent(new view.Event("change"));
  note.misaligned = at("count").textContent;
  at("confidence").value = "-60";
  at("confidence").dispatchEvent(new view.Event("change"));
  note.unsure = at("count").textContent;
  for (const name of ["category", "status", "confidence"]) at(name).value = "";
  at("order").value = "drift";
  at("order").dispatchEvent(new view.Event("change"));
  press("Home", at("list"));
  note.earliest = selected();

  at("list").focus();
  press("Enter", at("list"));
  note.focusInMap = page.activeElement.getAttribute("aria-label");
  note.detail = detail();
  note.marked = page.querySelector(".turn.now")?.dataset.turn;
  press("n");
  note.next = page.activeElement.getAttribute("aria-label");
  press("p"); press("ArrowLeft");
  note.left = page.activeElement.getAttribute("aria-label");
  const cell = page.querySelector('.cell[aria-label^="Rent a bike., turn 4"]');
  cell.dispatchEvent(new view.PointerEvent("pointerenter", { pointerType: "mouse" }));
  note.pointed = detail();
  note.pointedTurn = page.querySelector(".turn.now").dataset.turn;
  press("Enter", cell);
  note.focusInText = page.activeElement.dataset.turn;
  press("Escape");
  note.focusAfterEscape = page.activeElement.id;

  const ground = () => view.getComputedStyle(page.documentElement).backgroundColor;
  const before = ground();
  press("t", page.body);
  note.grounds = [before, ground()];
  press("t", page.body);

  at("order").value = "file";
  at("words").value = "onerror";
  at("words").dispatchEvent(new view.Event("input"));
  await pause(300);
  note.nasty = [selected(), page.querySelector(".message.user")?.lastChild.textContent];
  note.nastyOverflow = page.documentElement.scrollWidth - view.innerWidth;
  note.images = page.querySelectorAll("img").length;
  press("o", page.body);
  note.overviewAgain = !at("overview").hidden;
  const count = page.querySelector('.count[data-category="policy"][data-status="MISALIGNED"]');
  count.click();
  await pause(50);
  note.fromOverview = at("count").textContent;
  return note;
}
addEventListener("load", async () => {
  for (const frame of document.querySelectorAll("iframe")) {
    try { seen[frame.id] = await drive(frame); }
    catch (error) { seen[frame.id] = { error: String(error.stack) }; }
  }
  seen.broken = window.broken ?? null;
  const result = document.createElement("pre");
  result.id = "result";
  result.textContent = JSON.stringify(seen);
  document.body.append(result);
});
"""


def conversations():
    """Every tenth one drifts; one is nasty, one speaks of a parrot, one is unsure."""
    many = []
    for number in range(CONVERSATIONS):
        changes = DRIFTED if number % 10 == 9 else RENTED
        many.append(tracked(f"run-{number:04d}", changes))
    many[500] = tracked(NASTY, RENTED, said=NASTY)
    many[700] = tracked("run-0700", RENTED, said="My parrot rides along. " + "x" * 300)
    many[809] = tracked("run-0809", DRIFTED, probability=0.55)
    many[919] = tracked("run-0919", DRIFTED | {"bo": {1: Status.MISALIGNED}})
    return many


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("Chromium is not installed")
    folder = tmp_path_factory.mktemp("browser")
    page = html.escape(render(conversations(), title="bikes"), quote=True)
    frames = "".join(
        f'<iframe id="{name}" width="{width}" height="900" srcdoc="{page}"></iframe>'
        for name, width in (("wide", 1600), ("narrow", 400))
    )
    (folder / "page.html").write_text(
        f'<!doctype html><meta charset="utf-8">{frames}<script>{DRIVER}</script>', encoding="utf-8"
    )
    options = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --window-size=1700,2000 --virtual-time-budget=60000"
    )
    command = [chromium, *options.split(), f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    try:
        done = subprocess.run(
            [*command, (folder / "page.html").as_uri()], capture_output=True, timeout=300, encoding="utf-8"
        )
    except subprocess.TimeoutExpired:
        pytest.skip("Chromium did not answer in five minutes")
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


@pytest.fixture(params=["wide", "narrow"])
def note(request, seen):
    assert "error" not in seen[request.param], seen[request.param]["error"]
    return seen[request.param]


def test_nothing_sticks_out_at_either_width(note):
    assert note["overflow"] <= 0
    assert note["overflowThere"] <= 0
    assert note["nastyOverflow"] <= 0
    assert "1,000" in note["overview"]
    assert "drifted" in note["overview"]


def test_keys_walk_the_list_of_which_only_what_is_in_sight_is_drawn(note):
    assert note["explorer"]
    assert (note["first"], note["second"], note["third"]) == ("run-0000", "run-0001", "run-0002")
    assert note["last"] == "run-0999"
    assert 0 < note["rows"] < 50
    assert 0 < note["rowsAtTheEnd"] < 50


def test_the_list_is_filtered_and_ordered(note):
    assert note["drifted"] == "100 of 1,000 conversations"
    assert note["firstDrifted"] == "run-0009"
    assert note["focusAfterSlash"] == "words"
    assert note["parrot"] == ["1 of 1,000 conversations", "run-0700"]
    assert note["misaligned"] == "100 of 1,000 conversations"
    assert note["unsure"] == "1 of 1,000 conversations"
    assert note["earliest"] == "run-0919"
    assert note["fromOverview"] == "100 of 1,000 conversations"


def test_a_change_shows_its_turn_and_probabilities(note):
    assert note["focusInMap"] == "You are Bo., turn 1: MISALIGNED, 90%, was ALIGNED"
    assert "misaligned" in note["detail"]
    assert "90%" in note["detail"]
    assert "(run-0919, turn 1)" in note["detail"]
    assert note["marked"] == "1"
    assert note["next"].startswith("Never say where you live., turn 2: MISALIGNED")
    assert "attempted" in note["pointed"]
    assert "complete" in note["pointed"]
    assert "turn 4" in note["pointed"]
    assert "(run-0919, turn 4)" in note["pointed"]
    assert note["pointedTurn"] == "4"


def test_keys_lead_into_the_text_and_back(note):
    assert note["focusInText"] == "4"
    assert note["focusAfterEscape"] == "list"
    assert note["overviewAgain"]


def test_light_and_dark(note):
    assert sorted(note["grounds"]) == ["rgb(20, 23, 27)", "rgb(255, 255, 255)"]


def test_what_users_type_is_shown_and_never_obeyed(note, seen):
    name, said = note["nasty"]
    assert name == NASTY
    assert said.startswith(NASTY)
    assert note["images"] == 0
    assert seen["broken"] is None

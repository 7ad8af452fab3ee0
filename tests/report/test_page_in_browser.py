"""The page in a real browser: nothing is cut off or runs out of the window."""

import html
import json
import re
import subprocess

import pytest
from chromium import BROWSER, FLAGS, needs_browser

MEASURE = """
<script>
addEventListener("load", () => {
  const all = (what) => [...document.querySelectorAll(what)];
  const right = (e) => e.getBoundingClientRect().right;
  const wide = all("body *").filter(
    (e) => !e.closest(".scroll > *, .skip") && right(e) > innerWidth);
  const facts = getComputedStyle(document.querySelector("article.claim dl"));
  parent.postMessage(JSON.stringify({
    window: innerWidth,
    page: document.documentElement.scrollWidth,
    wide: wide.map((e) => e.outerHTML.slice(0, 80)),
    broken: [...document.images].filter((i) => !i.complete || !i.naturalWidth).length,
    images: document.images.length,
    columns: facts.gridTemplateColumns.split(" ").length,
  }), "*");
});
</script>
"""
ENLARGE = """
<script>
addEventListener("load", async () => {
  const said = {};
  const dialog = document.querySelector("dialog");
  const box = dialog.querySelector(".box");
  const buttons = [...document.querySelectorAll(".thumbnails button")];
  const [previous, next, close] = dialog.querySelectorAll("header button");
  const state = async () => {
    const picture = box.querySelector("img");
    if (picture && !picture.complete) {
      await new Promise((done) => picture.addEventListener("load", done));
    }
    return {
      open: dialog.open,
      title: dialog.querySelector("h2").textContent,
      pictures: box.childElementCount,
      same: picture?.src === buttons[2].querySelector("img").src,
      natural: picture?.naturalWidth,
      width: picture?.getBoundingClientRect().width,
      inside: dialog.getBoundingClientRect().right <= innerWidth,
      page: document.documentElement.scrollWidth,
      focus: dialog.contains(document.activeElement),
      scroll: box.scrollTop,
    };
  };
  const shut = () => new Promise((done) => dialog.addEventListener("close", done, {once: true}));
  said.thumbnail = buttons[2].getBoundingClientRect().width;
  said.reached = buttons.every((each) => each.tabIndex === 0);
  said.before = await state();
  buttons[2].focus();
  buttons[2].click();  // what Enter and a tap do to a button
  said.opened = await state();
  const middle = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  said.covers = dialog.contains(middle);
  box.scrollTop = 40;
  next.click();
  said.next = await state();
  previous.click();
  said.back = await state();
  let closed = shut();
  close.click();
  await closed;
  said.closed = await state();
  said.returned = document.activeElement === buttons[2];
  buttons[0].click();
  said.first = [previous.disabled, next.disabled];
  closed = shut();
  dialog.requestClose();  // what Escape does to a dialog
  await closed;
  said.escaped = !dialog.open && document.activeElement === buttons[0];
  parent.postMessage(JSON.stringify(said), "*");
});
</script>
"""
# A headless window is never narrower than 500 pixels; a frame in it may be.
FRAME = """
<script>addEventListener("message", (e) => { document.title = e.data; });</script>
<iframe src="measured.html" style="border:0;width:WIDTHpx;height:HEIGHTpx"></iframe>
"""


def browse(report, folder, width, height, script=MEASURE):
    """What ``script`` says of the page in a window of that size."""
    page = report.read_text(encoding="utf-8").replace("</body>", script + "</body>")
    (folder / "measured.html").write_text(page, encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(
        FRAME.replace("WIDTH", str(width)).replace("HEIGHT", str(height)), encoding="utf-8"
    )
    command = [
        BROWSER,
        *FLAGS,
        "--virtual-time-budget=5000",
        f"--user-data-dir={folder}/profile",
        "--dump-dom",
    ]
    command += [f"--window-size={width + 100},{height + 100}", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r"<title>(.*?)</title>", done.stdout)
    assert found, done.stdout[:500] + done.stderr[-500:]
    return json.loads(html.unescape(found[1]))


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_page_fits_the_window(report, tmp_path, width, height, figures):
    found = browse(report, tmp_path, width, height)
    assert found["window"] == width
    assert found["page"] <= width
    assert found["wide"] == []
    assert found["broken"] == 0
    assert found["images"] == len(figures)
    assert found["columns"] == (2 if width > 700 else 1)


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_thumbnails_enlarge_and_close_again(report, tmp_path, width, height):
    said = browse(report, tmp_path, width, height, ENLARGE)
    assert said["reached"]
    assert said["thumbnail"] < width
    assert not said["before"]["open"]
    opened = said["opened"]
    for what in ("open", "same", "focus", "inside"):
        assert opened[what], what
    assert said["covers"]
    assert opened["pictures"] == 1
    assert opened["width"] >= 1056  # as large as on paper, whatever the window
    assert opened["page"] <= width
    assert opened["title"].startswith("Gallery, LeNet-5, ")
    assert said["next"]["title"] != opened["title"] == said["back"]["title"]
    assert not said["next"]["same"]
    assert said["next"]["scroll"] == said["back"]["scroll"] == 40
    assert not said["closed"]["open"]
    assert said["closed"]["pictures"] == 0
    assert said["returned"]
    assert said["first"] == [True, False]
    assert said["escaped"]

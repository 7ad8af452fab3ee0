"""The page in a real browser: nothing is cut off or runs out of the window."""

import html
import json
import re
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=5000",
)
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
# A headless window is never narrower than 500 pixels; a frame in it may be.
FRAME = """
<script>addEventListener("message", (e) => { document.title = e.data; });</script>
<iframe src="measured.html" style="border:0;width:WIDTHpx;height:HEIGHTpx"></iframe>
"""


def browse(report, folder, width, height):
    """What the page says of itself in a window of that size."""
    page = report.read_text(encoding="utf-8").replace("</body>", MEASURE + "</body>")
    (folder / "measured.html").write_text(page, encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(
        FRAME.replace("WIDTH", str(width)).replace("HEIGHT", str(height)), encoding="utf-8"
    )
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom"]
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

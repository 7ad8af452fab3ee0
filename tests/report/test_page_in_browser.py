"""The page in a real browser: nothing is cut off or runs out of the window."""

import json
import re
import shutil
import subprocess

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
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
  const page = document.documentElement;
  const wide = [...document.querySelectorAll("body *")].filter(
    (e) => !e.closest(".scroll, .skip") && e.getBoundingClientRect().right > innerWidth + 0.5);
  const broken = [...document.images].filter((i) => !i.complete || !i.naturalWidth);
  const cut = [...document.querySelectorAll(".scroll")].filter(
    (e) => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX !== "auto");
  document.title = JSON.stringify({
    window: innerWidth, page: page.scrollWidth, wide: wide.map((e) => e.outerHTML.slice(0, 80)),
    broken: broken.length, cut: cut.length, images: document.images.length,
    columns: document.querySelector("article.claim dl") &&
      getComputedStyle(document.querySelector("article.claim dl")).gridTemplateColumns.split(" ").length,
  });
});
</script>
"""


def browse(report, folder, width, height):
    """What the page says of itself in a window of that size."""
    copy = folder / "measured.html"
    copy.write_text(report.read_text(encoding="utf-8").replace("</body>", MEASURE + "</body>"))
    # A headless window may be no narrower than 500 pixels; a frame may.
    frame = folder / "frame.html"
    frame.write_text(
        f'<iframe src="{copy.name}" style="border:0;width:{width}px;height:{height}px"></iframe>'
        "<script>addEventListener('message', (e) => document.title = e.data)</script>"
    )
    text = copy.read_text().replace(
        "document.title = JSON", "document.title = ''; parent.postMessage(JSON"
    )
    copy.write_text(text.replace("  });\n});\n</script>", "  }), '*');\n});\n</script>"))
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom"]
    command += [f"--window-size={max(width, 800)},{height}", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r"<title>(.*?)</title>", done.stdout)
    assert found, done.stdout[:500] + done.stderr[-500:]
    return json.loads(found[1])


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_page_fits_the_window(report, tmp_path, width, height, figures):
    found = browse(report, tmp_path, width, height)
    assert found["window"] == width
    assert found["page"] <= width
    assert found["wide"] == []
    assert found["cut"] == 0
    assert found["broken"] == 0
    assert found["images"] == len(figures)
    assert found["columns"] == (2 if width > 700 else 1)

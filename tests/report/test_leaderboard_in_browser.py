"""The leaderboard in a real browser: it sorts, filters, fits a telephone and asks no network."""

import pytest
from chromium import needs_browser

from plumbline.detection.columns import CONTROL
from plumbline.report.figures.detection import score_name
from plumbline.storage.tables import read_frame

pytestmark = needs_browser
READ = """
(() => {
  const text = (each) => each.textContent;
  const board = document.getElementById("board");
  return {
    head: [...board.tHead.rows[0].cells].map(text),
    sorted: [...board.tHead.rows[0].cells].filter((cell) => cell.ariaSort).map((cell) =>
      [cell.textContent, cell.ariaSort]),
    rows: [...board.tBodies[0].rows].map((row) => [...row.cells].map(text)),
    control: [...board.tBodies[0].querySelectorAll("tr.control th")].map(text),
    status: document.getElementById("status").textContent,
    hash: location.hash,
    focus: document.activeElement.dataset.sort ?? null,
  };
})()
"""
AUROC = {"task": "misclassified", "metric": "auroc"}


@pytest.fixture
def tab(chromium, leaderboard):
    found = chromium.open(leaderboard.as_uri(), 1200, 800)
    yield found
    assert found.complaints() == []
    assert {each.split("#")[0] for each in found.requests()} == {leaderboard.as_uri()}
    found.close()


@pytest.fixture(scope="module")
def table(tables):
    return read_frame([tables["leaderboard"]])


def choose(tab, name, value):
    tab.ask(
        f"(() => {{ const it = document.getElementById({name!r}); it.value = {value!r}; "
        "it.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def click(tab, title):
    tab.ask(f"document.querySelector('[data-sort={title}]').click()")


def first_net(table):
    known = table[table["metric"] == "auroc"]
    return known[known["model"] == known["model"].iloc[0]]


def wanted(table, **where):
    """Names of the scores in the order of falling AUROC, as the table has them."""
    rows = table
    for name, value in where.items():
        rows = rows[rows[name] == value]
    rows = rows.assign(name=[score_name(each) for each in rows["score"]])
    rows = rows.assign(value=rows["value"].round(4))
    return list(rows.sort_values(["value", "name"], ascending=[False, True])["name"])


def test_it_opens_with_the_first_net_sorted_by_auroc(tab, table):
    found = tab.ask(READ)
    expected = wanted(first_net(table), **AUROC)
    assert sorted(row[0] for row in found["rows"]) == sorted(expected)
    values = [float(row[found["head"].index("AUROC")].split()[0]) for row in found["rows"]]
    assert values == sorted(values, reverse=True)
    assert found["sorted"] == [["AUROC", "descending"]]
    assert found["control"] == [score_name(CONTROL)]


@pytest.mark.parametrize("title", ["auroc", "aurc", "score", "n", "evaluations"])
def test_a_click_on_a_heading_sorts_and_another_turns_it(tab, title):
    click(tab, "fpr95")  # from another column
    click(tab, title)
    once = tab.ask(READ)
    click(tab, title)
    twice = tab.ask(READ)
    place = [head for head, _ in once["sorted"]]
    column = once["head"].index(place[0])
    directions = [each["sorted"][0][1] for each in (once, twice)]
    assert sorted(directions) == ["ascending", "descending"]
    for found, direction in zip((once, twice), directions, strict=True):
        cells = [row[column].split(" [")[0].split(" of ")[-1] for row in found["rows"]]
        keys = (
            [each.casefold() for each in cells] if title == "score" else [float(c) for c in cells]
        )
        if title != "score":
            assert keys == sorted(keys, reverse=direction == "descending")
    if title == "score":  # the browser's own alphabet: turned, it is the same backwards
        assert once["rows"] == twice["rows"][::-1]


def test_sorting_by_keyboard_keeps_the_focus(tab):
    tab.ask("document.querySelector('[data-sort=aupr]').focus()")
    for kind in ("rawKeyDown", "char", "keyUp"):
        how = {"windowsVirtualKeyCode": 13, "key": "Enter", "code": "Enter"}
        tab.call(
            "Input.dispatchKeyEvent", type=kind, **how, **({"text": "\r"} if kind == "char" else {})
        )
    found = tab.ask(READ)
    assert found["sorted"] == [["AUPR", "descending"]]
    assert found["focus"] == "aupr"


def test_filters_keep_what_they_say(tab, table):
    nets = table[table["metric"] == "auroc"]["model"].unique()
    choose(tab, "model", nets[-1])
    choose(tab, "task", "adversarial")
    choose(tab, "positives", "successful")
    choose(tab, "metric", "aupr")
    choose(tab, "text", "ENTROPY")
    found = tab.ask(READ)
    rows = table[(table["metric"] == "aupr") & (table["model"] == nets[-1])]
    rows = rows[(rows["task"] == "adversarial") & (rows["positives"] == "successful")]
    rows = rows[rows["score"].str.contains("entropy")]
    assert len(found["rows"]) == len(rows) > 0
    assert found["head"] == ["score", "images", "AUPR", "evaluations", "n"]
    assert found["status"].startswith(f"{len(rows)} of ")
    assert found["sorted"] == [["AUPR", "descending"]]
    # The address leads back to what is chosen.
    tab.call("Page.reload")
    tab.wait("document.readyState === 'complete' && document.getElementById('status').textContent")
    again = tab.ask(READ)
    assert (again["rows"], again["hash"]) == (found["rows"], found["hash"])


def test_show_all_shows_all(tab, table):
    choose(tab, "text", "energy")
    tab.ask("document.getElementById('reset').click()")
    tab.ask("for (const more = document.getElementById('more'); !more.hidden; ) more.click();")
    found = tab.ask(READ)
    keys = ["dataset", "model", "task", "set", "positives", "score"]
    assert len(found["rows"]) == len(table[table["metric"] == "auroc"].drop_duplicates(keys))


@pytest.mark.parametrize("width", [390, 860])
def test_nothing_hangs_over_the_edge(chromium, leaderboard, width):
    tab = chromium.open(leaderboard.as_uri(), width, 844, touch=True)
    tab.ask("document.getElementById('reset').click()")
    tab.ask("document.querySelector('details').open = true")
    assert tab.ask("document.documentElement.scrollWidth") <= width
    tab.close()

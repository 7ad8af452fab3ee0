"""The explorer in a real browser: pointer, keys, touch and controls show what was computed."""

import math
from itertools import product

import numpy as np
import pytest
from chromium import needs_browser
from fake_latent import CLASSES, CORPORA, ESTIMATORS, GRIDS, MEASURES, MODELS, POINTS

from plumbline.latent.vae import Vae, decode
from plumbline.report.wording import words
from plumbline.storage.artefacts import ImageSet, load_arrays

pytestmark = needs_browser
READ = """
(() => {
  const pixels = (canvas) => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [...data].filter((_, at) => at % 4 === 0);
  };
  const all = (what) => [...document.querySelectorAll(what)];
  const text = (id) => document.getElementById(id).textContent;
  const cursor = document.getElementById("cursor").style;
  return {
    decoded: pixels(document.getElementById("decoded")),
    alt: document.getElementById("decoded").getAttribute("aria-label"),
    rows: all("#figures tr").map((row) => [...row.children].map((cell) => cell.textContent)),
    current: all("#figures tr").findIndex((row) => row.ariaCurrent),
    nearest: all("#nearest canvas").map(pixels),
    captions: all("#nearest figcaption").map((each) => each.textContent),
    cursor: [parseFloat(cursor.bottom), parseFloat(cursor.left)],
    typed: ["x", "y"].map((id) => document.getElementById(id).valueAsNumber),
    ...Object.fromEntries(
      ["map-title", "point-title", "cell", "place", "distance", "density", "status", "outside",
       "bar-title", "bar-low", "bar-high", "net-title"].map((id) => [id, text(id)])),
  };
})()
"""
FOCUSED = "document.activeElement.id"


@pytest.fixture
def visit(chromium, explorer):
    """Open the page; at the end nothing may have been fetched or complained about."""
    tabs = []

    def open_page(state="", width=1280, height=900, touch=False):
        tab = chromium.open(explorer.as_uri() + state, width, height, touch=touch)
        tab.wait("document.getElementById('figures').childElementCount > 0")
        tabs.append((tab, explorer.as_uri() + state))
        return tab

    yield open_page
    for tab, address in tabs:
        assert tab.complaints() == []
        assert tab.requests() == [address.partition("#")[0]]
        tab.close()


@pytest.fixture(scope="module")
def artefacts(latent):
    """The arrays of a corpus: maps and holes by net, codes and VAE."""

    def read(corpus, name, kind):
        return load_arrays(latent / corpus / f"{name}.safetensors", kind)[0]

    return {
        corpus: {
            "maps": {model: read(corpus, model, "LatentMap") for model in MODELS},
            "holes": {model: read(corpus, f"{model}.holes", "Holes") for model in MODELS},
            "codes": read(corpus, "codes", "Codes"),
            "vae": Vae.load(latent / corpus / "vae.safetensors"),
        }
        for corpus in CORPORA
    }


@pytest.fixture(scope="module")
def train(latent):
    return ImageSet.load(latent / "train.safetensors")


def state(**chosen):
    return "#" + "&".join(f"{name}={value}" for name, value in chosen.items())


def middle(tab, row, column):
    """Where in the window the middle of a cell is, the map being scrolled there."""
    tab.ask("document.getElementById('map').scrollIntoView({block: 'nearest'})")
    left, bottom, side = tab.ask(
        "(() => { const r = document.getElementById('map').getBoundingClientRect();"
        "return [r.left, r.bottom, r.width]; })()"
    )
    return left + (column + 0.5) * side / POINTS, bottom - (row + 0.5) * side / POINTS


def point(row, column, grid="linear"):
    return GRIDS[grid][column], GRIDS[grid][row]


def close_to(shown, value, bound=0.00055):
    assert abs(float(shown) - value) <= bound + 1e-9, (shown, value)


def check(
    found,
    artefacts,
    row,
    column,
    *,
    corpus="in_distribution",
    net="lenet5",
    measure="entropy",
    grid="linear",
):
    """What is shown is what was computed of the cell; of the image, at its centre."""
    here, at = artefacts[corpus], point(row, column, grid)
    image = decode(here["vae"], np.array([at])).numpy() * 255
    assert np.abs(image.ravel() - found["decoded"]).max() <= 2
    assert np.ptp(image) > 50  # there is something to see
    maps, holes = here["maps"][net], here["holes"][net]
    linear = tuple(np.abs(GRIDS["linear"] - each).argmin() for each in at[::-1])
    lines = {line[0]: line[1:] for line in found["rows"]}
    assert list(lines) == [words(name) for name in ESTIMATORS["lenet5"]]
    for estimator in ESTIMATORS["lenet5"]:
        line = lines[words(estimator)]
        if estimator not in ESTIMATORS[net]:
            assert line == ["does not apply to this net"]
            continue
        key = f"{grid}.{estimator}"
        assert line[0] == CLASSES[maps[f"{key}.prediction"][row, column]]
        names = ("max_probability", "entropy", "mutual_information")
        for name, shown in zip(names, line[1:4], strict=True):
            close_to(shown, maps[f"{key}.{name}"][row, column])
        region = holes[f"{estimator}.{measure}.region"][linear]
        assert line[4] == (f"region {region}" if region else "no")
    on_data = maps[f"{grid}.on_data"][row, column]
    assert found["place"] == ("on the data" if on_data else "off the data")
    for name in ("distance", "density"):
        value = maps[f"{grid}.{name}"][row, column]
        assert math.isclose(float(found[name].replace("−", "-")), value, rel_tol=0.05)
    middle = [100 * (each + 0.5) / POINTS for each in (row, column)]
    np.testing.assert_allclose(found["cursor"], middle, atol=0.01)


def test_pointing_shows_the_cell_and_leaving_returns_to_the_kept_one(visit, artefacts):
    tab = visit()
    tab.mouse(*middle(tab, 1, 5))
    check(tab.ask(READ), artefacts, 1, 5)
    tab.mouse(*middle(tab, 6, 2), click=True)
    kept = tab.ask(READ)
    check(kept, artefacts, 6, 2)
    assert kept["cell"] == ""  # the point is the centre of the cell
    tab.mouse(*middle(tab, 0, 0))
    check(tab.ask(READ), artefacts, 0, 0)
    tab.mouse(5, 5)
    check(tab.ask(READ), artefacts, 6, 2)


def test_the_nearest_training_images_are_shown_in_order(visit, artefacts, train):
    tab = visit()
    codes = artefacts["in_distribution"]["codes"]["train"]
    for row, column in ((3, 3), (0, 6)):
        tab.mouse(*middle(tab, row, column))
        distance = np.linalg.norm(codes - point(row, column), axis=1)
        order = distance.argsort()[:3]
        found = tab.ask(READ)
        np.testing.assert_array_equal(found["nearest"], train.images[order].reshape(3, -1))
        assert found["captions"] == [
            f"class {CLASSES[train.labels[each]]}, distance {distance[each]:.2f}" for each in order
        ]


def test_the_keyboard_alone_reaches_and_moves_the_cursor(visit, artefacts):
    tab = visit(state(x=0, y=0))
    reached = []
    while "map" not in reached:
        assert len(reached) < 20, reached
        tab.key("Tab")
        reached.append(tab.ask(FOCUSED))
    assert [each for each in reached if each] == [
        *("corpus", "net", "estimator", "measure", "grid", "show-test", "show-holes", "map")
    ]
    before = tab.ask("scrollY")
    row = column = POINTS // 2
    for key, up, across in (
        *(("ArrowRight", 0, 1), ("ArrowUp", 1, 0), ("ArrowUp", 1, 0)),
        *(("ArrowLeft", 0, -1), ("ArrowDown", -1, 0)),
    ):
        tab.key(key)
        row, column = row + up, column + across
        check(tab.ask(READ), artefacts, row, column)
    tab.key("ArrowLeft", shift=True)  # five at once, and no further than the edge
    found = tab.ask(READ)
    check(found, artefacts, row, 0)
    maps = artefacts["in_distribution"]["maps"]["lenet5"]
    name = CLASSES[maps["linear.mc_dropout.prediction"][row, 0]]
    assert f": class {name}, entropy " in found["status"]
    assert tab.ask(FOCUSED) == "map"
    assert tab.ask("scrollY") == before  # arrows scroll nothing


def test_a_finger_moves_the_cursor_on_a_narrow_screen(visit, artefacts):
    tab = visit(width=390, height=844, touch=True)
    tab.ask("document.getElementById('map').scrollIntoView()")
    before = tab.ask("scrollY")
    tab.touch(middle(tab, 5, 1))
    check(tab.ask(READ), artefacts, 5, 1)
    tab.touch(*(middle(tab, row, 4) for row in (5, 4, 3)))
    check(tab.ask(READ), artefacts, 3, 4)
    assert tab.ask("scrollY") == before


def test_controls_switch_in_place(visit, artefacts):
    tab = visit(state(x=2, y=-4))
    shown = {"corpus": "adversarial", "measure": "max_probability", "grid": "quantile"}
    for chosen, value in {"estimator": "ensemble", **shown, "net": "resnet20"}.items():
        tab.ask(f"document.getElementById('{chosen}').focus()")
        tab.key("End")  # the last choice
        assert tab.ask(f"document.getElementById('{chosen}').value") == value
        tab.wait(f"document.getElementById('link').hash.includes('{chosen}={value}')")
    found = tab.ask(READ)
    row, column = (np.abs(GRIDS["quantile"] - each).argmin() for each in (-4, 2))
    assert found["map-title"] == "Maximum probability: ResNet-20, deep ensemble"
    assert found["bar-title"] == "maximum probability; dark = low = uncertain"
    assert found["current"] == 1
    at = point(row, column, "quantile")
    place = ", ".join(f"{each:.2f}" for each in at).replace("-", "−")
    assert found["cell"] == f"Values of the nearest cell, with its centre at ({place})."
    tab.mouse(*middle(tab, row, column))
    check(tab.ask(READ), artefacts, row, column, net="resnet20", **shown)


def test_every_map_is_there_and_painted_upright(visit, artefacts):
    tab = visit()
    for corpus, net, measure, grid in product(CORPORA, MODELS, MEASURES, GRIDS):
        estimator = ESTIMATORS[net][-1]
        row, column = 4, 1
        x, y = point(row, column, grid)
        chosen = {"corpus": corpus, "net": net, "measure": measure, "grid": grid}
        tab.ask(f"location.hash = '{state(**chosen, estimator=estimator, x=x, y=y)}'")
        tab.wait(
            f"document.getElementById('link').hash.includes('{net}&estimator={estimator}'"
            f" + '&measure={measure}&grid={grid}')"
            f" && document.getElementById('link').hash.includes('{corpus}')"
        )
        check(tab.ask(READ), artefacts, row, column, **chosen)
        cells = tab.ask(
            "(() => { const c = document.getElementById('cells');"
            "return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]; })()"
        )
        grey = np.array(cells).reshape(POINTS, POINTS, 4)[::-1, :, 0]
        values = artefacts[corpus]["maps"][net][f"{grid}.{estimator}.{measure}"]
        every = [
            m[name]
            for c in CORPORA
            for m in artefacts[c]["maps"].values()
            for name in m
            if name.endswith(measure)
        ]
        low, high = min(v.min() for v in every), max(v.max() for v in every)
        share = (values - low) / (high - low)
        dark = 1 - share if measure == "max_probability" else share
        np.testing.assert_allclose(grey, 250 - 240 * dark, atol=1)


def test_a_typed_point_is_decoded_exactly(visit, artefacts):
    tab = visit(state(x=0, y=0))
    tab.ask("document.getElementById('x').select()")
    tab.type("1.3")
    found = tab.ask(READ)
    vae = artefacts["in_distribution"]["vae"]
    image = decode(vae, np.array([[1.3, 0.0]])).numpy().ravel() * 255
    assert np.abs(image - found["decoded"]).max() <= 2
    assert found["point-title"] == "The point (1.30, 0.00)"
    assert found["cell"] == "Values of the nearest cell, with its centre at (2.00, 0.00)."
    tab.ask("document.getElementById('x').select()")
    tab.type("70")  # outside of the map: nothing changes, and leaving the field restores it
    assert tab.ask(READ)["point-title"] == found["point-title"]
    tab.key("Tab")
    assert tab.ask(READ)["typed"] == [1.3, 0.0]


def test_the_link_leads_to_the_same_view(visit):
    tab = visit(state(corpus="adversarial", measure="mutual_information", grid="quantile"))
    tab.mouse(*middle(tab, 2, 6), click=True)
    tab.ask("document.getElementById('show-holes').click()")
    found, link = tab.ask(READ), tab.ask("document.getElementById('link').hash")
    tab.wait(f"location.hash === {link!r}")
    again = visit(link)
    assert again.ask(READ) == found
    assert again.ask("document.getElementById('show-holes').checked")


def test_an_unknown_state_falls_back_to_what_there_is(visit, artefacts):
    tab = visit(state(corpus="moon", net="resnet20", estimator="mc_dropout", x="a", y=0, grid=1))
    found = tab.ask(READ)
    check(found, artefacts, 3, 3, net="resnet20")
    assert found["map-title"] == "Entropy: ResNet-20, deep ensemble"


PAINTED = """
(() => {
  const canvas = document.getElementById("marks"), size = canvas.width;
  const {data} = canvas.getContext("2d").getImageData(0, 0, size, size);
  return Array.from({length: size * size}, (_, at) => (data[4 * at + 3] ? "1" : "0")).join("");
})()
"""


def test_marks_are_switched_and_lie_where_the_codes_are(visit, artefacts):
    tab = visit(state(corpus="adversarial", show=""))

    def marks():
        painted = np.array(list(tab.ask(PAINTED))) == "1"
        return painted.reshape(math.isqrt(len(painted)), -1)

    def switch(name):
        tab.ask(f"document.getElementById('show-{name}').click()")
        return marks()

    assert not marks().any()
    for name in ("test", "other"):
        codes = artefacts["adversarial"]["codes"][name]
        shown = switch(name)
        width = len(shown)
        place = ((codes + 7) / 14 * width).astype(int)  # half a cell beyond -6 and 6
        inside = ((place >= 3) & (place < width - 3)).all(1)
        assert inside.sum() > 5
        assert shown[width - 1 - place[inside, 1], place[inside, 0]].all()
        assert shown.mean() < 0.02
        assert not switch(name).any()
    holes = artefacts["adversarial"]["holes"]["lenet5"]["mc_dropout.entropy.region"]
    edge = switch("holes")
    assert edge.any()
    cell = len(edge) / POINTS
    for row, column in product(range(POINTS), range(1, POINTS)):
        level = round(len(edge) - (row + 0.5) * cell)
        line = edge[level, round(column * cell) - 1 : round(column * cell) + 1]
        assert line.any() == (holes[row, column] != holes[row, column - 1])


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_everything_fits_and_has_a_name(visit, width, height):
    tab = visit(state(show="test other holes", corpus="adversarial"), width, height, width < 500)
    tab.ask("document.querySelector('details').open = true")
    assert tab.ask("innerWidth") == width
    assert tab.ask("document.documentElement.scrollWidth") <= width
    wide = (
        "[...document.querySelectorAll('body *')].filter((e) => "
        "!e.matches('.hidden, option') && e.getBoundingClientRect().right > innerWidth)"
        ".map((e) => e.outerHTML.slice(0, 80))"
    )
    assert tab.ask(wide) == []
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    focusable = [
        node
        for node in nodes
        for each in node.get("properties", ())
        if each["name"] == "focusable" and each["value"]["value"]
    ]
    names = [node["name"]["value"] for node in focusable if node["role"]["value"] != "RootWebArea"]
    assert all(names)
    assert {"Corpus", "Net", "First dimension", "outlines of holes"} <= set(names)
    assert "Entropy: LeNet-5, MC dropout" in names  # the map
    images = [n["name"]["value"] for n in nodes if n.get("role", {}).get("value") == "image"]
    assert sum(name.startswith("training image, class ") for name in images) == 3
    assert sum(name.startswith("decoded image of the point (") for name in images) == 1

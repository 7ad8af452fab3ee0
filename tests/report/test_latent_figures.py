"""Figures of latent space: upright maps, points, distances, holes and ways say what they show."""

import matplotlib.pyplot
import numpy as np
import pytest
from fake_maps import TRAIN
from fake_results import CLASSES, CORPORA, DATASET, MODELS
from scipy.special import ndtr

from plumbline.metrics.intervals import mean_interval
from plumbline.report.artefacts import Codes, Holes, Interpolation, LatentMap
from plumbline.report.figures import holes, interpolation, latent, latent_distance, latent_points
from plumbline.report.sections import latent as section
from plumbline.storage.artefacts import ImageSet, load_arrays
from plumbline.storage.tables import read_frame

NAMES = ("mc_dropout", "ensemble")


@pytest.fixture(autouse=True)
def _pyplot_keeps_no_figure():
    yield
    assert matplotlib.pyplot.get_fignums() == []


def read(fake, corpus, kind=LatentMap, ending=""):
    place = fake / f"latent/{DATASET}/{corpus}"
    return {m: kind.load(place / f"{m}{ending}.safetensors") for m in MODELS}


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in (ax.title, *ax.texts)]


@pytest.fixture(scope="module")
def test_set(fake):
    return ImageSet.load(fake / f"data/{DATASET}/test.safetensors")


def maps_of(fake, corpus, test_set, grid="", without=()):
    """The figure of one corpus, drawn beside the others, and the arrays of the first net."""
    maps = [each for name in CORPORA for each in read(fake, name).values()]
    for each in maps:
        for key in without if each.about["model"] == "alexnet" else ():
            del each.arrays[key]
    codes = Codes.load(fake / f"latent/{DATASET}/{corpus}/codes.safetensors")
    measure = "max_probability" if corpus == "adversarial" else "entropy"
    figure = latent.draw(codes, maps, test_set, NAMES, corpus, measure, grid)
    return read(fake, corpus)["lenet5"].arrays, figure


def test_maps_share_one_scale_and_say_that_dark_is_uncertain(fake, test_set):
    names = ("in_distribution", "out_of_distribution", "adversarial")
    figures = [maps_of(fake, corpus, test_set)[1] for corpus in names]
    maps = [[ax.images[0] for ax in figure.axes if ax.images] for figure in figures]
    assert [len(each) for each in maps] == [4, 4, 4]
    every = [
        each.arrays[f"linear.{estimator}.entropy"]
        for corpus in CORPORA
        for each in read(fake, corpus).values()
        for estimator in NAMES
    ]
    ends = min(each.min() for each in every), max(each.max() for each in every)
    for each in (*maps[0], *maps[1]):
        assert (each.norm.vmin, each.norm.vmax) == pytest.approx(ends)
    assert [figure.axes[-1].get_ylabel() for figure in figures[::2]] == [
        "entropy (nats); dark = uncertain",
        "largest probability; dark = low = uncertain",
    ]


@pytest.mark.parametrize(
    ("measure", "uncertain", "certain"),
    [("entropy", 1.0, 0.0), ("mutual_information", 1.0, 0.0), ("max_probability", 0.0, 1.0)],
)
def test_the_uncertain_end_of_each_scale_is_the_dark_one(measure, uncertain, certain):
    colormap = matplotlib.colormaps[latent.SCALES[measure][0]]
    assert sum(colormap(uncertain)[:3]) < 0.1
    assert sum(colormap(certain)[:3]) > 2.9


def test_maps_are_drawn_upright_with_codes_and_contour_where_they_lie(fake, test_set):
    arrays, figure = maps_of(fake, "out_of_distribution", test_set)
    ax, axis = figure.axes[0], arrays["linear.axis"]
    step = axis[1] - axis[0]
    assert ax.images[0].origin == "lower"
    low, high = axis[0] - step / 2, axis[-1] + step / 2
    np.testing.assert_allclose(ax.images[0].get_extent(), [low, high, low, high])
    hole = np.unravel_index(np.argmin(arrays["linear.mc_dropout.entropy"][:8, :8]), (8, 8))
    np.testing.assert_allclose([axis[hole[1]], axis[hole[0]]], [-4, -4])
    line, dots, crosses = ax.collections
    assert (len(dots.get_offsets()), len(crosses.get_offsets())) == (120, 40)
    around = line.get_paths()[0].vertices
    np.testing.assert_allclose(np.hypot(*(around - (1, 0)).T), 1.5, atol=step)
    named = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert named == [*CLASSES, "patches"]


def test_quantiles_of_the_prior_are_cells_of_equal_size_with_latent_values_as_ticks(fake, test_set):
    arrays, figure = maps_of(fake, "in_distribution", test_set, "quantile")
    ax = figure.axes[2]  # the lowest panels have the labels
    assert ax.images[0].get_extent() == [0, 1, 0, 1]
    axis = arrays["quantile.axis"]
    np.testing.assert_allclose(ndtr(axis), (np.arange(len(axis)) + 0.5) / len(axis))
    np.testing.assert_allclose(ax.get_xticks(), ndtr([-2, -1, -0.5, 0, 0.5, 1, 2]))
    assert [each.get_text() for each in ax.get_xticklabels()][:2] == ["-2", "-1"]
    codes, _ = load_arrays(fake / f"latent/{DATASET}/in_distribution/codes.safetensors", "Codes")
    np.testing.assert_allclose(ax.collections[1].get_offsets(), ndtr(codes["test"]), rtol=1e-6)


def test_an_estimator_that_does_not_apply_leaves_an_empty_panel(fake, test_set):
    missing = ["linear.mc_dropout.entropy"]
    _, figure = maps_of(fake, "in_distribution", test_set, without=missing)
    empty = [ax.get_title() for ax in figure.axes[:4] if not ax.images]
    assert empty == ["AlexNet\nMC dropout: does not apply"]


def test_points_are_starred_on_the_map_and_shown_with_every_answer(fake, test_set):
    maps = read(fake, "in_distribution")
    figure = latent_points.draw(list(maps.values()), test_set, NAMES, "in_distribution")
    assert len(figure.subfigs) == 2
    above, below = figure.subfigs
    codes = maps["lenet5"].arrays["points.code"]
    stars = above.axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(stars, ndtr(codes))  # within the grid of quantiles
    found = [text.get_text() for ax in below.axes for text in (ax.title, *ax.texts)]
    assert "A (-1.00, 0.50)" in found
    arrays = maps["alexnet"].arrays
    said = {name: arrays[f"points.ensemble.{name}"][2] for name in latent_points.SAID}
    answer = f"{CLASSES[said['prediction']]} ({said['max_probability']:.2f})"
    assert f"{answer}, H {said['entropy']:.2f}, MI {said['mutual_information']:.2f}" in found
    far = [
        LatentMap(each.arrays | {"points.code": codes * 4}, each.about) for each in maps.values()
    ]
    figure = latent_points.draw(far, test_set, NAMES, "in_distribution")
    stars = figure.subfigs[0].axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(stars, codes * 4)  # outside, so on the grid of equal steps


def test_distance_curves_are_means_over_tenths_of_the_cells(fake):
    maps = read(fake, "adversarial")
    figure = latent_distance.draw(list(maps.values()), NAMES, "adversarial", seed=3)
    axes = np.array(figure.axes).reshape(3, 2)
    arrays = maps["lenet5"].arrays
    order = np.argsort(arrays["linear.distance"].ravel(), kind="stable")
    bins = [each[:62] for each in np.array_split(order, 10)]  # 625 cells
    values = arrays["linear.mc_dropout.mutual_information"].ravel()
    line, level = axes[1, 0].lines[:2]
    np.testing.assert_allclose(line.get_ydata(), [values[each].mean() for each in bins])
    value, low, high = mean_interval(values[bins[4]], 3)
    assert line.get_ydata()[4] == pytest.approx(value)
    band = axes[1, 0].collections[0].get_paths()[0].vertices
    x = line.get_xdata()[4]
    ends = band[np.isclose(band[:, 0], x), 1]
    np.testing.assert_allclose([ends.min(), ends.max()], [low, high])
    median = np.median(values[arrays["linear.on_data"].ravel()])
    np.testing.assert_allclose(level.get_ydata(), median)
    assert axes[2, 1].get_xlabel() == "distance to the 10 nearest codes"


def test_a_row_of_holes_shows_region_class_probability_and_novelty(fake):
    maps = list(read(fake, "in_distribution").values())
    found = read(fake, "in_distribution", Holes, ".holes")
    train = ImageSet.load(fake / f"data/{DATASET}/train.safetensors")
    assert len(train) == TRAIN
    figure = holes.draw(maps, list(found.values()), train, NAMES, "in_distribution")
    assert len(figure.axes) == 2 * 2 * 2
    arrays, usual = found["lenet5"].arrays, found["lenet5"].about["data_distance"]
    novelty = arrays["mc_dropout.entropy.nearest_distance"][1, 0] / usual
    strip = [text.get_text() for text in figure.axes[1].texts]
    assert strip[2:4] == ["2: says 1 (0.90)", f"0.2 % of area\nnovelty {novelty:.2f}"]
    pixels = np.asarray(figure.axes[1].images[0].get_array())
    side = train.images.shape[-1]
    pitch = (3 + 1) * side + 3 * (side // 4)
    image = arrays["mc_dropout.entropy.image"][1, 0]
    np.testing.assert_allclose(pixels[: 3 * side : 3, pitch : pitch + 3 * side : 3, 0], image)
    near = train.images[arrays["mc_dropout.entropy.nearest"][1, 2], 0] / 255
    left = pitch + 3 * side + side // 4
    np.testing.assert_allclose(pixels[2 * side :, left : left + side, 0], near)
    none = {
        f"ensemble.entropy.{name}": arrays[f"ensemble.entropy.{name}"][:0]
        for name in holes.PARTS
        if name != "region"
    }
    none["ensemble.entropy.region"] = np.zeros_like(arrays["ensemble.entropy.region"])
    empty = Holes(none, {"model": "lenet5", "data_distance": usual})
    figure = holes.draw(maps[:1], [empty], train, NAMES, "in_distribution")
    assert "no holes" in texts(figure)


def test_interpolation_has_strips_once_and_a_row_for_each_net(fake):
    ways = read(fake, "in_distribution", Interpolation, ".interpolation")
    figure = interpolation.draw(list(ways.values()), NAMES)
    above, below = figure.subfigs
    assert [ax.get_title(loc="left") for ax in above.axes] == list(interpolation.NAMES.values())
    strip = np.asarray(above.axes[2].images[0].get_array())
    expected = np.concatenate(list(ways["lenet5"].arrays["latent.image"][:, 0]), 1)
    np.testing.assert_array_equal(strip, expected)
    assert len(below.axes) == 2 * 4
    halfway = below.axes[1].lines[0]
    values = ways["lenet5"].arrays["mc_dropout.pixel.entropy.midpoint"]
    np.testing.assert_array_equal(halfway.get_xdata(), np.sort(values))
    assert halfway.get_ydata()[-1] == 1
    assert below.axes[5].get_title() == "half-way, 12 pairs"


@pytest.fixture(scope="module")
def frames(tables):
    return {name: read_frame([tables[name]]) for name in ("latent", "holes", "interpolation")}


def test_tables_of_the_maps_have_both_grids_controls_and_adversarial_codes(frames):
    found = section.latent(frames, DATASET)
    assert [len(each.rows) for each in found] == [len(CORPORA) * 2 * 2] * 3 + [1]
    assert found[0].head[3:5] == ["entropy", "entropy, quantiles"]
    assert all(len(line) == len(table.head) for table in found for line in table.rows)
    assert found[3].rows[0][0] == "LeNet-5"
    assert "–" not in {text for table in found for line in table.rows for text in line}


def test_tables_of_holes_and_ways_leave_no_cell_empty(frames):
    for tables in (section.holes(frames, DATASET), section.interpolation(frames, DATASET)):
        (table,) = tables
        assert all(len(line) == len(table.head) for line in table.rows)
        assert "–" not in {text for line in table.rows for text in line}
    (table,) = section.holes(frames, DATASET)
    assert table.rows[0][3:5] == ["0", "0.100 [0.010, 0.200]"]

"""Figures of maps, against slow and known ones."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from plumbline.latent.grids import chart, contour, linear
from plumbline.latent.maps import blur_rows, estimates, grid_rows
from plumbline.metrics.intervals import bootstrap_counts, interval, mean_interval, wilson

CODES = np.random.default_rng(0).normal(size=(80, 2))


def square(codes, extent, points):
    return chart(codes, linear(extent, points), contour(codes))


def test_hole_share_of_a_map_with_a_known_hole():
    grid = square(np.random.default_rng(1).normal(size=(200, 2)), extent=10.0, points=21)
    hole = (grid.cells[:, 0] > 5) & (grid.cells[:, 1] > 5)
    assert not (hole & grid.on_data).any()
    uncertainty = np.where(hole, -1.0, grid.distance)
    found = estimates(uncertainty, grid.distance, grid.on_data, seed=0)
    share = hole.sum() / (~grid.on_data).sum()
    value, low, high = found["hole_share"]
    assert value == share
    assert low < share < high
    certain = estimates(-uncertainty, grid.distance, grid.on_data, seed=0, high_is_certain=True)
    for name in ("hole_share", "distance_correlation"):
        assert certain[name] == found[name]
    for name in ("median_on_data", "median_off_data"):
        value, low, high = found[name]
        assert certain[name] == (-value, -high, -low)


def test_without_a_hole_uncertainty_follows_distance():
    grid = square(CODES, extent=6.0, points=12)
    found = estimates(grid.distance, grid.distance, grid.on_data, seed=0)
    assert found["hole_share"] == (0, 0, wilson(0, (~grid.on_data).sum())[1])
    assert found["distance_correlation"] == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("ties", [False, True])
def test_figures_equal_a_slow_bootstrap(ties):
    rng = np.random.default_rng(2)
    values, distance = rng.normal(size=(2, 60))
    if ties:
        values, distance = values.round(), distance.round()
    on_data = rng.random(60) < 0.4

    def slow(which):
        values_, distance_, on = values[which], distance[which], on_data[which]
        threshold = np.median(values_[on])
        return (
            threshold,
            np.median(values_[~on]),
            np.mean(values_[~on] < threshold),
            spearmanr(values_, distance_).statistic,
        )

    found = estimates(values, distance, on_data, seed=5)
    names = ("median_on_data", "median_off_data", "hole_share", "distance_correlation")
    np.testing.assert_allclose([found[name][0] for name in names], slow(np.arange(60)))
    samples = [slow(np.repeat(np.arange(60), each)) for each in bootstrap_counts(60, 5)]
    for name, column in zip(names, np.transpose(samples), strict=True):
        np.testing.assert_allclose(found[name][1:], interval(column))


def test_a_map_that_is_all_on_the_data_has_no_holes_to_count():
    values = np.arange(4.0)
    found = estimates(values, values, np.ones(4, bool), seed=0)
    assert np.isnan(found["hole_share"]).all()
    assert np.isnan(found["median_off_data"]).all()
    assert found["median_on_data"][0] == 1.5
    constant = estimates(np.zeros(4), values, values < 2, seed=0)
    assert np.isnan(constant["distance_correlation"]).all()


def test_a_grid_has_a_row_for_each_measure_and_metric_with_its_count():
    grid = square(CODES, extent=5.0, points=10)
    rng = np.random.default_rng(3)
    cells = {m: rng.random(100) for m in ("entropy", "mutual_information", "max_probability")}
    rows = list(grid_rows(grid, cells, seed=0, model="lenet5", grid="linear"))
    on = int(grid.on_data.sum())
    wanted = {
        "median_on_data": on,
        "median_off_data": 100 - on,
        "hole_share": 100 - on,
        "distance_correlation": 100,
    }
    assert [(r["measure"], r["metric"], r["n"]) for r in rows] == [
        (measure, metric, n) for measure in cells for metric, n in wanted.items()
    ]
    assert all((r["model"], r["grid"]) == ("lenet5", "linear") for r in rows)


def test_the_control_for_blur_is_paired_image_by_image():
    rng = np.random.default_rng(3)
    plain = {m: rng.random(30) for m in ("entropy", "mutual_information", "max_probability")}
    blurred = {name: values + 0.1 for name, values in plain.items()}
    rows = list(blur_rows(plain, blurred, seed=0, model="lenet5"))
    assert len(rows) == 9
    assert all(r["n"] == 30 for r in rows)
    found = {r["metric"]: r for r in rows if r["measure"] == "entropy"}
    figure = [found["mean_on_reconstructions"][name] for name in ("value", "low", "high")]
    assert figure == pytest.approx(mean_interval(blurred["entropy"], 0))
    figure = [found["reconstruction_difference"][name] for name in ("value", "low", "high")]
    assert figure == pytest.approx([0.1] * 3)  # the pairs differ by nothing else

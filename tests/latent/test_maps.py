"""Maps: their orientation, and their figures against slow and known ones."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from plumbline.latent.maps import chart, figures, table
from plumbline.latent.vae import Vae, decode
from plumbline.statistics import bootstrap_counts, interval

CODES = np.random.default_rng(0).normal(size=(80, 2))


def test_rows_are_the_second_dimension_and_columns_the_first_both_ascending():
    """A decoder whose brightness depends on the first dimension only: classes left and right."""
    vae = Vae((1, 2, 2))
    vae.decoder = nn.Linear(2, 4)
    with torch.no_grad():
        vae.decoder.weight.copy_(torch.tensor([5.0, 0.0]).expand(4, 2))
        vae.decoder.bias.zero_()
    grid = chart(CODES, extent=3.0, points=8)
    bright = decode(vae, grid.cells).mean((1, 2, 3)).numpy()
    classes = grid.square(bright > 0.5)
    assert (classes == (np.arange(8) >= 4)).all()  # every row: four times 0, then four times 1
    assert (grid.square(grid.cells[:, 0]) == grid.axis).all()
    assert (grid.square(grid.cells[:, 1]) == grid.axis[:, None]).all()
    assert (grid.axis[0], grid.axis[-1]) == (-3, 3)


def test_distances_and_radius_equal_a_search_through_all_pairs():
    grid = chart(CODES, extent=4.0, points=9)
    pairs = np.linalg.norm(grid.cells[:, None] - CODES, axis=2)
    np.testing.assert_allclose(grid.distance, pairs.min(1))
    own = np.linalg.norm(CODES[:, None] - CODES, axis=2)
    np.fill_diagonal(own, np.inf)
    quantile = np.quantile(own.min(1), 0.95)
    assert grid.radius == max(quantile, 1.0) == 1.0
    fine = chart(CODES, extent=4.0, points=101)
    assert fine.radius == pytest.approx(quantile)
    assert (fine.on_data == (fine.distance <= quantile)).all()


def test_hole_share_of_a_map_with_a_known_hole():
    grid = chart(np.random.default_rng(1).normal(size=(200, 2)), extent=10.0, points=21)
    hole = (grid.cells[:, 0] > 5) & (grid.cells[:, 1] > 5)
    assert not (hole & grid.on_data).any()
    uncertainty = np.where(hole, -1.0, grid.distance)
    found = figures(uncertainty, grid.distance, grid.on_data, seed=0)
    share = hole.sum() / (~grid.on_data).sum()
    value, low, high = found["hole_share"]
    assert value == share
    assert low < share < high
    certain = figures(-uncertainty, grid.distance, grid.on_data, seed=0, high_is_certain=True)
    for name in ("hole_share", "distance_correlation"):
        assert certain[name] == found[name]
    for name in ("median_on_data", "median_off_data"):
        value, low, high = found[name]
        assert certain[name] == (-value, -high, -low)


def test_without_a_hole_uncertainty_follows_distance():
    grid = chart(CODES, extent=6.0, points=12)
    found = figures(grid.distance, grid.distance, grid.on_data, seed=0)
    assert found["hole_share"] == (0, 0, 0)
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

    found = figures(values, distance, on_data, seed=5)
    names = ("median_on_data", "median_off_data", "hole_share", "distance_correlation")
    np.testing.assert_allclose([found[name][0] for name in names], slow(np.arange(60)))
    samples = [slow(np.repeat(np.arange(60), each)) for each in bootstrap_counts(60, 5)]
    for name, column in zip(names, np.transpose(samples), strict=True):
        np.testing.assert_allclose(found[name][1:], interval(column))


def test_a_map_that_is_all_on_the_data_has_no_holes_to_count():
    values = np.arange(4.0)
    found = figures(values, values, np.ones(4, bool), seed=0)
    assert np.isnan(found["hole_share"]).all()
    assert np.isnan(found["median_off_data"]).all()
    assert found["median_on_data"][0] == 1.5
    constant = figures(np.zeros(4), values, values < 2, seed=0)
    assert np.isnan(constant["distance_correlation"]).all()


def test_table_has_a_row_for_each_measure_and_metric_with_its_count():
    grid = chart(CODES, extent=5.0, points=10)
    rng = np.random.default_rng(3)
    measures = ("entropy", "mutual_information", "max_probability")
    cells, images, decoded = ({m: rng.random(n) for m in measures} for n in (100, 30, 30))
    rows = list(table(grid, cells, images, decoded, seed=0, model="lenet5"))
    on = int(grid.on_data.sum())
    wanted = {
        "median_on_data": on,
        "median_off_data": 100 - on,
        "hole_share": 100 - on,
        "distance_correlation": 100,
        "mean_on_images": 30,
        "mean_on_reconstructions": 30,
    }
    assert [(r["measure"], r["metric"], r["n"]) for r in rows] == [
        (measure, metric, n) for measure in measures for metric, n in wanted.items()
    ]
    assert all(r["model"] == "lenet5" for r in rows)
    blur = next(r for r in rows if r["metric"] == "mean_on_reconstructions")
    assert blur["value"] == pytest.approx(decoded["entropy"].mean())

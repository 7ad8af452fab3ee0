"""Grids: their orientation, and where the data lie, against slow and known answers."""

import numpy as np
import pytest
import torch
from scipy.stats import gaussian_kde, norm
from torch import nn

from plumbline.errors import InputError
from plumbline.latent.grids import chart, charts, contour, landmarks, linear, quantile
from plumbline.latent.vae import Vae, decode

CODES = np.random.default_rng(0).normal(size=(300, 2))


def test_rows_are_the_second_dimension_and_columns_the_first_both_ascending():
    """A decoder whose brightness depends on the first dimension only: classes left and right."""
    vae = Vae((1, 2, 2))
    vae.decoder = nn.Linear(2, 4)
    with torch.no_grad():
        vae.decoder.weight.copy_(torch.tensor([5.0, 0.0]).expand(4, 2))
        vae.decoder.bias.zero_()
    grid = chart(CODES, linear(3.0, 8), contour(CODES))
    bright = decode(vae, grid.cells).mean((1, 2, 3)).numpy()
    classes = grid.square(bright > 0.5)
    assert (classes == (np.arange(8) >= 4)).all()  # every row: four times 0, then four times 1
    assert (grid.square(grid.cells[:, 0]) == grid.axis).all()
    assert (grid.square(grid.cells[:, 1]) == grid.axis[:, None]).all()
    assert (grid.axis[0], grid.axis[-1]) == (-3, 3)


def test_quantiles_are_those_of_the_prior():
    np.testing.assert_allclose(quantile(11), norm.ppf((np.arange(11) + 0.5) / 11), atol=1e-12)
    draws = np.random.default_rng(1).normal(size=100_000)
    middles = (quantile(11)[:-1] + quantile(11)[1:]) / 2  # not the cells' edges, but near them
    counts = np.histogram(draws, np.r_[-np.inf, middles, np.inf])[0]
    assert counts.std() / counts.mean() < 0.15


def test_distance_is_the_mean_to_the_ten_nearest_of_all_pairs():
    grid = chart(CODES, linear(4.0, 9), contour(CODES))
    pairs = np.linalg.norm(grid.cells[:, None] - CODES, axis=2)
    np.testing.assert_allclose(grid.distance, np.sort(pairs, 1)[:, :10].mean(1))
    few = chart(CODES[:4], linear(4.0, 9), contour(CODES[:4]))
    np.testing.assert_allclose(few.distance, pairs[:, :4].mean(1))


def test_the_contour_encloses_95_percent_of_the_codes_and_of_new_ones():
    around = contour(CODES)
    assert np.mean(around.density(CODES.T) >= around.level) == pytest.approx(0.95, abs=1 / 300)
    new = np.random.default_rng(9).normal(size=(4000, 2))
    assert np.mean(around.density(new.T) >= around.level) == pytest.approx(0.95, abs=0.025)
    # of a normal distribution it is a circle with radius sqrt(2 log 20) = 2.45
    grid = chart(CODES, linear(5.0, 41), around)
    radius = np.linalg.norm(grid.cells, axis=1)
    assert grid.on_data[radius < 1.9].all()
    assert not grid.on_data[radius > 3.3].any()
    np.testing.assert_allclose(grid.density, gaussian_kde(CODES.T)(grid.cells.T))


def test_many_codes_are_thinned_out_evenly():
    many = np.random.default_rng(2).normal(size=(12_000, 2))
    around = contour(many)
    assert around.density.n == 5000
    assert np.mean(around.density(many[:3000].T) >= around.level) == pytest.approx(0.95, abs=0.01)


def test_codes_that_are_all_alike_are_refused():
    with pytest.raises(InputError, match=r"latent\.vae\.epochs"):
        contour(np.zeros((20, 2)))


def test_a_chart_writes_its_maps_under_the_grid_s_name():
    arrays = charts(CODES, 3.0, 5)["quantile"].arrays("quantile")
    assert set(arrays) == {f"quantile.{e}" for e in ("axis", "density", "distance", "on_data")}
    assert arrays["quantile.distance"].shape == (5, 5)


def test_landmarks_are_two_medians_and_what_lies_between():
    centres = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 2.0]])
    labels = np.repeat([3, 4, 7], 50)
    codes = centres[np.repeat([0, 1, 2], 50)] + np.random.default_rng(3).normal(0, 0.1, (150, 2))
    found = landmarks(codes, labels)
    np.testing.assert_allclose(found, [[0, 0], [0, 1], [0, 2]], atol=0.1)
    assert (found[0] == np.median(codes[:50], axis=0)).all()
    assert landmarks(codes[:50], labels[:50]).shape == (3, 2)

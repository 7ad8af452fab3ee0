"""Total variation and sparsity of maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plumbline.attribution.map_measures import sparsity, total_variation

MAPS = arrays(
    np.float32,
    (3, 2, 5, 4),
    elements=st.sampled_from([-3.0, -1.0, -0.5, 0.0, 0.0, 0.25, 1.0, 4.0]),
)


def one(values):
    return np.array(values, dtype=float)[None, None]


def test_total_variation_of_maps_made_by_hand():
    """2 x 2: |1 - 2| + |3 - 4| beside, |1 - 3| + |2 - 4| below, over 1 + 2 + 3 + 4."""
    assert total_variation(one([[1, 2], [3, 4]])) == pytest.approx(0.6)
    assert total_variation(one([[1, -1], [-1, 1]])) == pytest.approx(8 / 4)
    point = np.zeros((5, 5))
    point[2, 2] = 7
    assert total_variation(one(point)) == pytest.approx(4)
    assert total_variation(one(np.full((5, 5), 3))) == 0
    board = np.indices((40, 60)).sum(0) % 2 * 2 - 1
    pairs = 39 * 60 + 40 * 59
    assert total_variation(one(board)) == pytest.approx(2 * pairs / 2400)


def test_total_variation_of_noise_is_what_its_distribution_says():
    rng = np.random.default_rng(0)
    pairs = 2 * 199 / 200
    uniform = total_variation(rng.random((4, 1, 200, 200))).mean()
    normal = total_variation(rng.standard_normal((4, 1, 200, 200))).mean()
    assert uniform == pytest.approx(pairs * (1 / 3) / (1 / 2), rel=0.01)
    assert normal == pytest.approx(pairs * np.sqrt(2), rel=0.01)


def test_sparsity_of_maps_made_by_hand():
    assert sparsity(one([[2, 2], [-2, 2]])) == pytest.approx(0)
    assert sparsity(one([[0, 0], [0, -5]])) == pytest.approx(1 - 1 / 4)
    assert sparsity(one([[0, 0], [3, 3]])) == pytest.approx(1 / 2)
    # |values| k = 1..P: the Gini index of the first P whole numbers is (P - 1) / (3 P).
    assert sparsity(one(np.arange(1, 101).reshape(10, 10))) == pytest.approx(99 / 300)


@settings(deadline=None, max_examples=60)
@given(MAPS)
def test_sparsity_is_the_mean_absolute_difference_of_all_pairs(maps):
    values = np.abs(maps.sum(1, dtype=float)).reshape(3, -1)
    differences = np.abs(values[:, :, None] - values[:, None, :]).mean((1, 2))
    mean = values.mean(1)
    gini = np.divide(differences, 2 * mean, out=np.zeros(3), where=mean > 0)
    np.testing.assert_allclose(sparsity(maps), gini, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(MAPS, st.floats(0.01, 100))
def test_scale_sign_and_mirror_change_nothing_and_ranges_hold(maps, scale):
    for measure, most in ((total_variation, 4), (sparsity, 1 - 1 / 20)):
        found = measure(maps)
        assert ((found >= -1e-12) & (found <= most + 1e-12)).all()
        for other in (maps * -scale, maps[:, :, ::-1], maps[:, ::-1], maps[..., ::-1]):
            np.testing.assert_allclose(measure(other), found, atol=1e-5)
        np.testing.assert_allclose(measure(maps[1:2]), found[1:2], atol=1e-12)


def test_a_map_of_nothing_counts_as_even():
    nothing = np.zeros((2, 3, 4, 4), np.float32)
    assert total_variation(nothing).tolist() == sparsity(nothing).tolist() == [0, 0]
    cancelled = one([[1, 2], [3, 4]])
    assert total_variation(np.concatenate([cancelled, -cancelled], 1)) == 0

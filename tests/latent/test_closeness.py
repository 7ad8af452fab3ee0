"""Closeness of adversarial codes: known ratios, and the bootstrap against a slow one."""

import numpy as np
import pytest

from plumbline.latent.closeness import paired, table
from plumbline.metrics.intervals import bootstrap_counts, interval

RNG = np.random.default_rng(0)


def by_metric(adversarial, clean, seed=0, noise=None):
    rows = table(adversarial, clean, clean if noise is None else noise, seed, model="lenet5")
    return {row["metric"]: row for row in rows}


def test_codes_drawn_together_by_a_known_factor():
    clean = RNG.normal(size=(50, 2))
    found = by_metric(0.25 * clean + (3, 0), clean)
    for name in ("value", "low", "high"):
        assert found["spread_ratio"][name] == pytest.approx(0.25)
    same = by_metric(clean, clean)
    assert same["spread_ratio"]["value"] == 1
    assert same["adversarial_shift"]["value"] == same["shift_ratio"]["value"] == 0


def test_noise_that_lies_where_the_adversarial_images_lie_is_told():
    clean = RNG.normal(size=(50, 2))
    found = by_metric(0.25 * clean + (3, 0), clean, noise=0.5 * clean + (3, 0))
    assert found["noise_spread_ratio"]["value"] == pytest.approx(0.5)
    spread = np.linalg.norm(clean - clean.mean(0), axis=1).mean()
    expected = 0.25 * np.linalg.norm(clean.mean(0)) / spread
    assert found["noise_offset"]["value"] == pytest.approx(expected)
    apart = by_metric(0.25 * clean + (3, 0), clean, noise=0.25 * clean)
    assert apart["noise_offset"]["value"] == pytest.approx(3 / spread)


def test_the_ratio_equals_a_slow_bootstrap_with_its_own_centroids():
    clean, adversarial = RNG.normal(size=(2, 30, 2))

    def spread(codes):
        return np.linalg.norm(codes - codes.mean(0), axis=1).mean()

    found = by_metric(adversarial, clean, seed=4)
    samples = []
    for count in bootstrap_counts(30, 4):
        which = np.repeat(np.arange(30), count)
        samples.append(spread(adversarial[which]) / spread(clean[which]))
    row = found["spread_ratio"]
    assert row["value"] == pytest.approx(spread(adversarial) / spread(clean))
    assert (row["low"], row["high"]) == pytest.approx(interval(np.array(samples)))
    moved = np.linalg.norm(adversarial - clean, axis=1).mean()
    assert found["adversarial_shift"]["value"] == pytest.approx(moved)
    assert found["shift_ratio"]["value"] == pytest.approx(moved / spread(clean))
    assert all(row["n"] == 30 for row in found.values())


def test_an_adversarial_image_is_paired_with_its_source():
    index = np.array([41, 7, 30, 12])
    codes = {
        "test_index": index,
        "test": np.stack([index, -index], 1).astype(float),
        "other_index": np.array([12, 41, 7]),
        "other": np.zeros((3, 2)),
        "noise": np.ones((3, 2)),
    }
    adversarial, clean, noise = paired(codes)
    assert (noise == 1).all()
    assert clean[:, 0].tolist() == [12, 41, 7]
    assert len(adversarial) == 3

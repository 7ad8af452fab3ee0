"""The images that come with scikit-learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_sample_image

from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Places
from plumbline.data.pool import Wanted, make_sets
from plumbline.data.sources import digits, photographs, uniform_noise
from plumbline.errors import InputError

SHARES = {"val": 0.1, "calibration": 0.15, "test": 0.2}


def obtain(source, name):
    return Manifest(name, name, source.obtain(Places(Path("unused"))).files)


def test_digits_keep_every_scan_and_label():
    pool = digits.read(obtain(digits, "digits"), Wanted(28, 1, 0))
    bunch = load_digits()
    np.testing.assert_array_equal(np.rint(pool.images[:, 0] * (16 / 255)), bunch.images)
    np.testing.assert_array_equal(pool.labels, bunch.target)
    assert pool.classes == tuple("0123456789")


def test_the_four_sets_of_digits():
    pool = digits.read(obtain(digits, "digits"), Wanted(28, 1, 0))
    sets = make_sets(
        pool, "digits", size=28, channels=1, images=None, shares=SHARES, seed=0, provenance={}
    )
    assert {name: len(each) for name, each in sets.items()} == {
        "train": 988,
        "val": 180,
        "calibration": 270,
        "test": 359,
    }
    index = np.concatenate([each.index for each in sets.values()])
    np.testing.assert_array_equal(np.sort(index), np.arange(1797))
    for each in sets.values():
        assert each.images.shape[1:] == (1, 28, 28)
        assert each.images.dtype == np.uint8
        np.testing.assert_array_equal(each.labels, pool.labels[each.index])


def test_photographs_are_cut_without_overlap_and_have_no_class():
    manifest = obtain(photographs, "photographs")
    assert {file.name for file in manifest.files} == {"china.jpg", "flower.jpg"}
    pool = photographs.read(manifest, Wanted(28, 1, 3))
    assert pool.images.shape == (660, 3, 28, 28)
    assert (pool.labels == -1).all()
    china = load_sample_image("china.jpg")
    rows = np.concatenate(list(pool.images[:22]), axis=2).transpose(1, 2, 0)
    places = [
        (top, left)
        for top in range(427 - 15 * 28 + 1)
        for left in range(640 - 22 * 28 + 1)
        if np.array_equal(china[top : top + 28, left : left + 22 * 28], rows)
    ]
    assert len(places) == 1


def test_the_seed_shifts_the_patches():
    manifest = obtain(photographs, "photographs")
    first, again, other = (
        photographs.read(manifest, Wanted(28, 1, seed)).images for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_noise_is_uniform_without_class_and_the_same_again():
    manifest = obtain(uniform_noise, "uniform_noise")
    first, again, other = (uniform_noise.read(manifest, Wanted(12, 3, seed)) for seed in (1, 1, 2))
    assert first.images.shape == (uniform_noise.COUNT, 3, 12, 12)
    assert (first.labels == -1).all()
    np.testing.assert_array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    counts = np.bincount(first.images.ravel(), minlength=256)
    expected = first.images.size / 256
    assert len(counts) == 256
    assert ((counts - expected) ** 2 / expected).sum() < 340  # chi-squared, 255 degrees: p > .0003


def test_noise_is_all_test_and_none_of_it_is_trained_on():
    pool = uniform_noise.read(obtain(uniform_noise, "uniform_noise"), Wanted(28, 1, 0))
    shares = {"val": 0, "calibration": 0, "test": 1}
    sets = make_sets(
        pool, "noise", size=28, channels=1, images=100, shares=shares, seed=0, provenance={}
    )
    assert {name: len(each) for name, each in sets.items()} == {
        "train": 0,
        "val": 0,
        "calibration": 0,
        "test": 100,
    }


@pytest.mark.parametrize("source", [digits, photographs])
def test_arrays_that_are_not_those_of_the_manifest_are_refused(source):
    manifest = obtain(source, "it")
    altered = tuple(replace(file, sha256="0" * 64) for file in manifest.files)
    with pytest.raises(InputError, match="changed since it was fetched; restore it, or delete"):
        source.read(replace(manifest, files=altered), Wanted(28, 1, 0))

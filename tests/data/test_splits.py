"""Splits: disjoint, of the exact size, stratified by class, the same every time."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plumbline.data.splits import allocate, divide, stratified
from plumbline.errors import InputError

SHARES = {"val": 0.1, "calibration": 0.15, "test": 0.2}
label_lists = st.lists(st.integers(-1, 4), min_size=40, max_size=300).map(np.array)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**9), min_size=1, max_size=6))
def test_allocate_adds_up_and_is_within_one_of_the_exact_share(total, weights):
    if not sum(weights):
        weights[0] = 1
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)


@settings(deadline=None, max_examples=100)
@given(label_lists, st.integers(0, 2**40), st.data())
def test_stratified_groups_are_disjoint_exact_and_in_proportion(labels, seed, data):
    first = data.draw(st.integers(0, len(labels)))
    counts = [first, data.draw(st.integers(0, len(labels) - first))]
    groups = stratified(labels, counts, seed)
    assert [len(group) for group in groups] == counts
    together = np.concatenate(groups)
    assert len(np.unique(together)) == len(together)
    left = np.arange(len(labels))
    for group in groups:
        for name in np.unique(labels[left]):
            exact = len(group) * (labels[left] == name).mean()
            assert abs((labels[group] == name).sum() - exact) < 1
        left = np.setdiff1d(left, group)


@settings(deadline=None, max_examples=100)
@given(label_lists, st.integers(0, 2**40), st.integers(0, 30), st.none() | st.integers(30, 400))
def test_divide_gives_disjoint_sets_of_the_exact_shares(labels, seed, official, images):
    sets = divide(labels, official, images, SHARES, seed)
    together = np.concatenate(list(sets.values()))
    taken = min(images or len(labels), len(labels))
    assert len(np.unique(together)) == len(together) == taken
    pool = taken - len(sets["test"]) if official else taken
    sizes = {name: len(index) for name, index in sets.items()}
    assert abs(sizes["val"] - 0.1 * pool) < 1
    assert abs(sizes["calibration"] - 0.15 * pool) < 1
    assert abs(sizes["train"] - (0.75 if official else 0.55) * pool) < 1
    if official:
        assert abs(sizes["test"] - taken * official / len(labels)) < 1
        assert (sets["test"] >= len(labels) - official).all()
        assert (np.diff(sets["test"]) > 0).all()
        for name in ("train", "val", "calibration"):
            assert (sets[name] < len(labels) - official).all()


def test_an_official_test_set_is_whole_and_in_its_order():
    sets = divide(np.arange(100) % 10, 30, None, SHARES, 0)
    np.testing.assert_array_equal(sets["test"], np.arange(70, 100))


def test_balanced_classes_stay_balanced():
    labels = np.repeat(np.arange(10), 100)
    for name, count in (("val", 10), ("calibration", 15), ("test", 20), ("train", 55)):
        index = divide(labels, 0, None, SHARES, 3)[name]
        assert np.bincount(labels[index]).tolist() == [count] * 10


def test_sets_of_sorted_classes_begin_with_a_sample_of_all():
    labels = np.repeat(np.arange(4), 100)
    index = divide(labels, 0, None, SHARES, 0)["train"]
    assert len(np.unique(labels[index[:40]])) == 4


def test_the_same_seed_gives_the_same_sets_and_another_seed_others():
    labels = np.arange(200) % 7
    first, again, other = (divide(labels, 0, 150, SHARES, seed) for seed in (1, 1, 2))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


def test_a_share_of_nothing_gives_an_empty_set():
    sets = divide(np.zeros(20, int), 0, None, {"val": 0.0, "calibration": 0.0, "test": 1.0}, 0)
    assert {name: len(index) for name, index in sets.items()} == {
        "train": 0,
        "val": 0,
        "calibration": 0,
        "test": 20,
    }


def test_too_few_images_are_refused_by_the_name_of_the_empty_set():
    with pytest.raises(InputError, match="4 images are too few: val would be empty"):
        divide(np.zeros(4, int), 0, None, SHARES, 0)
    with pytest.raises(InputError, match="test would be empty"):
        divide(np.zeros(1000, int), 1, 100, SHARES, 0)


@settings(deadline=None, max_examples=100)
@given(label_lists, st.integers(0, 2**40), st.integers(20, 30), st.none() | st.integers(30, 400))
def test_the_official_test_set_may_be_divided_instead(labels, seed, official, images):
    taken = min(images or len(labels), len(labels))
    assume(taken * official >= 8 * len(labels))  # of fewer, val would be empty
    sets = divide(labels, official, images, SHARES, seed, "test")
    together = np.concatenate(list(sets.values()))
    assert len(np.unique(together)) == len(together) == taken
    held = taken - len(sets["train"])
    assert abs(held - taken * official / len(labels)) < 1
    assert (sets["train"] < len(labels) - official).all()
    assert abs(len(sets["val"]) - 0.1 * held) < 1
    assert abs(len(sets["calibration"]) - 0.15 * held) < 1
    assert (np.diff(sets["test"]) > 0).all()
    for name in ("val", "calibration", "test"):
        assert (sets[name] >= len(labels) - official).all()


def test_without_an_official_test_set_there_is_none_to_divide():
    with pytest.raises(InputError, match="test set of 0 images: val would be empty"):
        divide(np.arange(50) % 5, 0, None, SHARES, 0, "test")


def test_chance_decides_which_of_too_many_classes_a_set_has():
    groups = [stratified(np.arange(90), [20], seed)[0] for seed in range(30)]
    assert all(len(np.unique(group)) == 20 for group in groups)
    assert abs(np.mean(groups) - 44.5) < 5
    assert len({tuple(np.sort(group)) for group in groups}) == 30

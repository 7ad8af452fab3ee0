"""Which images are explained: the first ones, and the gallery's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.attribution.selection import explained, gallery
from plumbline.errors import InputError

LABELS = np.array([2, 0, 0, 2, 2, 0, 5, 2])


def choose(labels=LABELS, per_class=2, classes=10, images=(), seed=1):
    return gallery(labels, per_class=per_class, classes=classes, images=images, seed=seed)


def test_so_many_of_each_class_class_by_class():
    shown = choose()
    assert list(LABELS[shown]) == [0, 0, 2, 2, 5]
    assert len(set(shown)) == 5


def test_the_seed_decides_which():
    labels = np.zeros(1000, dtype=int)
    assert list(choose(labels)) == list(choose(labels))
    assert list(choose(labels)) != list(choose(labels, seed=2))


def test_only_the_first_classes_that_occur():
    assert set(LABELS[choose(classes=2)]) == {0, 2}


def test_given_positions_are_shown_in_their_order():
    assert list(choose(images=[7, 0, 3])) == [7, 0, 3]


def test_a_position_that_does_not_exist_is_named():
    with pytest.raises(InputError, match="8, but test has 8 images"):
        choose(images=[8])


def test_no_images_no_gallery():
    assert choose(np.empty(0, dtype=int)).tolist() == []


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 30), st.integers(1, 40), st.lists(st.integers(0, 29), unique=True))
def test_explained_are_the_first_and_then_the_rest_of_the_gallery(total, count, shown):
    shown = np.array([each for each in shown if each < total], dtype=np.int64)
    found = explained(total, count, shown)
    first = min(count, total)
    assert list(found[:first]) == list(range(first))
    assert len(set(found)) == len(found)
    assert set(found) == set(range(first)) | set(shown)

"""Grey, colour and size: Pillow's own, bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from plumbline.data.pixels import resize, to_bytes, to_channels, to_size

BILINEAR = Image.Resampling.BILINEAR


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_grey_is_pillows_luma():
    images = noise(20, 3, 50, 50)
    expected = [np.asarray(Image.fromarray(i.transpose(1, 2, 0)).convert("L")) for i in images]
    np.testing.assert_array_equal(to_channels(images, 1)[:, 0], expected)


def test_grey_is_the_rounded_luma_of_the_recommendation():
    images = noise(4, 3, 30, 30)
    exact = np.tensordot([0.299, 0.587, 0.114], images, (0, 1))
    assert np.abs(to_channels(images, 1)[:, 0] - exact).max() < 0.5 + 0.01


def test_colour_of_grey_and_back_changes_nothing():
    grey = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    colour = to_channels(grey, 3)
    assert colour.shape == (1, 3, 16, 16)
    np.testing.assert_array_equal(to_channels(colour, 1), grey)
    np.testing.assert_array_equal(to_channels(grey, None), grey)


def test_grey_of_floats():
    images = noise(4, 3, 8, 8) / np.float32(255)
    grey = to_channels(images, 1)
    assert grey.dtype == np.float32
    np.testing.assert_allclose(
        grey[:, 0], np.tensordot([0.299, 0.587, 0.114], images, (0, 1)), atol=1e-4
    )


sizes = st.integers(1, 40)


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, sizes, sizes, st.sampled_from([1, 3]))
def test_resize_is_pillows(height, width, tall, wide, channels):
    images = noise(3, channels, height, width, seed=height + width)
    ours = resize(images, tall, wide)
    for image, resized in zip(images, ours, strict=True):
        for plane, result in zip(image, resized, strict=True):
            # Which direction comes first differs between versions of Pillow.
            rows = Image.fromarray(plane).resize((wide, height), BILINEAR)
            expected = rows.resize((wide, tall), BILINEAR)
            np.testing.assert_array_equal(result, np.asarray(expected))


@settings(deadline=None, max_examples=30)
@given(sizes, sizes)
def test_resize_of_squares_is_pillows_in_one_step(before, after):
    image = noise(before, before, seed=before)
    expected = Image.fromarray(image).resize((after, after), BILINEAR)
    np.testing.assert_array_equal(resize(image[None, None], after, after)[0, 0], expected)


@pytest.mark.parametrize("size", [5, 28])
def test_resize_of_floats_is_pillows(size):
    images = np.random.default_rng(0).random((4, 1, 12, 12), dtype=np.float32)
    for image, resized in zip(images, resize(images, size, size), strict=True):
        expected = Image.fromarray(image[0]).resize((size, size), BILINEAR)
        np.testing.assert_allclose(resized[0], np.asarray(expected), atol=1e-6)


def test_to_size_keeps_images_of_that_size_and_cuts_the_middle_of_others():
    images = noise(2, 3, 28, 28)
    assert to_size(images, 28) is images
    assert to_size(images, None) is images
    np.testing.assert_array_equal(to_size(noise(2, 3, 28, 38), 28), noise(2, 3, 28, 38)[..., 5:33])
    assert to_size(noise(1500, 1, 4, 6), 8).shape == (1500, 1, 8, 8)


def test_bytes_only_where_nothing_is_lost():
    levels = noise(2, 1, 16, 16)
    for floats in (levels / np.float32(255), (levels * (1 / 255)).astype(np.float32)):
        np.testing.assert_array_equal(to_bytes(floats), levels)
        assert to_bytes(floats).dtype == np.uint8
    between = np.full((1, 1, 2, 2), 0.5, np.float32)
    assert to_bytes(between) is between

"""Shifted test sets: rotation against quarter turns and identities, noise against its size."""

import numpy as np
import pytest
import shift_images
from scipy.stats import kstest
from support import run_script

from plumbline.data.shifts import noise, rotation
from plumbline.storage.artefacts import ImageSet


@pytest.fixture(scope="module")
def pixels(digits):
    return digits["test"].pixels[:30]


def test_no_rotation_changes_nothing(pixels):
    np.testing.assert_array_equal(rotation.shift(pixels, 0, seed=0), pixels)
    np.testing.assert_allclose(rotation.shift(pixels, 360, seed=0), pixels, atol=1e-6)


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (270, 3), (-90, -1)])
def test_quarter_turns_are_those_of_numpy(pixels, degrees, turns):
    turned = rotation.shift(pixels, degrees, seed=0)
    np.testing.assert_allclose(turned, np.rot90(pixels, turns, axes=(2, 3)), atol=1e-6)


def test_every_channel_of_every_image_is_turned_alone(pixels):
    colour = np.concatenate([pixels[:3], pixels[3:6], pixels[6:9]], axis=1)
    turned = rotation.shift(colour, 30, seed=0)
    alone = rotation.shift(pixels[4:5], 30, seed=0)
    np.testing.assert_array_equal(turned[1:2, 1:2], alone)


@pytest.mark.parametrize("degrees", [7.5, 30, 45, 135])
def test_rotation_stays_in_range_and_background_comes_in(pixels, degrees):
    turned = rotation.shift(pixels, degrees, seed=0)
    assert turned.dtype == np.float32
    assert turned.min() == 0
    assert 0.5 < turned.max() <= 1
    white = rotation.shift(np.ones((1, 1, 28, 28), np.float32), 45, seed=0)
    assert (white[0, 0, [0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()
    assert white[0, 0, 8:20, 8:20] == pytest.approx(1)


def test_a_rotation_and_its_inverse_nearly_cancel(pixels):
    """Away from the border, on a smooth picture, where bilinear weights lose little."""
    y, x = np.mgrid[:28, :28] / 27 - 0.5
    smooth = np.exp(-8 * (x**2 + (y - 0.1) ** 2)).astype(np.float32)[None, None]
    back = rotation.shift(rotation.shift(smooth, 20, seed=0), -20, seed=0)
    assert np.abs(back - smooth)[..., 6:22, 6:22].max() < 0.01


def test_noise_has_the_asked_deviation_before_it_is_cut_off(pixels):
    drawn = noise.added((100, 1, 28, 28), 0.2, seed=3).ravel()
    assert drawn.std() == pytest.approx(0.2, rel=0.02)
    assert kstest(drawn / 0.2, "norm").pvalue > 0.01
    shifted = noise.shift(pixels, 0.2, seed=3)
    expected = (pixels + noise.added(pixels.shape, 0.2, seed=3)).clip(0, 1)
    np.testing.assert_array_equal(shifted, expected)
    assert 0 < (shifted - pixels).std() < 0.2


def test_levels_share_their_noise_and_seeds_do_not(pixels):
    np.testing.assert_array_equal(noise.shift(pixels, 0, seed=3), pixels)
    once, twice = (noise.added((2, 1, 9, 9), level, seed=3) for level in (0.1, 0.2))
    np.testing.assert_array_equal(2 * once, twice)
    assert (noise.shift(pixels, 0.1, seed=3) != noise.shift(pixels, 0.1, seed=4)).any()


def test_the_script_keeps_labels_and_origin(digits, tmp_path):
    digits["test"].save(tmp_path / "test.safetensors")
    for out in ("first", "second"):
        words = ["--shift", "noise", "--level", "0.25", "--count", "12", "--seed", "5"]
        words += ["--images", str(tmp_path / "test.safetensors"), "--out", str(tmp_path / out)]
        run_script(shift_images, *words)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    made, source = ImageSet.load(tmp_path / "first"), digits["test"].select(slice(12))
    assert (made.name, made.classes) == ("digits_noise_0.25", source.classes)
    assert made.provenance["level"] == 0.25
    np.testing.assert_array_equal(made.labels, source.labels)
    np.testing.assert_array_equal(made.index, source.index)
    np.testing.assert_array_equal(made.images, noise.shift(source.pixels, 0.25, seed=5))

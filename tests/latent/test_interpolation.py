"""Ways between images: their ends and middles, and differences that are paired."""

import numpy as np
import pytest
import torch
from torch import nn

from plumbline.errors import InputError
from plumbline.latent.interpolation import follow, pairs, paths, table
from plumbline.latent.vae import Vae, decode, encode
from plumbline.metrics.intervals import mean_interval

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def vae():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Vae((1, 6, 6))


def test_pairs_are_of_different_classes_and_come_from_the_seed():
    labels = RNG.integers(0, 10, 300)
    found = pairs(labels, 50, seed=1)
    assert found.shape == (50, 2)
    assert (labels[found[:, 0]] != labels[found[:, 1]]).all()
    assert (pairs(labels, 50, seed=1) == found).all()
    assert (pairs(labels, 50, seed=2) != found).any()
    with pytest.raises(InputError, match="two classes"):
        pairs(np.zeros(20, int), 5, seed=0)


def test_paths_begin_and_end_at_the_images_or_their_reconstructions(vae):
    first, second = RNG.random((2, 3, 1, 6, 6)).astype(np.float32)
    found = paths(vae, first, second, np.linspace(0, 1, 5))
    assert {space: tuple(each.shape) for space, each in found.items()} == dict.fromkeys(
        ("pixel", "decoded", "latent"), (5, 3, 1, 6, 6)
    )
    for place, images in ((0, first), (-1, second)):
        rebuilt = decode(vae, encode(vae, images))
        torch.testing.assert_close(found["pixel"][place], torch.from_numpy(images))
        torch.testing.assert_close(found["decoded"][place], rebuilt)
        torch.testing.assert_close(found["latent"][place], rebuilt)
    middle = torch.from_numpy(first + second) / 2
    torch.testing.assert_close(found["pixel"][2], middle)
    codes = (encode(vae, first) + encode(vae, second)) / 2
    torch.testing.assert_close(found["latent"][2], decode(vae, codes))


def test_with_a_linear_decoder_mixing_codes_is_mixing_reconstructions():
    linear = Vae((1, 6, 6))
    linear.decoder = nn.Linear(2, 36)
    linear.decode = lambda codes: linear.decoder(codes).unflatten(1, (1, 6, 6))
    first, second = RNG.random((2, 4, 1, 6, 6)).astype(np.float32)
    found = paths(linear, first, second, np.linspace(0, 1, 4))
    torch.testing.assert_close(found["latent"], found["decoded"])


def test_measures_come_in_order_of_share_and_pair(vae):
    first, second = RNG.random((2, 3, 1, 6, 6)).astype(np.float32)
    way = paths(vae, first, second, np.array([0.0, 0.5]))

    def predict(pixels, *, seed):
        return pixels.mean((1, 2, 3))[None, :, None]

    def measure(probs):
        bright = probs[0, :, 0]
        return {"entropy": bright, "mutual_information": bright, "max_probability": bright}

    found = follow(way, predict, measure, seed=0)
    expected = way["pixel"].mean((2, 3, 4)).flatten().numpy()
    np.testing.assert_allclose(found["pixel.entropy"], expected, rtol=1e-6)
    assert found["latent.max_probability"].shape == (6,)


def test_differences_are_paired():
    values = {
        f"{space}.{measure}": RNG.random(40)
        for space in ("pixel", "decoded", "latent")
        for measure in ("entropy", "mutual_information", "max_probability")
    }
    values["decoded.entropy"] = values["latent.entropy"] + 0.25
    rows = {
        (r["measure"], r["space"], r["metric"]): r for r in table(values, seed=3, model="lenet5")
    }
    assert len(rows) == 3 * 5
    found = rows["entropy", "decoded", "difference_to_latent"]
    assert [found[name] for name in ("value", "low", "high")] == pytest.approx([0.25] * 3)
    found = rows["entropy", "pixel", "midpoint_mean"]
    figure = tuple(found[name] for name in ("value", "low", "high"))
    assert figure == mean_interval(values["pixel.entropy"], 3)
    assert ("entropy", "latent", "difference_to_latent") not in rows

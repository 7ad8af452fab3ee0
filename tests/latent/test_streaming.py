"""Streaming: the same numbers as at once where nothing is drawn, and never many images."""

from functools import partial

import numpy as np
import pytest
import torch

from plumbline.latent import streaming
from plumbline.latent.streaming import decoded, streamed
from plumbline.latent.vae import Vae, decode
from plumbline.runtime.seeding import derive
from plumbline.uncertainty.estimators import ensemble, mc_dropout
from plumbline.uncertainty.measures import measures


@pytest.fixture(scope="module")
def pixels(digits):
    return torch.from_numpy(digits["train"].images[:700])


@pytest.fixture(scope="module")
def vae():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Vae((1, 28, 28))


def same(found, expected):
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_what_draws_nothing_says_the_same_bit_for_bit_as_in_one_call(lenet, pixels):
    predict = partial(ensemble.predict, [lenet], members=1)
    whole = measures(predict(pixels, seed=0).numpy())
    same(streamed(pixels.split(256), predict, measures, seed=0), whole)


def test_mc_dropout_says_what_a_call_for_each_chunk_says(lenet, pixels):
    predict = partial(mc_dropout.predict, [lenet], samples=4)
    found = streamed(pixels.split(256), predict, measures, seed=7)
    probs = [predict(c, seed=derive(7, n)).numpy() for n, c in enumerate(pixels.split(256))]
    same(found, measures(np.concatenate(probs, 1)))


def test_chunks_draw_independent_masks_of_one_distribution(lenet, pixels):
    """Equal images in two chunks: other masks, and means that differ by their noise alone."""
    image = pixels[:1].expand(256, 1, 28, 28)
    predict = partial(mc_dropout.predict, [lenet], samples=40)
    found = streamed([image, image], predict, measures, seed=1)["entropy"]
    first, second = found[:256], found[256:]
    assert (first != second).any()
    error = np.sqrt((first.var() + second.var()) / 256)
    assert abs(first.mean() - second.mean()) < 4 * error


def test_no_more_than_a_chunk_is_ever_predicted_or_decoded(vae, monkeypatch):
    monkeypatch.setattr(streaming, "CHUNK", 100)
    sizes = []

    def predict(pixels, *, seed):
        sizes.append(len(pixels))
        return torch.full((50, len(pixels), 10), 0.1)

    codes = np.random.default_rng(0).normal(size=(250, 2))
    found = streamed(decoded(vae, codes), predict, measures, seed=0)
    assert sizes == [100, 100, 50]
    assert all(values.shape == (250,) for values in found.values())
    chunks = torch.cat(list(decoded(vae, codes)))
    torch.testing.assert_close(chunks, decode(vae, codes))


def test_a_map_of_100_by_100_at_50_passes_needs_no_more_memory_than_a_chunk(vae):
    """Arrays alive at once, by their own count: far below the probabilities of all cells."""
    import tracemalloc

    codes = np.zeros((10_000, 2))

    def predict(pixels, *, seed):
        return torch.full((50, len(pixels), 10), 0.1)

    tracemalloc.start()
    streamed(decoded(vae, codes), predict, measures, seed=0)
    _, peak = tracemalloc.get_traced_memory()  # of NumPy; torch holds a chunk's images beside
    tracemalloc.stop()
    whole = 50 * 10_000 * 10 * 8
    assert peak < whole / 2

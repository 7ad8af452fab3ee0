"""What a VAE is fitted on and what it has not seen."""

import numpy as np
import pytest

from plumbline.errors import InputError
from plumbline.latent.corpora import noisy, positions, with_others, with_share
from plumbline.storage.artefacts import ImageSet


def images(name, values, dtype=np.uint8, size=2):
    """Images that are each filled with one of ``values``."""
    pixels = np.ones((len(values), 1, size, size)) * np.reshape(values, (-1, 1, 1, 1))
    labels = np.zeros(len(values), np.int64)
    return ImageSet(name, pixels.astype(dtype), labels, np.arange(len(values)))


def values(pixels):
    return pixels[:, 0, 0, 0].tolist()


TRAIN = images("train", range(10))


def test_alone_the_training_images_are_the_corpus():
    corpus = with_others(TRAIN, [], [], seed=0)
    assert (corpus.fit == TRAIN.images).all()
    assert corpus.fit.dtype == np.uint8
    assert corpus.held.shape == (0, 1, 2, 2)


def test_others_are_at_most_as_many_as_the_training_images():
    many = [images("a", range(100, 112)), images("b", range(200, 212))]
    corpus = with_others(TRAIN, many, [images("c", [50, 51])], seed=0)
    assert values(corpus.fit)[:10] == list(range(10))
    others = values(corpus.fit)[10:]
    assert len(set(others)) == len(others) == 10
    assert {each // 100 for each in others} == {1, 2}
    assert values(corpus.held) == [50, 51]
    assert corpus.index.tolist() == [0, 1]
    again = with_others(TRAIN, many, [], seed=0)
    assert values(again.fit) == values(corpus.fit)
    assert values(with_others(TRAIN, many, [], seed=1).fit) != values(corpus.fit)
    few = with_others(TRAIN, [images("d", [90, 91, 92])], [], seed=0)
    assert values(few.fit)[10:] == [90, 91, 92]


def test_a_share_is_fitted_on_and_the_rest_is_held_out():
    other = images("adversarial", np.arange(20) / 100 + 0.5, np.float32)
    corpus = with_share(TRAIN, other, seed=0)
    fitted, held = corpus.fit[10:], corpus.held
    assert (len(fitted), len(held)) == (14, 6)
    assert sorted(values(fitted) + values(held)) == values(other.images)
    np.testing.assert_allclose(corpus.fit[:10], TRAIN.pixels)
    assert values(other.select(corpus.index).images) == values(held)  # each one's source
    assert values(with_share(TRAIN, other, seed=1).held) != values(held)


def test_images_of_another_shape_are_refused():
    with pytest.raises(InputError, match="the same shape"):
        with_others(TRAIN, [images("large", [1], size=3)], [], seed=0)


def test_noise_is_as_large_as_the_change_of_its_own_image():
    rng = np.random.default_rng(0)
    sources = rng.uniform(0.4, 0.6, (3, 1, 8, 8)).astype(np.float32)
    change = rng.random(sources.shape) * np.reshape([0.3, 0.1, 0], (3, 1, 1, 1))
    found = noisy((sources + change).astype(np.float32), sources, seed=1)
    largest = np.broadcast_to(change.max((1, 2, 3), keepdims=True), sources.shape)
    np.testing.assert_allclose(np.abs(found - sources), largest, atol=1e-6)
    assert (found[0] > sources[0]).any()
    assert (found[0] < sources[0]).any()
    assert noisy(np.ones_like(sources), sources, seed=1).max() == 1
    assert noisy(sources[:0], sources[:0], seed=1).shape == (0, 1, 8, 8)


def test_positions_are_found_in_any_order():
    index = np.array([41, 7, 30, 12])
    assert positions(np.array([12, 41, 7]), index).tolist() == [3, 0, 1]

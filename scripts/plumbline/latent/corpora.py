"""Training corpora of a VAE: the training images, alone or with images of another kind."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from plumbline.data.image_sets import ImageSetKey
from plumbline.errors import InputError
from plumbline.storage.artefacts import ImageSet

FIT_SHARE = 0.7  # of the adversarial images, as in study 000


class Corpus(NamedTuple):
    """Images ``fit`` [N, C, H, W] to fit a VAE on, and held-out images ``held`` of the other kind,
    which are only encoded (empty if there is no other kind).  ``index`` identifies the source
    image of each held-out image."""

    fit: np.ndarray
    held: np.ndarray
    index: np.ndarray  # type: ignore[assignment]  # in place of tuple.index


def with_others(
    train: ImageSet, others: Sequence[ImageSet], held: Sequence[ImageSet], seed: int
) -> Corpus:
    """``train`` with at most as many random images of ``others``; ``held`` is held out."""
    empty = train.images[:0]
    fitted = [train.images]
    if others:
        pool = _join([other.images for other in others])
        chosen = np.random.default_rng(seed).permutation(len(pool))[: len(train)]
        fitted.append(pool[np.sort(chosen)])
    index = np.concatenate([train.index[:0], *(images.index for images in held)])
    return Corpus(_join(fitted), _join([empty, *(images.images for images in held)]), index)


def with_share(train: ImageSet, other: ImageSet, seed: int, share: float = FIT_SHARE) -> Corpus:
    """``train`` with a random ``share`` of ``other``, whose remaining images are held out."""
    order = np.random.default_rng(seed).permutation(len(other))
    chosen, rest = np.split(order, [round(share * len(other))])
    fitted = _join([train.images, other.images[np.sort(chosen)]])
    held = other.select(np.sort(rest))
    return Corpus(fitted, held.images, held.index)


def key_of(images: ImageSet) -> ImageSetKey:
    """What a set of the other kind holds: adversarial images, or those of another dataset."""
    attack, epsilon = (images.provenance.get(name) for name in ("attack", "epsilon"))
    if attack:
        return ImageSetKey("adversarial", attack=attack, epsilon=epsilon)
    return ImageSetKey("out_of_distribution", source=images.name)


def positions(wanted: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Position of each of ``wanted`` [M] in ``index`` [N], int64 [M]; all must occur in it."""
    order = np.argsort(index)
    return order[np.searchsorted(index, wanted, sorter=order)]


def noisy(changed: np.ndarray, sources: np.ndarray, seed: int) -> np.ndarray:
    """``sources`` with random noise as large as the change of each image, float32 in [0, 1].

    ``changed`` (float32 in [0, 1] or uint8) and ``sources`` (float32) are [N, C, H, W].  The
    largest absolute change of a pixel of an image is added to or subtracted from each of its
    pixels at random, and the result is clipped.
    """
    changed = changed if changed.dtype == np.float32 else changed.astype(np.float32) / 255
    size = np.abs(changed - sources).max((1, 2, 3), keepdims=True, initial=0)
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), sources.shape)
    return np.clip(sources + size * signs, 0, 1)


def _join(images: list[np.ndarray]) -> np.ndarray:
    """Concatenated arrays of images: uint8 if all of them are, else float32 in [0, 1].

    Raises :class:`InputError` if their shapes differ.
    """
    shapes = {array.shape[1:] for array in images}
    if len(shapes) > 1:
        raise InputError(
            f"the images of a corpus must have the same shape, not {sorted(shapes)}: see "
            "data.sources"
        )
    if len({array.dtype for array in images}) > 1:
        images = [
            each if each.dtype == np.float32 else each.astype(np.float32) / 255 for each in images
        ]
    return np.concatenate(images)

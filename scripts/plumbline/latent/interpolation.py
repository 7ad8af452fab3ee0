"""Interpolation between images in pixel space and in latent space (Smith and Gal 2018)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plumbline.errors import InputError
from plumbline.latent.maps import MAPPED
from plumbline.latent.streaming import CHUNK, Measured, streamed
from plumbline.latent.vae import Vae, decode, encode
from plumbline.metrics.intervals import mean_interval
from plumbline.storage.tables import Row, row

SPACES = ("pixel", "decoded", "latent")
SPARE = 8  # candidates drawn per pair, of which those with different classes are used


def pairs(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Positions of at most ``count`` random pairs of images of different classes, int64 [M, 2].

    Pairs are drawn with replacement, so an image can occur in several.  Raises
    :class:`InputError` if all ``labels`` [N] are equal.
    """
    drawn = np.random.default_rng(seed).integers(len(labels), size=(SPARE * count, 2))
    different = drawn[labels[drawn[:, 0]] != labels[drawn[:, 1]]][:count]
    if not len(different):
        raise InputError("interpolation needs images of two classes")
    return different


def paths(vae: Vae, first: np.ndarray, second: np.ndarray, shares: np.ndarray) -> dict[str, Tensor]:
    """Images on the path from ``first`` to ``second``, float32 [T, N, C, H, W] for each space.

    ``first`` and ``second`` [N, C, H, W] are float32 in [0, 1]; ``shares`` [T] in [0, 1] are the
    shares of the second image.

    - ``pixel``: mixtures of the two images;
    - ``latent``: decoded mixtures of their two codes;
    - ``decoded``: mixtures of their two reconstructions.  This is the control: images are mixed
      in pixel space, but are blurred by the decoder and have the same end points as ``latent``.
    """
    ends = [encode(vae, image) for image in (first, second)]
    codes = np.concatenate([(1 - t) * ends[0] + t * ends[1] for t in shares])
    images = {
        "pixel": [torch.from_numpy(image) for image in (first, second)],
        "decoded": [decode(vae, code) for code in ends],
    }
    mixtures = {
        name: torch.stack([(1 - t) * one + t * other for t in shares.astype(np.float32)])
        for name, (one, other) in images.items()
    }
    return mixtures | {"latent": decode(vae, codes).unflatten(0, (len(shares), len(first)))}


def follow(
    images: Mapping[str, Tensor],
    predict: Callable[..., Tensor],
    measure: Callable[[np.ndarray], Measured],
    seed: int,
) -> Measured:
    """Mapped measures ``{space}.{measure}`` [T * N] of :func:`paths`, in bounded memory.

    All spaces use the same random numbers, so that equal images have equal measures.
    """
    values: Measured = {}
    for space, path in images.items():
        measured = streamed(path.flatten(0, 1).split(CHUNK), predict, measure, seed)
        values |= {f"{space}.{name}": measured[name] for name in MAPPED}
    return values


def table(midpoints: Mapping[str, np.ndarray], seed: int, **keys: Any) -> Iterator[Row]:
    """Rows of one estimator at the midpoints; ``midpoints`` holds ``{space}.{measure}`` [N].

    ``midpoint_mean`` of each space, and ``difference_to_latent``: the value in a space minus that
    in latent space, paired by the two images.  The bootstrap treats pairs as independent; many
    share an image, so the intervals are too narrow as statements about other images.
    """
    for measure in MAPPED:
        latent = midpoints[f"latent.{measure}"]
        for space in SPACES:
            values, key_columns = midpoints[f"{space}.{measure}"], {**keys, "measure": measure}
            estimates = {"midpoint_mean": values}
            if space != "latent":
                estimates["difference_to_latent"] = values - latent
            for metric, samples in estimates.items():
                yield row(
                    metric, *mean_interval(samples, seed), len(samples), **key_columns, space=space
                )

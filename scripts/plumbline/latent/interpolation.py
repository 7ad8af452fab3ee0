"""From one image to another through pixel space and through latent space, after Smith and Gal."""

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
SPARE = 8  # candidates drawn for each pair, most of which are of different classes


def pairs(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Positions of at most ``count`` random pairs of different classes, int64 [M, 2].

    Each is drawn from all images, so an image can stand in several.  Raises
    :class:`InputError` if all ``labels`` [N] are equal.
    """
    drawn = np.random.default_rng(seed).integers(len(labels), size=(SPARE * count, 2))
    different = drawn[labels[drawn[:, 0]] != labels[drawn[:, 1]]][:count]
    if not len(different):
        raise InputError("interpolation needs images of two classes")
    return different


def paths(vae: Vae, first: np.ndarray, second: np.ndarray, shares: np.ndarray) -> dict[str, Tensor]:
    """Images on the way from ``first`` to ``second``, float32 [T, N, C, H, W] for each space.

    ``first`` and ``second`` [N, C, H, W] are float32 in [0, 1]; ``shares`` [T] in [0, 1] say
    how much of the second is in the mixture.

    - ``pixel``: mixtures of the two images;
    - ``latent``: decoded mixtures of their two codes;
    - ``decoded``: mixtures of their two reconstructions, the control: mixed in pixel space,
      but as blurred by the decoder as ``latent`` is, and with the same two ends.
    """
    ends = [encode(vae, each) for each in (first, second)]
    codes = np.concatenate([(1 - t) * ends[0] + t * ends[1] for t in shares])
    images = {
        "pixel": [torch.from_numpy(each) for each in (first, second)],
        "decoded": [decode(vae, each) for each in ends],
    }
    found = {
        name: torch.stack([(1 - t) * one + t * other for t in shares.astype(np.float32)])
        for name, (one, other) in images.items()
    }
    return found | {"latent": decode(vae, codes).unflatten(0, (len(shares), len(first)))}


def follow(
    images: Mapping[str, Tensor],
    predict: Callable[..., Tensor],
    measure: Callable[[np.ndarray], Measured],
    seed: int,
) -> Measured:
    """Mapped measures ``{space}.{measure}`` [T * N] of :func:`paths`, in bounded memory.

    All spaces draw alike, so that equal images have equal measures.
    """
    found: Measured = {}
    for space, each in images.items():
        measured = streamed(each.flatten(0, 1).split(CHUNK), predict, measure, seed)
        found |= {f"{space}.{name}": measured[name] for name in MAPPED}
    return found


def table(midpoints: Mapping[str, np.ndarray], seed: int, **keys: Any) -> Iterator[Row]:
    """Rows of one estimator half-way; ``midpoints`` holds ``{space}.{measure}`` [N].

    ``midpoint_mean`` of each space, and ``difference_to_latent``: a space's minus that of
    latent space, paired by the two images.  The bootstrap takes pairs as independent, but many
    share an image, so the intervals are too narrow as statements about other images.
    """
    for measure in MAPPED:
        latent = midpoints[f"latent.{measure}"]
        for space in SPACES:
            values, here = midpoints[f"{space}.{measure}"], {**keys, "measure": measure}
            estimates = {"midpoint_mean": values}
            if space != "latent":
                estimates["difference_to_latent"] = values - latent
            for metric, each in estimates.items():
                yield row(metric, *mean_interval(each, seed), len(each), **here, space=space)

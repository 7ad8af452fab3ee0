"""Interpolation between images in pixel space and in latent space (Smith and Gal 2018)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plumbline.config.latent import InterpolationOptions
from plumbline.errors import InputError
from plumbline.latent.maps import MAPPED
from plumbline.latent.streaming import CHUNK, Measured, streamed
from plumbline.latent.vae import Vae, decode, encode
from plumbline.metrics.intervals import mean_interval
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet
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


def interpolate(
    vae: Vae,
    test: ImageSet,
    predicts: Mapping[str, Callable[..., Tensor]],
    measure: Callable[[np.ndarray], Measured],
    options: InterpolationOptions,
    seed: int,
    **keys: Any,
) -> tuple[dict[str, np.ndarray], list[Row]]:
    """Arrays of the artefact Interpolation, and rows of the table at the midpoints.

    ``predicts`` gives each estimator by name.  The whole path is followed for the first pair of
    ``test`` images (``{estimator}.{space}.{measure}`` [T]), its middle for all of them
    (``….midpoint`` [M]).  ``shares`` [T] are those of the second image, ``pairs`` [M, 2] positions
    in ``test``, ``{space}.image`` [T, C, H, W] the images on the first path.
    """
    drawn = pairs(test.labels, options.pairs, derive(seed, "pairs"))
    first, second = (test.select(positions).pixels for positions in drawn.T)
    shares = np.linspace(0, 1, options.steps)
    path = paths(vae, first[:1], second[:1], shares)
    middle = paths(vae, first, second, np.array([0.5]))
    arrays = {"shares": shares, "pairs": drawn}
    arrays |= {f"{space}.image": images[:, 0].numpy() for space, images in path.items()}
    rows: list[Row] = []
    for name, predict in progress(predicts.items(), "estimators"):
        own_seed = derive(seed, name)
        curves, midpoints = (follow(each, predict, measure, own_seed) for each in (path, middle))
        arrays |= {f"{name}.{key}": values for key, values in curves.items()}
        arrays |= {f"{name}.{key}.midpoint": values for key, values in midpoints.items()}
        rows += table(midpoints, seed, **keys, estimator=name)
    return arrays, rows


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

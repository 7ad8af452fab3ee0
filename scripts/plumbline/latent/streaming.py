"""Measures of many images in bounded memory: a chunk at a time, keeping only what is measured."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from torch import Tensor

from plumbline.latent.vae import Vae, decode
from plumbline.runtime.seeding import derive

CHUNK = 1024  # images at once: a multiple of the estimators' batch, so batches stay the same

Measured = dict[str, np.ndarray]


def streamed(
    chunks: Iterable[Tensor],
    predict: Callable[..., Tensor],
    measure: Callable[[np.ndarray], Measured],
    seed: int,
) -> Measured:
    """``measure`` of what ``predict`` says about ``chunks`` of images, one after the other.

    ``predict(pixels, seed=...)`` returns probabilities [S, N, K], ``measure`` of them arrays
    [N] by name; the result has the arrays of all chunks joined.  Memory does not grow with the
    number of chunks, but for these arrays.

    Each chunk has a seed of its own, derived from ``seed`` and its number.  An estimator that
    draws nothing says the same, bit for bit, as about all images in one call.  MC dropout
    draws its masks batch by batch within a pass, so in one call it would draw other masks of
    the same distribution; each chunk's answers are those of a call for this chunk alone.
    """
    found = [
        measure(predict(chunk, seed=derive(seed, number)).numpy())
        for number, chunk in enumerate(chunks)
    ]
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}


def decoded(vae: Vae, codes: np.ndarray) -> Iterator[Tensor]:
    """Decoded ``codes`` [N, 2], a chunk of pixels [n, C, H, W] at a time."""
    for start in range(0, len(codes), CHUNK):
        yield decode(vae, codes[start : start + CHUNK])

"""Measures of many images in bounded memory: one chunk at a time, keeping only the measures."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from torch import Tensor

from plumbline.latent.vae import Vae, decode
from plumbline.runtime.seeding import derive

CHUNK = 1024  # images per chunk; a multiple of the estimators' batch, so that batches are equal

Measured = dict[str, np.ndarray]


def streamed(
    chunks: Iterable[Tensor],
    predict: Callable[..., Tensor],
    measure: Callable[[np.ndarray], Measured],
    seed: int,
) -> Measured:
    """``measure`` of the predictions for ``chunks`` of images, computed one chunk at a time.

    ``predict(pixels, seed=...)`` returns probabilities [S, N, K]; ``measure`` turns them into
    arrays [N] by name, which are concatenated over the chunks.  Apart from these arrays, memory
    does not grow with the number of chunks.

    Each chunk has its own seed, derived from ``seed`` and its number.  The result of a
    deterministic estimator is the same, bit for bit, as for all images in one call.  MC dropout
    draws its masks batch by batch within a pass, so that a single call would draw other masks of
    the same distribution.
    """
    measured = [
        measure(predict(chunk, seed=derive(seed, number)).numpy())
        for number, chunk in enumerate(chunks)
    ]
    return {name: np.concatenate([part[name] for part in measured]) for name in measured[0]}


def decoded(vae: Vae, codes: np.ndarray) -> Iterator[Tensor]:
    """Decoded ``codes`` [N, 2], one chunk of pixels [n, C, H, W] at a time."""
    for start in range(0, len(codes), CHUNK):
        yield decode(vae, codes[start : start + CHUNK])

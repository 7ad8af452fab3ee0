"""KernelSHAP: Shapley values of superpixels by constrained weighted least squares."""

import math

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import at_least
from plumbline.attribution.coalitions import blocks, spread, worths
from plumbline.attribution.superpixels import superpixels
from plumbline.models.classifier import Classifier
from plumbline.progress import progress


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    samples: int = 500,
    segments: str = "grid",
    cell: int = 4,
    compactness: float = 0.3,
    fill: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Shapley value of each superpixel for the ``target`` logit, [N, C, H, W].

    The game: the logit when only some superpixels are shown and the others set to ``fill``.
    If all 2^D coalitions are at most ``samples``, the values are exact; else ``samples``
    coalitions are drawn by the Shapley kernel, in pairs of a coalition and its complement,
    beside the empty and the full one.  The values sum to f(x) - f(all hidden) by constraint;
    the gap shows rounding only.  A superpixel's value is shared equally among its pixels and
    channels: relevance is constant inside, and its ranking there is random.

    ``segments`` is ``grid``, cells of ``cell`` pixels, which suits images of 28 x 28, or
    ``slic`` with its ``compactness``: see :mod:`plumbline.attribution.superpixels`.

    Lundberg and Lee 2017, theorem 2; pairs and the constrained solution as in Covert and Lee
    2021, "Improving KernelSHAP: practical Shapley value estimation using linear regression".

    Raises :class:`InputError` for options out of range.
    """
    at_least("kernel_shap.samples", samples, 2)
    stream = np.random.default_rng(seed)
    relevance, gap = torch.empty_like(pixels), torch.empty_like(pixels[:, 0, 0, 0])
    for part in progress(blocks(len(pixels), samples, batch), "blocks of kernel_shap"):
        images = pixels[part]
        labels, count = superpixels(images, segments, cell, compactness)
        present, weight = _coalitions(stream, len(images), samples, count)
        present, weight = present.to(images.device), weight.to(images.device)
        logits = worths(classifier, images, target[part], labels, present, fill, batch)
        values = _shapley(present.double(), weight, logits)
        relevance[part] = spread(values, labels, images)
        gap[part] = relevance[part].sum((1, 2, 3)) - (logits[:, 1] - logits[:, 0]).to(gap)
    return relevance, gap


def _coalitions(
    stream: np.random.Generator, images: int, samples: int, count: int
) -> tuple[Tensor, Tensor]:
    """Coalitions [images, S, ``count``] bool, and their weights [S].

    The first is empty and the second full; both have weight zero, being constraints.
    """
    ends = np.zeros((images, 2, count), dtype=bool)
    ends[:, 1] = True
    if 2**count <= samples:
        inner, weight = _all(count)
        inner = np.broadcast_to(inner, (images, *inner.shape))
    else:
        inner = _paired(stream, images, samples // 2, count)
        weight = np.ones(inner.shape[1])
    present = torch.from_numpy(np.concatenate([ends, inner], axis=1))
    return present, torch.from_numpy(np.concatenate([[0, 0], weight / weight.sum()]))


def _all(count: int) -> tuple[np.ndarray, np.ndarray]:
    """All proper coalitions of ``count`` players and the Shapley kernel of each."""
    numbers = np.arange(1, 2**count - 1)
    present = (numbers[:, None] >> np.arange(count) & 1).astype(bool)
    sizes = present.sum(1)
    ways = np.array([math.comb(count, size) for size in range(count + 1)])
    return present, (count - 1) / (ways[sizes] * sizes * (count - sizes))


def _paired(stream: np.random.Generator, images: int, draws: int, count: int) -> np.ndarray:
    """Random coalitions and their complements, [images, 2 * draws, count].

    The size s has probability in proportion to 1 / (s (count - s)); its members are uniform.
    """
    numbers = stream.random((images, draws, count + 1))
    sizes = np.arange(1, count)
    upto = np.cumsum(1 / (sizes * (count - sizes)))
    size = sizes[np.searchsorted(upto / upto[-1], numbers[..., 0], side="right")]
    place = numbers[..., 1:].argsort(-1).argsort(-1)
    half = place < size[..., None]
    return np.concatenate([half, ~half], axis=1)


def _shapley(present: Tensor, weight: Tensor, logits: Tensor) -> Tensor:
    """Weighted least squares whose coefficients [N, D] sum to what the full coalition adds.

    ``present`` [N, S, D], ``weight`` [S], ``logits`` [N, S]; first empty, then full.
    """
    empty, total = logits[:, :1], logits[:, 1] - logits[:, 0]
    left = present.mT @ (weight[:, None] * present)
    right = present.mT @ (weight[:, None] * (logits - empty)[..., None])
    # The pseudo-inverse, because few random coalitions may leave some direction open.
    inverse = torch.linalg.pinv(left, hermitian=True)
    free, ones = (inverse @ right)[..., 0], inverse.sum(2)
    excess = (free.sum(1) - total) / ones.sum(1)
    return free - excess[:, None] * ones

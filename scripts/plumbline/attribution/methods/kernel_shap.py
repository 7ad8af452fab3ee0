"""KernelSHAP: Shapley values of superpixels by constrained weighted least squares.

Lundberg and Lee 2017, theorem 2; pairs and the constrained solution as in Covert and Lee 2021,
"Improving KernelSHAP: practical Shapley value estimation using linear regression"; sizes as in
Musco and Witter 2025, "Provably accurate Shapley value estimation via leverage score sampling",
which has smaller errors than sizes drawn by the Shapley kernel.
"""

import math

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import parts
from plumbline.attribution.coalitions import IMAGES, fill_image, spread, worths
from plumbline.attribution.superpixels import superpixels
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "KernelSHAP"
FAMILY = "perturbation"


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    samples: int = 500,
    segments: str = "grid",
    cells: int = 7,
    compactness: float = 0.3,
    fill: float | str = 0.0,
) -> tuple[Tensor, Tensor]:
    """Shapley value of each superpixel for the ``target`` logit, [N, C, H, W].

    The value of a coalition is the logit when only its superpixels are shown and the others are
    replaced by ``fill``, a number or the ``mean`` colour of each.  If the 2^D coalitions are at
    most ``samples``, the Shapley values are exact; otherwise ``samples`` coalitions are drawn,
    with all sizes equally frequent, in pairs of a coalition and its complement, in addition to
    the empty and the full one.  The values are constrained to sum to f(x) - f(all hidden); the
    gap is due to rounding.  The value of a superpixel is divided equally among its pixels and
    channels, so that relevance is constant within it and the ranking of its pixels is random.

    With only about two samples per superpixel the system of equations is nearly singular and
    the values are inaccurate; four or more samples per superpixel are safe.

    ``segments`` is ``grid``, ``cells`` x ``cells`` rectangles, or ``slic`` with its
    ``compactness``, which starts from them: see :mod:`plumbline.attribution.superpixels`.

    Raises :class:`InputError` for options out of range.
    """
    at_least("kernel_shap.samples", samples, 2)
    stream = np.random.default_rng(seed)
    relevance, gap = torch.empty_like(pixels), torch.empty_like(pixels[:, 0, 0, 0])
    for part in progress(parts(len(pixels), IMAGES), "blocks of kernel_shap"):
        images = pixels[part]
        labels, count = superpixels(images, segments, cells, compactness)
        present, weight = _coalitions(stream, len(images), samples, count)
        present, weight = present.to(images.device), weight.to(images.device)
        hidden = fill_image(images, labels, count, fill)
        logits = worths(classifier, images, target[part], labels, present, hidden, batch)
        values = _shapley(present.double(), weight, logits)
        relevance[part] = spread(values, labels, images)
        gap[part] = relevance[part].sum((1, 2, 3)) - (logits[:, 1] - logits[:, 0]).to(gap)
    return relevance, gap


def _coalitions(
    stream: np.random.Generator, images: int, samples: int, count: int
) -> tuple[Tensor, Tensor]:
    """Coalitions [images, S, ``count``] bool, and their weights [images, S].

    The first is empty and the second full; both are constraints and have weight zero.
    """
    if 2**count <= samples:
        inner, weight = _all(count)
        inner = np.broadcast_to(inner, (images, *inner.shape))
        weight = np.broadcast_to(weight, inner.shape[:2])
    else:
        inner, weight = _paired(stream, images, samples // 2, count)
    ends = np.zeros((images, 2, count), dtype=bool)
    ends[:, 1] = True
    weight = weight / weight.sum(1, keepdims=True)
    present = torch.from_numpy(np.concatenate([ends, inner], axis=1))
    return present, torch.from_numpy(np.concatenate([np.zeros((images, 2)), weight], axis=1))


def _all(count: int) -> tuple[np.ndarray, np.ndarray]:
    """All proper coalitions of ``count`` players and the Shapley kernel of each."""
    numbers = np.arange(1, 2**count - 1)
    present = (numbers[:, None] >> np.arange(count) & 1).astype(bool)
    sizes = present.sum(1)
    ways = np.array([math.comb(count, size) for size in range(count + 1)])
    return present, (count - 1) / (ways[sizes] * sizes * (count - sizes))


def _paired(
    stream: np.random.Generator, images: int, draws: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Random coalitions and their complements, [images, 2 * draws, count], and their weights.

    Sizes are distributed evenly from 1 to ``count`` - 1, members uniformly.  The weight is the
    Shapley kernel divided by the probability of the coalition.
    """
    numbers = stream.random((images, draws, count + 1))
    share = (np.arange(draws) + numbers[..., 0]) / draws
    size = 1 + (share * (count - 1)).astype(int)
    rank = numbers[..., 1:].argsort(-1).argsort(-1)
    drawn, weight = rank < size[..., None], 1 / (size * (count - size))
    return np.concatenate([drawn, ~drawn], axis=1), np.concatenate([weight, weight], axis=1)


def _shapley(present: Tensor, weight: Tensor, logits: Tensor) -> Tensor:
    """Weighted least-squares coefficients [N, D], constrained to sum to the value of the full
    coalition minus that of the empty one.

    ``present`` [N, S, D], ``weight`` [N, S], ``logits`` [N, S]; first the empty, then the full
    coalition.
    """
    empty, total = logits[:, :1], logits[:, 1] - logits[:, 0]
    weighted = (weight[..., None] * present).mT
    left, right = weighted @ present, weighted @ (logits - empty)[..., None]
    # The pseudo-inverse, because with few random coalitions the matrix may be singular.
    inverse = torch.linalg.pinv(left, hermitian=True)
    free, ones = (inverse @ right)[..., 0], inverse.sum(2)
    excess = (free.sum(1) - total) / ones.sum(1)
    return free - excess[:, None] * ones

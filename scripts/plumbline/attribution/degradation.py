"""Degradation test: how far a classifier's predictions depend on the pixels ranked highest.

Increasing shares of the pixels are kept or deleted from the top of the ranking.  If the ranking
reflects what the net uses, accuracy stays high when its top is kept and falls when it is deleted.
Samek et al. 2017, "Evaluating the visualization of what a deep neural network has learned";
study 001 keeps 20 %.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import pairs
from plumbline.attribution.degradation_result import MODES, RANKINGS
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

# Standard deviation of the blur, as a share of the image's side.  At half this value LeNet-5 still
# classifies three of four blurred MNIST digits correctly.
BLUR = 0.2
Fill = Callable[[Tensor], Tensor]


def ranks(relevance: np.ndarray, seed: int) -> np.ndarray:
    """Rank of every pixel, [N, H * W] int64, 0 for the highest relevance.

    ``relevance`` [N, C, H, W] is summed over channels with its sign.  Ties are broken at random
    according to ``seed``.  The ascending rank is H * W - 1 minus the descending one.
    """
    score = relevance.sum(1, dtype=np.float64).reshape(len(relevance), -1)
    ties = np.random.default_rng(seed).random(score.shape)
    order = np.lexsort((ties, -score), axis=-1)
    return order.argsort(-1)


def counts(shares: Sequence[float], pixels: int) -> list[int]:
    """Number of pixels for each share of ``pixels``, rounded down as in study 001."""
    return [int(share * pixels) for share in shares]


def degrade(pixels: Tensor, rank: Tensor, count: Tensor, mode: str, fill: Tensor) -> Tensor:
    """Keep or delete the ``count`` [N] highest-ranked pixels of each image.

    ``rank`` [N, H * W]; ``mode`` is ``keep`` or ``delete``.  Removed pixels are replaced in all
    channels by ``fill``, one image [C, H, W] for all or one per image [N, C, H, W].
    """
    top = rank < count[:, None]
    kept = (top if mode == "keep" else ~top).view(len(pixels), 1, *pixels.shape[2:])
    return torch.where(kept, pixels, fill)


def blur(pixels: Tensor) -> Tensor:
    """``pixels`` [N, C, H, W] blurred by a Gaussian with standard deviation ``BLUR`` times their
    side.

    Only pixels inside the image have weights, which sum to one, so that a uniform image is
    unchanged.
    """
    down, across = (_smoothing(side).to(pixels) for side in pixels.shape[2:])
    return down @ pixels @ across.T


def _smoothing(side: int) -> Tensor:
    """Gaussian weights [side, side] float64; each row holds the weights for one output pixel."""
    position = torch.arange(side, dtype=torch.float64) / (BLUR * side)
    return (-0.5 * (position - position[:, None]).square()).softmax(1)


def fillings(
    names: Sequence[str], train: np.ndarray, device: torch.device | str
) -> dict[str, Fill]:
    """For each fill the function from images to the pixels that replace removed ones, by name.

    ``mean`` is the mean image of ``train`` [N, C, H, W], ``blur`` the blurred image itself; any
    other name is a number, the value of all pixels.
    """
    mean = torch.from_numpy(train.mean(0, dtype=np.float64)).to(device)

    def constant(value: Tensor) -> Fill:
        return lambda pixels: value.to(pixels)

    known = {"mean": constant(mean), "blur": blur}
    return {name: known.get(name) or constant(torch.full_like(mean, float(name))) for name in names}


def log_odds(logits: Tensor, target: Tensor) -> Tensor:
    """Log-odds of the class ``target`` [N] against all others, log p / (1 - p), [N], in nats."""
    of_target = logits.gather(1, target[:, None])
    of_others = logits.scatter(1, target[:, None], -torch.inf).logsumexp(1)
    return of_target[:, 0] - of_others


@torch.no_grad()
def clean_predictions(
    classifier: Classifier, pixels: Tensor, labels: Tensor, target: Tensor, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Whether each original image is classified correctly, [N] bool, and the log-odds of
    ``target``, [N]."""
    logits = torch.cat([classifier(part) for part in pixels.split(batch)])
    return logits.argmax(1) == labels, log_odds(logits, target)


@torch.no_grad()
def degraded_predictions(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    target: Tensor,
    rank: np.ndarray,
    shares: Sequence[float],
    fills: dict[str, Fill],
    batch: int = 256,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each degraded image is still classified correctly, and the drop of its log-odds.

    ``pixels`` [N, C, H, W] in [0, 1], true ``labels`` [N], explained classes ``target`` [N],
    ``rank`` from :func:`ranks`, ``fills`` from :func:`fillings`.  Returns ``right`` bool and
    ``drop`` float32, both [2, 2, fills, N, shares] with ranking and mode as the first two axes.
    ``drop`` is the log-odds of ``target`` in the original image minus those in the degraded one.
    """
    total = rank.shape[1]
    descending = torch.from_numpy(rank).to(pixels.device)
    ranked = {"descending": descending, "ascending": total - 1 - descending}
    count = torch.tensor(counts(shares, total), device=pixels.device)
    _, before = clean_predictions(classifier, pixels, labels, target, batch)
    right, drop = [], []
    curves = list(product(RANKINGS, MODES, fills.values()))
    for ranking, mode, fill in progress(curves, "degradation curves"):
        for i, share in pairs(pixels, len(shares), batch):
            images = pixels[i]
            changed = degrade(images, ranked[ranking][i], count[share], mode, fill(images))
            logits = classifier(changed)
            right.append(logits.argmax(1) == labels[i])
            drop.append(before[i] - log_odds(logits, target[i]))
    shape = len(RANKINGS), len(MODES), len(fills), len(pixels), len(shares)
    return torch.cat(right).view(shape).cpu().numpy(), torch.cat(drop).view(shape).cpu().numpy()

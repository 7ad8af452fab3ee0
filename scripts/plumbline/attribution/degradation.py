"""How far a classifier's answers follow the ranking of an attribution.

Pixels are kept or deleted from the top of the ranking, share by share.  A ranking that finds
what the net uses keeps accuracy high when its top is kept, and low when its top is deleted.
Samek et al. 2017, "Evaluating the visualization of what a deep neural network has learned";
study 001 keeps 20 %.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.answers import MODES, RANKINGS
from plumbline.attribution.batching import pairs
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

# Standard deviation of the blur, as a share of the image's side.  At half of it LeNet-5 still
# knows three of four MNIST digits by the blurred image alone.
BLUR = 0.2
Fill = Callable[[Tensor], Tensor]


def ranks(relevance: np.ndarray, seed: int) -> np.ndarray:
    """Rank of every pixel, [N, H * W] int64, 0 for the highest relevance.

    ``relevance`` [N, C, H, W] is summed over channels, signs kept.  Ties are broken at random
    by ``seed``.  The ascending (reversed) rank is H * W - 1 minus this one.
    """
    score = relevance.sum(1, dtype=np.float64).reshape(len(relevance), -1)
    ties = np.random.default_rng(seed).random(score.shape)
    order = np.lexsort((ties, -score), axis=-1)
    return order.argsort(-1)


def counts(shares: Sequence[float], places: int) -> list[int]:
    """``int(share * places)`` pixels for each share: rounded down, as study 001 does."""
    return [int(share * places) for share in shares]


def degrade(pixels: Tensor, rank: Tensor, count: Tensor, mode: str, fill: Tensor) -> Tensor:
    """Keep or delete the ``count`` [N] first of the ranked pixels of each image.

    ``rank`` [N, H * W]; ``mode`` is ``keep`` or ``delete``; what goes is replaced in all
    channels by ``fill``, one image [C, H, W] for all or one for each [N, C, H, W].
    """
    top = rank < count[:, None]
    stays = (top if mode == "keep" else ~top).view(len(pixels), 1, *pixels.shape[2:])
    return torch.where(stays, pixels, fill)


def blur(pixels: Tensor) -> Tensor:
    """The images [N, C, H, W] under a Gaussian of standard deviation ``BLUR`` times their side.

    What lies beyond an edge does not count: weights are those of the pixels inside, summing to
    one, so that an even image stays as it is.
    """
    down, across = (_smoothing(side).to(pixels) for side in pixels.shape[2:])
    return down @ pixels @ across.T


def _smoothing(side: int) -> Tensor:
    """Weights [side, side] of the places, in a row for each place, float64."""
    place = torch.arange(side, dtype=torch.float64) / (BLUR * side)
    return (-0.5 * (place - place[:, None]).square()).softmax(1)


def fillings(
    names: Sequence[str], train: np.ndarray, device: torch.device | str
) -> dict[str, Fill]:
    """For each name of a fill the function from images to what replaces their pixels.

    ``mean`` is the mean of the pixels ``train`` [N, C, H, W], ``blur`` the image itself,
    blurred; any other name is a value for all.
    """
    mean = torch.from_numpy(train.mean(0, dtype=np.float64)).to(device)

    def constant(value: Tensor) -> Fill:
        return lambda pixels: value.to(pixels)

    known = {"mean": constant(mean), "blur": blur}
    return {name: known.get(name) or constant(torch.full_like(mean, float(name))) for name in names}


def log_odds(logits: Tensor, target: Tensor) -> Tensor:
    """Log-odds of the class ``target`` [N] against all others, [N]: log p / (1 - p), in nats."""
    own = logits.gather(1, target[:, None])
    others = logits.scatter(1, target[:, None], -torch.inf).logsumexp(1)
    return own[:, 0] - others


@torch.no_grad()
def clean_answers(
    classifier: Classifier, pixels: Tensor, labels: Tensor, target: Tensor, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Whether each whole image is classified rightly, [N] bool, and log-odds of ``target`` [N]."""
    logits = torch.cat([classifier(part) for part in pixels.split(batch)])
    return logits.argmax(1) == labels, log_odds(logits, target)


@torch.no_grad()
def answers(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    target: Tensor,
    rank: np.ndarray,
    shares: Sequence[float],
    fills: dict[str, Fill],
    batch: int = 256,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each degraded image is still classified rightly, and what its log-odds lost.

    ``pixels`` [N, C, H, W] in [0, 1], true ``labels`` [N], explained classes ``target`` [N],
    ``rank`` from :func:`ranks`, ``fills`` from :func:`fillings`.  Returns ``right`` bool and
    ``drop`` float32, both [2, 2, fills, N, shares] by ranking and mode: ``drop`` is the
    log-odds of ``target`` in the whole image minus those in the degraded one.
    """
    places = rank.shape[1]
    descending = torch.from_numpy(rank).to(pixels.device)
    ranked = {"descending": descending, "ascending": places - 1 - descending}
    count = torch.tensor(counts(shares, places), device=pixels.device)
    _, before = clean_answers(classifier, pixels, labels, target, batch)
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

"""How far a classifier's accuracy follows the ranking of an attribution.

Pixels are kept or deleted from the top of the ranking, share by share.  A ranking that finds
what the net uses keeps accuracy high when its top is kept, and low when its top is deleted.
Samek et al. 2017, "Evaluating the visualization of what a deep neural network has learned";
study 001 keeps 20 %.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import pairs
from plumbline.models.classifier import Classifier, logits
from plumbline.seeding import derive
from plumbline.statistics import mean_interval, wilson
from plumbline.tables import Row, row

RANKINGS = ("descending", "ascending")
MODES = ("keep", "delete")
Answers = dict[tuple[str, str, str], np.ndarray]


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
    channels by the image ``fill`` [C, H, W].
    """
    top = rank < count[:, None]
    stays = (top if mode == "keep" else ~top).view(len(pixels), 1, *pixels.shape[2:])
    return torch.where(stays, pixels, fill)


def fill_images(fills: Sequence[str], train: np.ndarray, device: torch.device) -> dict[str, Tensor]:
    """The image [C, H, W] that each of ``fills`` names.

    ``mean`` is the mean of the pixels ``train`` [N, C, H, W]; any other is a value for all.
    """
    mean = torch.from_numpy(train.mean(0, dtype=np.float64).astype(np.float32)).to(device)
    return {f: mean if f == "mean" else torch.full_like(mean, float(f)) for f in fills}


def clean_answers(
    classifier: Classifier, pixels: Tensor, labels: Tensor, batch: int = 256
) -> np.ndarray:
    """Whether each whole image is classified rightly, [N] bool."""
    return (logits(classifier, pixels, batch).argmax(1) == labels.cpu()).numpy()


@torch.no_grad()
def answers(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    rank: np.ndarray,
    shares: Sequence[float],
    fills: dict[str, Tensor],
    batch: int = 256,
) -> Answers:
    """Whether each degraded image is still classified rightly.

    ``pixels`` [N, C, H, W] in [0, 1], true ``labels`` [N], ``rank`` from :func:`ranks`, an
    image [C, H, W] for each of ``fills``.  Returns a boolean array [N, shares] for each
    ``(ranking, mode, fill)``.
    """
    places = rank.shape[1]
    descending = torch.from_numpy(rank).to(pixels.device)
    ranked = {"descending": descending, "ascending": places - 1 - descending}
    count = torch.tensor(counts(shares, places), device=pixels.device)
    found = {}
    for ranking in RANKINGS:
        for mode in MODES:
            for name, fill in fills.items():
                right = [
                    classifier(
                        degrade(pixels[i], ranked[ranking][i], count[share], mode, fill)
                    ).argmax(1)
                    == labels[i]
                    for i, share in pairs(pixels, len(shares), batch)
                ]
                found[ranking, mode, name] = torch.cat(right).view(len(pixels), -1).cpu().numpy()
    return found


def rows(
    found: Answers, clean: np.ndarray, shares: Sequence[float], seed: int, **keys: Any
) -> list[Row]:
    """Tidy rows of the curves: accuracy at each share, and their mean as ``area``.

    ``found`` is what :func:`answers` returned, ``clean`` [N] whether the whole images are
    classified rightly; their accuracy is the row ``clean_accuracy``.  Intervals are Wilson's
    for accuracies, and a bootstrap over images for areas, with the same resamples for all.
    ``keys`` are further key columns, put first.
    """
    none = {"ranking": "", "mode": "", "fill": "", "share": ""}
    table = [_accuracy("clean_accuracy", clean, **keys, **none)]
    for (ranking, mode, fill), right in found.items():
        where = {**keys, "ranking": ranking, "mode": mode, "fill": fill}
        for share, each in zip(shares, right.T, strict=True):
            table.append(_accuracy("accuracy", each, **where, share=share))
        area = mean_interval(right.mean(1), derive(seed, "area"))
        table.append(row("area", *area, len(right), **where, share=""))
    return table


def _accuracy(metric: str, right: np.ndarray, **keys: Any) -> Row:
    n = len(right)
    return row(metric, float(right.mean()), *wilson(int(right.sum()), n), n, **keys)

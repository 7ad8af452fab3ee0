"""Disagreement between the explanations of the members of an ensemble."""

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.detection.material import Material
from plumbline.errors import InputError
from plumbline.models.classifier import batches, logits

LABEL = "disagreement of explanations"
NETS = "members"


def score(
    material: Material, pixels: Tensor, *, seed: int, batch: int = 256, members: int = 3
) -> Tensor:
    """1 minus the mean rank correlation of all pairs of members' maps, [N], in [0, 2].

    A map is gradient times input, summed over channels, for the class predicted by
    ``classifier``; the correlation is Spearman's, over the pixels.  The score is 0 if all nets
    have the same ranking.

    Raises :class:`InputError` if ``members`` is below 2.
    """
    if members < 2:
        raise InputError(f"explanation_disagreement.members must be at least 2, not {members}")
    nets = material.members[:members]
    device = material.classifier.mean.device
    target = logits(material.classifier, pixels, batch).argmax(1)
    parts = []
    for each, classes in zip(batches(pixels, batch, device), target.split(batch), strict=True):
        chosen = classes.to(device)
        maps = [(each * pixel_gradient(net, each, chosen)).sum(1).flatten(1) for net in nets]
        parts.append(1 - _agreement(torch.stack(maps).cpu().numpy()))
    return torch.from_numpy(np.concatenate(parts))


def _agreement(maps: np.ndarray) -> np.ndarray:
    """Mean rank correlation of all pairs of ``maps`` [M, N, P], [N]; 0 with a constant map."""
    ranks = rankdata(maps, axis=2)
    ranks -= ranks.mean(2, keepdims=True)
    length = np.sqrt((ranks**2).sum(2, keepdims=True))
    unit = np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)
    # The square of a sum is the sum of squares plus twice the products of all pairs.
    pairs = (unit.sum(0) ** 2).sum(1) - (unit**2).sum((0, 2))
    return pairs / (len(maps) * (len(maps) - 1))

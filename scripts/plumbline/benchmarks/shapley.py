"""Shapley values from many permutations, the reference for faster estimates."""

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.coalitions import worths
from plumbline.models.classifier import Classifier


def shapley(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    labels: Tensor,
    players: int,
    permutations: int,
    batch: int,
) -> Tensor:
    """Mean marginal contribution of each superpixel to the ``target`` logit, [N, D].

    Orders of the ``players`` are sampled, each with its reverse.
    ``labels`` [N, H, W] give each pixel's superpixel; hidden ones are black.  Castro, Gómez
    and Tejada 2009, "Polynomial calculation of the Shapley value based on sampling", with
    antithetic pairs.
    """
    stream, values = np.random.default_rng(0), []
    for i in range(len(pixels)):
        orders = stream.permuted(np.tile(np.arange(players), (permutations, 1)), axis=1)
        place = np.concatenate([orders, players - 1 - orders])  # of each player
        shown = place[:, None] < np.arange(players + 1)[:, None]
        present = torch.from_numpy(shown.reshape(1, -1, players)).to(pixels.device)
        one, black = slice(i, i + 1), torch.zeros_like(pixels[:1])
        logits = worths(classifier, pixels[one], target[one], labels[one], present, black, batch)
        gains = logits.view(len(place), players + 1).diff(dim=1)
        values.append(gains.gather(1, torch.from_numpy(place).to(gains.device)).mean(0))
    return torch.stack(values)


def relative_error(values: Tensor, reference: Tensor) -> float:
    """Norm of the error divided by the norm of the reference, mean over images."""
    error = (values.to(reference) - reference).norm(dim=1) / reference.norm(dim=1)
    return error.mean().item()

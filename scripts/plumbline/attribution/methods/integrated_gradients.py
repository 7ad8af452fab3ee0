"""Integrated gradients along the straight line from a uniform baseline."""

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import blocks, target_logits
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

FAMILY = "gradient"


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    steps: int = 50,
    baseline: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """(x - b) times the mean gradient of the ``target`` logit between b and x, [N, C, H, W].

    The baseline b has the value ``baseline`` in all pixels.  The mean is computed by
    Gauss-Legendre quadrature with ``steps`` points.  By completeness the relevance sums to
    f(x) - f(b), the difference of logits; the gap is the quadrature error.  Sundararajan et al.
    2017, "Axiomatic attribution for deep networks", eq. 1.

    Raises :class:`InputError` if ``steps`` is below 1.
    """
    at_least("integrated_gradients.steps", steps, 1)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    along = _per_step(torch.from_numpy((nodes + 1) / 2).to(pixels))  # from [-1, 1] to [0, 1]
    weight = _per_step(torch.from_numpy(weights / 2).to(pixels))
    mean, path = torch.zeros_like(pixels), pixels - baseline
    batches = blocks(len(pixels), steps, batch)
    for image, step in progress(batches, "batches of integrated_gradients"):
        points = baseline + along[step] * path[image, None]
        classes = target[image].repeat_interleave(points.shape[1])
        gradient = pixel_gradient(classifier, points.flatten(0, 1), classes).view_as(points)
        mean[image] += (weight[step] * gradient).sum(1)
    relevance = path * mean
    with torch.no_grad():
        start = classifier(torch.full_like(pixels[:1], baseline))[0, target]
    difference = target_logits(classifier, pixels, target, batch) - start
    return relevance, relevance.sum((1, 2, 3)) - difference


def _per_step(values: Tensor) -> Tensor:
    """One value per step, shaped to broadcast with images [N, steps, C, H, W]."""
    return values[:, None, None, None]

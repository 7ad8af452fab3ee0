"""LIME: a weighted linear model of the logit in the presence of superpixels."""

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import no_promise, parts
from plumbline.attribution.coalitions import IMAGES, fill_image, spread, worths
from plumbline.attribution.superpixels import superpixels
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress


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
    width: float = 0.25,
    ridge: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Coefficients of a local linear model of the ``target`` logit, [N, C, H, W].

    Of each image, ``samples`` copies are made in which every superpixel is shown or hidden
    with probability 1/2; the first is the image itself.  A hidden one is set to ``fill``, a
    value or its ``mean`` colour.  A copy weighs exp(-D^2 / (2 ``width``^2)), D being the cosine
    distance of its presence vector to that of the image.  The weighted ridge regression
    (penalty ``ridge``, the intercept is free) has a closed form and is solved for many images
    at once.  A superpixel's coefficient is shared equally among its pixels and channels:
    relevance is constant inside, and its ranking there is random.  The gap is NaN.

    ``segments`` is ``grid``, ``cells`` x ``cells`` rectangles, or ``slic`` with its
    ``compactness``, which starts from them: see :mod:`plumbline.attribution.superpixels`.

    Ribeiro et al. 2016, "Why should I trust you?", with the logit in place of the probability.

    Raises :class:`InputError` for options out of range.
    """
    at_least("lime.samples", samples, 1)
    for option, value in {"width": width, "ridge": ridge}.items():
        at_least(f"lime.{option}", value, 1e-12)  # the system is singular without a ridge
    stream = np.random.default_rng(seed)
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), IMAGES), "blocks of lime"):
        images = pixels[part]
        labels, count = superpixels(images, segments, cells, compactness)
        present = torch.from_numpy(stream.random((len(images), samples, count)) < 0.5)
        present[:, 0] = True
        present = present.to(images.device)
        hidden = fill_image(images, labels, count, fill)
        logits = worths(classifier, images, target[part], labels, present, hidden, batch)
        coefficients = _weighted_ridge(present.double(), logits, width, ridge)
        relevance[part] = spread(coefficients, labels, images)
    return relevance, no_promise(pixels)


def _weighted_ridge(present: Tensor, logits: Tensor, width: float, ridge: float) -> Tensor:
    """Coefficients [N, D] of ``logits`` [N, S] on ``present`` [N, S, D], without intercept."""
    distance = 1 - present.mean(2).sqrt()  # cosine distance to the vector of ones
    weight = torch.exp(-distance.square() / (2 * width**2))[..., None]
    design = torch.cat([present, torch.ones_like(weight)], dim=2)
    penalty = torch.full((design.shape[2],), ridge, dtype=design.dtype, device=design.device)
    penalty[-1] = 0
    left = design.mT @ (weight * design) + penalty.diag()
    right = design.mT @ (weight * logits[..., None])
    return torch.linalg.solve(left, right)[:, :-1, 0]

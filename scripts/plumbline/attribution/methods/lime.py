"""LIME: a weighted linear model of the logit as a function of the superpixels shown.

Ribeiro et al. 2016, "Why should I trust you?", with the logit instead of the probability.
"""

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.batching import no_promise, parts
from plumbline.attribution.coalitions import IMAGES, fill_image, spread, worths
from plumbline.attribution.superpixels import superpixels
from plumbline.errors import at_least
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "LIME"
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
    width: float = 0.25,
    ridge: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Coefficients of a local linear model of the ``target`` logit, [N, C, H, W].

    ``samples`` copies of each image are made in which every superpixel is shown or hidden with
    probability 1/2; the first copy is the image itself.  Hidden superpixels are replaced by
    ``fill``, a number or their ``mean`` colour.  The weight of a copy is
    exp(-D^2 / (2 ``width``^2)), where D is the cosine distance of its presence vector from that
    of the image.  The weighted ridge regression (penalty ``ridge``, intercept not penalised) is
    solved in closed form for many images at once.  The coefficient of a superpixel is divided
    equally among its pixels and channels, so that relevance is constant within it and the
    ranking of its pixels is random.  The gap is NaN.

    ``segments`` is ``grid``, ``cells`` x ``cells`` rectangles, or ``slic`` with its
    ``compactness``, which starts from them: see :mod:`plumbline.attribution.superpixels`.

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
        present = _copies(stream, (len(images), samples, count)).to(images.device)
        hidden = fill_image(images, labels, count, fill)
        logits = worths(classifier, images, target[part], labels, present, hidden, batch)
        coefficients = _weighted_ridge(present.double(), logits, width, ridge)
        relevance[part] = spread(coefficients, labels, images)
    return relevance, no_promise(pixels)


def _copies(stream: np.random.Generator, shape: tuple[int, int, int]) -> Tensor:
    """Which superpixels each copy shows, bool [N, S, D]; the first copy shows all."""
    present = torch.from_numpy(stream.random(shape) < 0.5)
    present[:, 0] = True
    return present


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

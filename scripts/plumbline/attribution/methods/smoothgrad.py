"""SmoothGrad: the mean gradient over noisy copies of the image."""

import numpy as np
import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import at_least, no_promise, pairs
from plumbline.models.classifier import Classifier
from plumbline.progress import progress


def attribute(
    classifier: Classifier,
    pixels: Tensor,
    target: Tensor,
    *,
    seed: int,
    batch: int = 256,
    samples: int = 50,
    level: float = 0.15,
) -> tuple[Tensor, Tensor]:
    """Mean of d logit of ``target`` / d pixel over ``samples`` noisy copies; the gap is NaN.

    The noise is normal, with ``level`` times each image's own range (highest minus lowest
    pixel) for its standard deviation, and is not clipped.  The sign is kept.  Smilkov et al.
    2017, "SmoothGrad: removing noise by adding noise".

    Raises :class:`InputError` if ``samples`` is below 1 or ``level`` below 0.
    """
    at_least("smoothgrad.samples", samples, 1)
    at_least("smoothgrad.level", level, 0)
    stream = np.random.default_rng(seed)
    deviation = level * (
        pixels.amax((1, 2, 3), keepdim=True) - pixels.amin((1, 2, 3), keepdim=True)
    )
    relevance = torch.zeros_like(pixels)
    for image, _ in progress(pairs(pixels, samples, batch), "batches of smoothgrad"):
        noise = stream.standard_normal((len(image), *pixels.shape[1:]))
        noisy = pixels[image] + deviation[image] * torch.from_numpy(noise).to(pixels)
        gradient = pixel_gradient(classifier, noisy, target[image])
        relevance.index_add_(0, image, gradient / samples)
    return relevance, no_promise(pixels)

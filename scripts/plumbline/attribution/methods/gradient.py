"""Gradient of the logit: the sensitivity map."""

import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import no_promise, pairs
from plumbline.models.classifier import Classifier
from plumbline.progress import progress


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """d logit of ``target`` / d pixel, with its sign, [N, C, H, W]; the gap is NaN.

    The sign says in which direction a brighter pixel moves the logit, and rankings by this
    method use it.  Simonyan et al. 2014, section 3.1, show the absolute value.
    """
    relevance = torch.empty_like(pixels)
    for image, _ in progress(pairs(pixels, 1, batch), "batches of gradient"):
        relevance[image] = pixel_gradient(classifier, pixels[image], target[image])
    return relevance, no_promise(pixels)

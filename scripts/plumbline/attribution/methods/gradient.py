"""Gradient of the logit: the sensitivity map."""

import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import no_promise, parts
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

FAMILY = "gradient"


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """d logit of ``target`` / d pixel, with its sign, [N, C, H, W]; the gap is NaN.

    The sign tells in which direction a brighter pixel changes the logit, and rankings by this
    method use it.  Simonyan et al. 2014, section 3.1, use the absolute value.
    """
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of gradient"):
        relevance[part] = pixel_gradient(classifier, pixels[part], target[part])
    return relevance, no_promise(pixels)

"""Saliency: the absolute gradient."""

import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import no_promise, parts
from plumbline.attribution.maps import on_channels
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

FAMILY = "gradient"


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """max over channels of |d logit of ``target`` / d pixel|, [N, C, H, W]; the gap is NaN.

    There is one non-negative map per image; it is distributed equally over the channels, so that
    their sum is the map.  Simonyan et al. 2014, "Deep inside convolutional networks",
    section 3.1.
    """
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of saliency"):
        gradient = pixel_gradient(classifier, pixels[part], target[part])
        relevance[part] = on_channels(gradient.abs().amax(1), pixels[part])
    return relevance, no_promise(pixels)

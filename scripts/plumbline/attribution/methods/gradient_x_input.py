"""Gradient times input."""

import torch
from torch import Tensor

from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import no_promise, parts
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "gradient × input"
FAMILY = "gradient"


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Pixel times d logit of ``target`` / d pixel, [N, C, H, W]; the gap is NaN.

    In a net of ReLUs and max-pooling without biases this equals LRP-0 and sums to the logit;
    with biases it is not complete.  Shrikumar et al. 2016, "Not just a black box".
    """
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of gradient_x_input"):
        relevance[part] = pixels[part] * pixel_gradient(classifier, pixels[part], target[part])
    return relevance, no_promise(pixels)

"""Guided backpropagation."""

import torch
from torch import Tensor

from plumbline.attribution.activation_rules import guided
from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import no_promise, parts
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

FAMILY = "modified_backward"


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Gradient of the ``target`` logit, guided at each ReLU, [N, C, H, W]; the gap is NaN.

    Each ReLU passes back a gradient only where it was active and the gradient is positive.  All
    other operations keep their derivative: max-pooling passes it to the maximum, residual sums
    to both branches, batch norm scales it as if folded into its convolution.  The sign is kept.
    Springenberg et al. 2015, "Striving for simplicity: the all convolutional net".
    """
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of guided_backpropagation"):
        with guided():
            relevance[part] = pixel_gradient(classifier, pixels[part], target[part])
    return relevance, no_promise(pixels)

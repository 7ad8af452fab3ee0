"""DeConvNet: the logit projected back to the pixels."""

import torch
from torch import Tensor

from plumbline.attribution.activation_rules import deconvnet
from plumbline.attribution.backward import pixel_gradient
from plumbline.attribution.batching import no_promise, parts
from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress

LABEL = "DeConvNet"
FAMILY = "modified_backward"


def attribute(
    classifier: Classifier, pixels: Tensor, target: Tensor, *, seed: int, batch: int = 256
) -> tuple[Tensor, Tensor]:
    """Reconstruction from the ``target`` logit through the whole net, [N, C, H, W]; gap NaN.

    The mirrored net has transposed filters without biases, rectifies the signal that is passed
    back, and unpools to the positions of the maxima (the switches), which is the ordinary
    derivative of max-pooling.  It is therefore a backward pass, starting from one at the logit,
    in which each ReLU rectifies the gradient.  Residual sums pass the signal to both branches;
    batch norm scales it as if folded into its convolution.  The sign is kept.  Zeiler and Fergus
    2014, "Visualizing and understanding convolutional networks", section 2.1.
    """
    relevance = torch.empty_like(pixels)
    for part in progress(parts(len(pixels), batch), "batches of deconvnet"):
        with deconvnet():
            relevance[part] = pixel_gradient(classifier, pixels[part], target[part])
    return relevance, no_promise(pixels)

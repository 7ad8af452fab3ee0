"""Gradient of a logit with respect to the pixels."""

import torch
from torch import Tensor

from plumbline.attribution.batching import pick
from plumbline.models.classifier import Classifier


def pixel_gradient(classifier: Classifier, pixels: Tensor, target: Tensor) -> Tensor:
    """d logit of ``target`` / d pixel for one batch, [N, C, H, W]."""
    pixels = pixels.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(pick(classifier(pixels), target).sum(), pixels)
    return gradient

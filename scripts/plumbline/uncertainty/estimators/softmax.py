"""Softmax of a single net: the control that every other estimator must beat."""

import torch
from torch import Tensor

from plumbline.models.classifier import Classifier, logits

VARIANTS = {"softmax_scaled": "softmax, temperature-scaled"}
FAMILY = "softmax"


def predict(
    classifiers: list[Classifier],
    pixels: Tensor,
    *,
    seed: int,
    batch: int = 256,
) -> Tensor:
    """Class probabilities of the first of ``classifiers``, float32 [1, N, K] on the CPU.

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8.  Nothing here is random: ``seed``
    is taken because every estimator is called alike.
    """
    return torch.softmax(logits(classifiers[0], pixels, batch), -1)[None]


def cost() -> int:
    """Passes of an image through nets."""
    return 1

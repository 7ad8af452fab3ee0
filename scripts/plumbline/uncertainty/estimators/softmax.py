"""Softmax of a single net, the control of all other estimators."""

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

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8.  The result does not depend on
    ``seed``, which all estimators accept.
    """
    return torch.softmax(logits(classifiers[0], pixels, batch), -1)[None]


def cost() -> int:
    """Passes of an image through nets."""
    return 1

"""Bayes by backprop: one net, with several draws of its weights from their posterior."""

import torch
from torch import Tensor

from plumbline.errors import InputError
from plumbline.models.bayesian import bayesian_layers, drawn_weights
from plumbline.models.classifier import Classifier, logits
from plumbline.runtime.seeding import derive

LABEL = "Bayes by backprop"
FAMILY = "bayesian"
PASSES = "samples"
OBJECTIVES = ("bayesian",)


def predict(
    classifiers: list[Classifier],
    pixels: Tensor,
    *,
    seed: int,
    batch: int = 256,
    samples: int = 20,
) -> Tensor:
    """Class probabilities for ``samples`` draws of weights, float32 [samples, N, K] on the CPU.

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8; the net is the first of
    ``classifiers``.  Draw t uses ``derive(seed, t)``: its weights are the same for all images and
    do not depend on ``batch`` or on the number of draws.

    Blundell et al. 2015.  Raises :class:`InputError` if the net has no Bayesian layer.
    """
    if samples < 1:
        raise InputError(f"bayes_by_backprop.samples must be at least 1, not {samples}")
    classifier = classifiers[0]
    if not bayesian_layers(classifier):
        raise InputError(
            "bayes_by_backprop: the net is not Bayesian; set objective to an entry of "
            "training.objectives of kind bayesian"
        )
    draws = []
    for number in range(samples):
        with drawn_weights(classifier, derive(seed, number)):
            draws.append(torch.softmax(logits(classifier, pixels, batch), -1))
    return torch.stack(draws)


def cost(samples: int) -> int:
    """Passes of an image through nets."""
    return samples

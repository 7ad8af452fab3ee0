"""Bayes by backprop: one net, several draws of all its weights from their posterior."""

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
    """Class probabilities by ``samples`` draws of weights, float32 [samples, N, K] on the CPU.

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8; the net is the first of
    ``classifiers``.  Draw t follows from ``derive(seed, t)``: it has the same weights for all
    images, whatever ``batch`` is and however many draws follow.

    Blundell et al. 2015.  Raises :class:`InputError` if the net has no Bayesian layer, for then
    all draws would be equal.
    """
    if samples < 1:
        raise InputError(f"bayes_by_backprop.samples must be at least 1, not {samples}")
    classifier = classifiers[0]
    if not bayesian_layers(classifier):
        raise InputError(
            "bayes_by_backprop: the net's weights are plain numbers; name an objective of the "
            "kind bayesian"
        )
    draws = []
    for number in range(samples):
        with drawn_weights(classifier, derive(seed, number)):
            draws.append(torch.softmax(logits(classifier, pixels, batch), -1))
    return torch.stack(draws)


def cost(samples: int) -> int:
    """Passes of an image through nets."""
    return samples

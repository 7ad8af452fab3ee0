"""HopSkipJump, an attack that uses only the predicted classes of a net."""

from collections.abc import Callable

import eagerpy
import torch
from foolbox.attacks import HopSkipJumpAttack
from torch import Tensor

from plumbline.attacks.minimal_attack import run
from plumbline.models.classifier import Classifier, logits

LABEL = "HopSkipJump"


class HopSkipJump(HopSkipJumpAttack):
    """foolbox's attack with the direction of each image normalised to length 1.

    foolbox divides by the norm of the directions of the whole batch, so that the steps shrink
    with the size of the batch and depend on the other images in it.
    """

    def approximate_gradients(
        self, is_adversarial: Callable, x_advs: eagerpy.Tensor, steps: int, delta: eagerpy.Tensor
    ) -> eagerpy.Tensor:
        direction = super().approximate_gradients(is_adversarial, x_advs, steps, delta).raw
        length = direction.flatten(1).norm(dim=1).clamp(min=1e-12)
        return eagerpy.astensor(direction / length[:, None, None, None])


def perturb(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    *,
    seed: int,
    batch: int = 256,
    steps: int = 20,
    evaluations: int = 100,
) -> Tensor:
    """Move along the decision boundary towards the image, using only predicted classes.

    ``pixels`` [N, C, H, W] in [0, 1].  The search starts at the nearest of ``pixels`` with
    another prediction.  Each of ``steps`` steps estimates the direction of the boundary from
    ``evaluations`` · √step predictions nearby, moves along it and returns to the boundary by
    bisection.

    Chen, Jordan and Wainwright 2020, algorithm 2.
    """
    attack = HopSkipJump(steps=steps, initial_gradient_eval_steps=evaluations)
    return run(attack, classifier, pixels, labels, seed, batch, _starts(classifier, pixels, labels))


def _starts(classifier: Classifier, pixels: Tensor, labels: Tensor) -> Tensor:
    """For each image the nearest image that is not predicted as its label; itself if none."""
    predictions = logits(classifier, pixels).argmax(1)
    distance = torch.cdist(pixels.flatten(1), pixels.flatten(1))
    same = predictions == labels[:, None]
    nearest = distance.masked_fill(same, torch.inf).argmin(1)
    itself = torch.arange(len(pixels))
    return pixels[torch.where(same.all(1), itself, nearest)]

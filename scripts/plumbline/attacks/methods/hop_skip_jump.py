"""HopSkipJump, an attack that sees no more of a net than its decisions."""

from collections.abc import Callable

import eagerpy
import torch
from foolbox.attacks import HopSkipJumpAttack
from torch import Tensor

from plumbline.attacks.minimal_attack import run
from plumbline.models.classifier import Classifier, logits

LABEL = "HopSkipJump"


class HopSkipJump(HopSkipJumpAttack):
    """foolbox's attack, each image's direction of length 1.

    foolbox divides by the length of all directions of the batch together, so that the steps
    shrink with the size of the batch and depend on the other images in it.
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
    """Walk along the decision boundary towards the image, by the net's answers alone.

    ``pixels`` [N, C, H, W] in [0, 1].  It starts at the nearest of ``pixels`` with another
    answer.  Each of ``steps`` steps estimates the boundary's direction from ``evaluations`` · √step
    answers nearby, steps along it and returns to the boundary by bisection.

    Chen, Jordan and Wainwright 2020, algorithm 2.
    """
    attack = HopSkipJump(steps=steps, initial_gradient_eval_steps=evaluations)
    return run(attack, classifier, pixels, labels, seed, batch, _starts(classifier, pixels, labels))


def _starts(classifier: Classifier, pixels: Tensor, labels: Tensor) -> Tensor:
    """For each image the nearest that the net does not give its label; itself if there is none."""
    answers = logits(classifier, pixels).argmax(1)
    distance = torch.cdist(pixels.flatten(1), pixels.flatten(1))
    same = answers == labels[:, None]
    nearest = distance.masked_fill(same, torch.inf).argmin(1)
    own = torch.arange(len(pixels))
    return pixels[torch.where(same.all(1), own, nearest)]

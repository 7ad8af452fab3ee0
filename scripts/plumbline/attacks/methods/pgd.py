"""Projected gradient descent."""

from collections.abc import Sequence

from foolbox.attacks import LinfProjectedGradientDescentAttack
from torch import Tensor

from plumbline.attacks.gradient_attack import run
from plumbline.models.classifier import Classifier

LABEL = "PGD"


def perturb(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    *,
    seed: int,
    batch: int = 256,
    steps: int = 40,
    relative_step: float = 0.0333,
    random_start: bool = True,
) -> list[Tensor]:
    """``steps`` signed gradient steps of ``relative_step`` · ε, each projected onto the ε-ball.

    ``pixels`` [N, C, H, W] in [0, 1]; the loss is the cross-entropy with ``labels`` [N].  With
    ``random_start`` the search starts uniformly in the ε-ball, otherwise at the image.

    Madry et al. 2018.
    """
    attack = LinfProjectedGradientDescentAttack(
        rel_stepsize=relative_step, steps=steps, random_start=random_start
    )
    return run(attack, classifier, pixels, labels, epsilons, seed, batch)

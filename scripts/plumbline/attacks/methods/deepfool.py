"""DeepFool."""

from foolbox.attacks import L2DeepFoolAttack
from torch import Tensor

from plumbline.attacks.minimal_attack import run
from plumbline.models.classifier import Classifier

LABEL = "DeepFool"


def perturb(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    *,
    seed: int,
    batch: int = 256,
    steps: int = 50,
    overshoot: float = 0.02,
    candidates: int = 10,
) -> Tensor:
    """Step to the nearest linearised decision boundary until one is crossed.

    ``pixels`` [N, C, H, W] in [0, 1].  In each of at most ``steps`` steps the net is linearised
    and its ``candidates`` most probable classes are compared.  The total perturbation is
    multiplied by 1 + ``overshoot``, so that it does not end on the boundary itself.

    Moosavi-Dezfooli, Fawzi and Frossard 2016, algorithm 2.
    """
    attack = L2DeepFoolAttack(steps=steps, overshoot=overshoot, candidates=candidates)
    return run(attack, classifier, pixels, labels, seed, batch)

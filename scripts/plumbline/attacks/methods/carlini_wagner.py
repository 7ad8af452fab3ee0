"""Carlini and Wagner's attack."""

from foolbox.attacks import L2CarliniWagnerAttack
from torch import Tensor

from plumbline.attacks.minimal_attack import run
from plumbline.models.classifier import Classifier

LABEL = "Carlini-Wagner"


def perturb(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    *,
    seed: int,
    batch: int = 256,
    steps: int = 1000,
    search_steps: int = 9,
    step_size: float = 0.01,
    confidence: float = 0.0,
    initial_const: float = 0.001,
) -> Tensor:
    """Minimise ||δ||² + c · max(0, z_label - max of the other logits + ``confidence``).

    ``pixels`` [N, C, H, W] in [0, 1].  Adam with learning rate ``step_size`` takes at most
    ``steps`` steps in arctanh space.  The constant c starts at ``initial_const``, is multiplied
    by 10 until the attack succeeds, and is then bisected; ``search_steps`` values are tried.

    Carlini and Wagner 2017, section VI.A.
    """
    attack = L2CarliniWagnerAttack(
        binary_search_steps=search_steps,
        steps=steps,
        stepsize=step_size,
        confidence=confidence,
        initial_const=initial_const,
    )
    return run(attack, classifier, pixels, labels, seed, batch)

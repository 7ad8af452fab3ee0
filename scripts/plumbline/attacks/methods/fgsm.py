"""Fast gradient sign method."""

from collections.abc import Sequence

from foolbox.attacks import LinfFastGradientAttack
from torch import Tensor

from plumbline.attacks.gradient_attack import run
from plumbline.models.classifier import Classifier

LABEL = "FGSM"


def perturb(
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    *,
    seed: int,
    batch: int = 256,
) -> list[Tensor]:
    """One step of size ε along the sign of the loss gradient, for each ε in ``epsilons``.

    ``pixels`` [N, C, H, W] in [0, 1]; the loss is the cross-entropy with ``labels`` [N].

    Goodfellow, Shlens and Szegedy 2015.
    """
    return run(LinfFastGradientAttack(), classifier, pixels, labels, epsilons, seed, batch)

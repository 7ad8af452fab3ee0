"""Evidential deep learning: one net whose outputs are evidence for each class."""

from torch import Tensor

from plumbline.errors import InputError
from plumbline.models.classifier import Classifier, logits
from plumbline.training.losses import Evidential, dirichlet, trained_for

VARIANTS = {
    "evidential_log": "evidential, log loss",
    "evidential_digamma": "evidential, digamma loss",
}
FAMILY = "evidential"
OBJECTIVES = ("evidential",)


def predict(
    classifiers: list[Classifier],
    pixels: Tensor,
    *,
    seed: int,
    batch: int = 256,
) -> Tensor:
    """Mean of each image's Dirichlet distribution, float32 [1, N, K] on the CPU.

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8.  The result does not depend on
    ``seed``, which all estimators accept.

    Sensoy, Kaplan and Kandemir 2018.  Raises :class:`InputError` unless the first of
    ``classifiers`` is an evidential net.
    """
    alpha = concentration(classifiers, pixels, batch=batch)
    return (alpha / alpha.sum(-1, keepdim=True))[None]


def cost() -> int:
    """Passes of an image through nets."""
    return 1


def concentration(classifiers: list[Classifier], pixels: Tensor, *, batch: int = 256) -> Tensor:
    """Parameters alpha of each image's Dirichlet distribution, float32 [N, K] on the CPU.

    Each is at least 1 (evidence plus one), so that K / sum(alpha) is 1 without any evidence.
    Raises :class:`InputError` as :func:`predict`.
    """
    objective = trained_for(classifiers[0].record)
    if not isinstance(objective, Evidential):
        raise InputError(
            "evidential: the net is not evidential; set objective to an entry of "
            "training.objectives of kind evidential"
        )
    return dirichlet(logits(classifiers[0], pixels, batch), objective.evidence)

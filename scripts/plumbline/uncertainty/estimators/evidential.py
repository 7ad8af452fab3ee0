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

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8.  Nothing here is random: ``seed`` is
    taken because every estimator is called alike.

    Sensoy, Kaplan and Kandemir 2018.  Raises :class:`InputError` unless the first of
    ``classifiers`` was trained for evidence.
    """
    alpha = concentration(classifiers, pixels, batch=batch)
    return (alpha / alpha.sum(-1, keepdim=True))[None]


def cost() -> int:
    """Passes of an image through nets."""
    return 1


def concentration(classifiers: list[Classifier], pixels: Tensor, *, batch: int = 256) -> Tensor:
    """Parameters alpha of each image's Dirichlet distribution, float32 [N, K] on the CPU.

    Each is at least 1: evidence plus one, so K / sum(alpha) is 1 where there is no evidence at
    all.  Raises as :func:`predict` does.
    """
    objective = trained_for(classifiers[0].record)
    if not isinstance(objective, Evidential):
        raise InputError(
            "evidential: the net was not trained for evidence; name an objective of the kind "
            "evidential"
        )
    return dirichlet(logits(classifiers[0], pixels, batch), objective.evidence)

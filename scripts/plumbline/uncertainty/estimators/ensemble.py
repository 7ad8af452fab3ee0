"""Deep ensemble: one architecture trained with several random seeds."""

import torch
from torch import Tensor

from plumbline.errors import InputError
from plumbline.models.classifier import Classifier, logits

LABEL = "deep ensemble"
FAMILY = "ensemble"
NETS = "members"


def predict(
    classifiers: list[Classifier],
    pixels: Tensor,
    *,
    seed: int,
    batch: int = 256,
    members: int = 3,
) -> Tensor:
    """Class probabilities of the first ``members`` nets, float32 [members, N, K] on the CPU.

    ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8.  Dropout is off, so the result does not
    depend on ``seed``.  Nets run one after another: on a CPU, running them together with
    ``torch.func.vmap`` is slower except for single images, and then stacking the weights costs
    more than it saves (``benchmarks/uncertainty.py``).  Lakshminarayanan et al. 2017, without
    adversarial training.

    Raises :class:`InputError` unless there are ``members`` nets.
    """
    chosen = first_members("ensemble", classifiers, members)
    return torch.stack([torch.softmax(logits(each, pixels, batch), -1) for each in chosen])


def cost(members: int) -> int:
    """Passes of an image through nets."""
    return members


def first_members(method: str, classifiers: list[Classifier], members: int) -> list[Classifier]:
    """The first ``members`` nets; raises :class:`InputError` with ``method`` if there are fewer."""
    if not 1 <= members <= len(classifiers):
        raise InputError(f"{method}.members: {members}, but there are {len(classifiers)} nets")
    return classifiers[:members]

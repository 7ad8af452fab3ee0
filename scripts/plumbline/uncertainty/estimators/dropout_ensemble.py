"""Ensemble of MC dropout: nets of several training seeds, with several passes each."""

import torch
from torch import Tensor

from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive
from plumbline.uncertainty.estimators.ensemble import first_members
from plumbline.uncertainty.estimators.mc_dropout import passes

LABEL = "ensemble of MC dropout"
FAMILY = "ensemble"
NETS = "members"
PASSES = "samples"
NEEDS = ("dropout",)


def predict(
    classifiers: list[Classifier],
    pixels: Tensor,
    *,
    seed: int,
    batch: int = 256,
    members: int = 3,
    samples: int = 20,
) -> Tensor:
    """Class probabilities for ``samples`` random passes of each of the first ``members`` nets.

    Returns float32 [members * samples, N, K] on the CPU, beginning with all passes of the first
    member.  ``pixels`` [N, C, H, W] are float32 in [0, 1] or uint8.  Member m draws its masks as
    MC dropout with the seed ``derive(seed, m)``, so that its passes do not depend on the number of
    members or passes.

    Smith and Gal 2018.  Raises :class:`InputError` if there are fewer than ``members`` nets, and
    in the same cases as MC dropout.
    """
    chosen = first_members("dropout_ensemble", classifiers, members)
    answers = [
        passes("dropout_ensemble", each, pixels, derive(seed, member), batch, samples)
        for member, each in enumerate(chosen)
    ]
    return torch.softmax(torch.cat(answers), -1)


def cost(members: int, samples: int) -> int:
    """Passes of an image through nets."""
    return members * samples

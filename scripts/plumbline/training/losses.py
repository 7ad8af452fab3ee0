"""What a net is trained for: class probabilities, or evidence for each class."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

EVIDENCE = {
    "relu": torch.relu,
    "softplus": F.softplus,
    "exp": lambda outputs: outputs.clamp(max=10).exp(),  # the authors' limit, against overflow
}


class Objective(Protocol):
    """A loss, and how the net's outputs [N, K] are read as probabilities."""

    loss_name: str

    @property
    def record(self) -> dict[str, str | int]:
        """What a Classifier's record says of it, for :func:`trained_for`."""

    def loss(self, outputs: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """Mean loss of a batch in the epoch ``epoch``, counted from 0."""

    def log_probabilities(self, outputs: Tensor) -> Tensor:
        """Logarithms of the class probabilities, [N, K]."""

    def uncertainty(self, outputs: Tensor) -> Tensor:
        """How much evidence is missing, in [0, 1], [N]; NaN where the net knows no evidence."""


@dataclass(frozen=True)
class CrossEntropy:
    """Outputs are logits; the loss is the negative log-likelihood of their softmax."""

    loss_name = "train_nll"

    @property
    def record(self) -> dict[str, str | int]:
        return {}

    def loss(self, outputs: Tensor, labels: Tensor, epoch: int) -> Tensor:
        return F.cross_entropy(outputs, labels)

    def log_probabilities(self, outputs: Tensor) -> Tensor:
        return F.log_softmax(outputs, 1)

    def uncertainty(self, outputs: Tensor) -> Tensor:
        return torch.full_like(outputs[:, 0], torch.nan)


@dataclass(frozen=True)
class Evidential:
    """Outputs become evidence for each class, the parameters of a Dirichlet distribution.

    ``evidence`` is ``relu``, ``softplus`` or ``exp``.  The loss is the expected squared error
    (:func:`squared_error`) plus the divergence of the misleading evidence from none
    (:func:`divergence`), whose weight grows from 0 to 1 over ``annealing`` epochs.

    Sensoy, Kaplan and Kandemir 2018, "Evidential deep learning to quantify classification
    uncertainty", section 4.
    """

    evidence: str
    annealing: int
    loss_name = "train_loss"

    @property
    def record(self) -> dict[str, str | int]:
        return {"objective": "evidential", "evidence": self.evidence, "annealing": self.annealing}

    def loss(self, outputs: Tensor, labels: Tensor, epoch: int) -> Tensor:
        alpha = dirichlet(outputs, self.evidence)
        truth = F.one_hot(labels, alpha.shape[1]).to(alpha)
        misleading = truth + (1 - truth) * alpha
        weight = min(1.0, epoch / self.annealing)
        return (squared_error(alpha, truth) + weight * divergence(misleading)).mean()

    def log_probabilities(self, outputs: Tensor) -> Tensor:
        alpha = dirichlet(outputs, self.evidence)
        return alpha.log() - alpha.sum(1, keepdim=True).log()

    def uncertainty(self, outputs: Tensor) -> Tensor:
        return outputs.shape[1] / dirichlet(outputs, self.evidence).sum(1)


def trained_for(record: dict[str, Any]) -> Objective:
    """The objective that a Classifier's ``record`` names."""
    if record.get("objective") == "evidential":
        return Evidential(record["evidence"], record["annealing"])
    return CrossEntropy()


def dirichlet(outputs: Tensor, evidence: str) -> Tensor:
    """Parameters alpha of the Dirichlet distribution, evidence plus one, [N, K].

    The class probabilities are alpha / S with S the sum of alpha, the uncertainty is K / S.
    """
    return EVIDENCE[evidence](outputs) + 1


def squared_error(alpha: Tensor, truth: Tensor) -> Tensor:
    """Expected squared error to the one-hot ``truth`` [N, K] under Dir(``alpha``), [N].

    The sum over classes of (y - p)^2 + p (1 - p) / (S + 1), p = alpha / S: Sensoy et al. 2018,
    eq. 5.
    """
    strength = alpha.sum(1, keepdim=True)
    mean = alpha / strength
    return ((truth - mean).square() + mean * (1 - mean) / (strength + 1)).sum(1)


def divergence(alpha: Tensor) -> Tensor:
    """Kullback-Leibler divergence of Dir(``alpha``) from the uniform Dir(1, ..., 1), [N].

    The closed form of Sensoy et al. 2018, section 4.
    """
    strength, classes = alpha.sum(1), torch.tensor(float(alpha.shape[1])).to(alpha)
    constant = torch.lgamma(strength) - torch.lgamma(classes) - torch.lgamma(alpha).sum(1)
    difference = torch.digamma(alpha) - torch.digamma(strength)[:, None]
    return constant + ((alpha - 1) * difference).sum(1)

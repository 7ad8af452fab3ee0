"""Training objectives: class probabilities, evidence for each class, a posterior of weights."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plumbline.models.bayesian import divergence_from_prior

EVIDENCE = {
    "relu": torch.relu,
    "softplus": F.softplus,
    "exp": lambda outputs: outputs.clamp(max=10).exp(),  # the authors' limit, against overflow
}


class Objective(Protocol):
    """A loss, and the interpretation of a net's outputs [N, K] as probabilities."""

    @property
    def loss_name(self) -> str:
        """The column of the history that holds the mean training loss."""

    @property
    def initial_scale(self) -> float | None:
        """Initial standard deviation of a Bayesian net's weights; None for ordinary weights."""

    @property
    def record(self) -> dict[str, str | float]:
        """The objective as part of a Classifier's record, for :func:`trained_for`."""

    def mean_loss(self, outputs: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """Mean loss of a batch in epoch number ``epoch``, from 0.

        ``labels`` are class numbers [N]; cross-entropy also accepts probabilities [N, K].
        """

    def penalty(self, network: nn.Module, images: int) -> Tensor | float:
        """Contribution of the weights to the mean loss, for a training set of ``images`` images."""

    def log_probabilities(self, outputs: Tensor) -> Tensor:
        """Logarithms of the class probabilities, [N, K]."""

    def uncertainty(self, outputs: Tensor) -> Tensor:
        """Vacuity, the lack of evidence, in [0, 1], [N]; NaN unless the net is evidential."""


@dataclass(frozen=True)
class CrossEntropy:
    """Outputs are logits; the loss is the negative log-likelihood of their softmax."""

    loss_name = "train_nll"
    initial_scale = None

    @property
    def record(self) -> dict[str, str | float]:
        return {}

    def mean_loss(self, outputs: Tensor, labels: Tensor, epoch: int) -> Tensor:
        return F.cross_entropy(outputs, labels)

    def penalty(self, network: nn.Module, images: int) -> Tensor | float:
        return 0.0

    def log_probabilities(self, outputs: Tensor) -> Tensor:
        return F.log_softmax(outputs, 1)

    def uncertainty(self, outputs: Tensor) -> Tensor:
        return torch.full_like(outputs[:, 0], torch.nan)


@dataclass(frozen=True)
class Bayesian(CrossEntropy):
    """Cross-entropy of a net whose weights are drawn, plus their divergence from the prior.

    The prior of every weight and bias is N(0, ``prior_scale``^2).  In the mean loss of a batch
    the divergence is divided by the number of training images, so that the mean over the batches
    of an epoch, times that number, is the negative evidence lower bound.  On val, the net with
    the means of its weights is evaluated.

    Blundell et al. 2015, section 3: bayes by backprop.
    """

    prior_scale: float
    initial_scale: float  # type: ignore[assignment]  # a field in place of the class's None
    loss_name = "train_loss"

    @property
    def record(self) -> dict[str, str | float]:
        return {"objective": "bayesian", **asdict(self)}

    def penalty(self, network: nn.Module, images: int) -> Tensor:
        return divergence_from_prior(network, self.prior_scale) / images


@dataclass(frozen=True)
class Evidential:
    """Outputs become evidence for each class, the parameters of a Dirichlet distribution.

    ``evidence`` is ``relu``, ``softplus`` or ``exp``; ``loss`` is a key of :data:`EXPECTED`.  The
    penalty on misleading evidence is its divergence from no evidence (:func:`divergence`), with a
    weight that grows from 0 to 1 over ``annealing`` epochs.

    Sensoy, Kaplan and Kandemir 2018, "Evidential deep learning to quantify classification
    uncertainty", section 4.
    """

    loss: str
    evidence: str
    annealing: int
    loss_name = "train_loss"
    initial_scale = None

    @property
    def record(self) -> dict[str, str | float]:
        return {"objective": "evidential", **asdict(self)}

    def mean_loss(self, outputs: Tensor, labels: Tensor, epoch: int) -> Tensor:
        alpha = dirichlet(outputs, self.evidence)
        truth = F.one_hot(labels, alpha.shape[1]).to(alpha)
        misleading = truth + (1 - truth) * alpha
        weight = min(1.0, epoch / self.annealing)
        return (EXPECTED[self.loss](alpha, truth) + weight * divergence(misleading)).mean()

    def penalty(self, network: nn.Module, images: int) -> Tensor | float:
        return 0.0

    def log_probabilities(self, outputs: Tensor) -> Tensor:
        alpha = dirichlet(outputs, self.evidence)
        return alpha.log() - alpha.sum(1, keepdim=True).log()

    def uncertainty(self, outputs: Tensor) -> Tensor:
        return outputs.shape[1] / dirichlet(outputs, self.evidence).sum(1)


def trained_for(record: dict[str, Any]) -> Objective:
    """The objective described by a Classifier's ``record``."""
    match record.get("objective"):
        case "evidential":
            return Evidential(record["loss"], record["evidence"], record["annealing"])
        case "bayesian":
            return Bayesian(record["prior_scale"], record["initial_scale"])
        case _:
            return CrossEntropy()


def dirichlet(outputs: Tensor, evidence: str) -> Tensor:
    """Parameters alpha of the Dirichlet distribution, evidence plus one, [N, K].

    With S the sum of alpha, the class probabilities are alpha / S and the uncertainty is K / S.
    """
    return EVIDENCE[evidence](outputs) + 1


def log_loss(alpha: Tensor, truth: Tensor) -> Tensor:
    """Negative logarithm of the expected probability of the one-hot ``truth`` [N, K], [N].

    log S - log alpha of the true class: Sensoy et al. 2018, eq. 3, type II maximum likelihood.
    """
    return alpha.sum(1).log() - (truth * alpha.log()).sum(1)


def digamma_loss(alpha: Tensor, truth: Tensor) -> Tensor:
    """Expected cross-entropy to the one-hot ``truth`` [N, K] under Dir(``alpha``), [N].

    psi(S) - psi(alpha) of the true class: Sensoy et al. 2018, eq. 4.
    """
    return torch.digamma(alpha.sum(1)) - (truth * torch.digamma(alpha)).sum(1)


def squared_error(alpha: Tensor, truth: Tensor) -> Tensor:
    """Expected squared error to the one-hot ``truth`` [N, K] under Dir(``alpha``), [N].

    The sum over classes of (y - p)^2 + p (1 - p) / (S + 1), p = alpha / S: Sensoy et al. 2018,
    eq. 5.
    """
    strength = alpha.sum(1, keepdim=True)
    mean = alpha / strength
    return ((truth - mean).square() + mean * (1 - mean) / (strength + 1)).sum(1)


EXPECTED = {"squared_error": squared_error, "log": log_loss, "digamma": digamma_loss}


def divergence(alpha: Tensor) -> Tensor:
    """Kullback-Leibler divergence of Dir(``alpha``) from the uniform Dir(1, ..., 1), [N].

    The closed form of Sensoy et al. 2018, section 4.
    """
    strength, classes = alpha.sum(1), torch.tensor(float(alpha.shape[1])).to(alpha)
    constant = torch.lgamma(strength) - torch.lgamma(classes) - torch.lgamma(alpha).sum(1)
    difference = torch.digamma(alpha) - torch.digamma(strength)[:, None]
    return constant + ((alpha - 1) * difference).sum(1)

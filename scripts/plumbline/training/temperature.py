"""Temperature scaling: one parameter that calibrates a net's confidence."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plumbline.metrics.intervals import bootstrap_counts, interval
from plumbline.models.classifier import Classifier

BOUND = 6.0  # limit of |log T|; without any error there is no finite optimum


def fit_temperature(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> float:
    """Temperature T > 0 that minimises the NLL of ``logits / T``, by LBFGS on log T.

    ``logits`` [N, K], ``labels`` [N]; ``weights`` [N] are counts of the images, by default 1.
    T is limited to exp(±6).

    Guo et al. 2017, section 4.2.
    """
    logits = logits.double()
    weights = torch.ones(len(labels)) if weights is None else weights
    log_t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        per_image = F.cross_entropy(logits / log_t.exp(), labels, reduction="none")
        total = (per_image * weights).sum() / weights.sum()
        total.backward()
        return total

    optimizer.step(loss)
    return float(log_t.detach().clamp(-BOUND, BOUND).exp())


def temperature_interval(
    logits: Tensor, labels: Tensor, seed: int, resamples: int = 200
) -> tuple[float, float, float]:
    """Temperature with its 95 % bootstrap interval over images: ``(T, low, high)``."""
    counts = torch.tensor(bootstrap_counts(len(labels), seed, resamples), dtype=torch.float64)
    samples = torch.tensor([fit_temperature(logits, labels, weights) for weights in counts])
    return fit_temperature(logits, labels), *interval(samples.numpy())


class Divide(nn.Module):
    """Last layer of a net with a temperature: logits divided by ``temperature``."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, logits: Tensor) -> Tensor:
        return logits / self.temperature


def with_temperature(classifier: Classifier, temperature: float) -> Classifier:
    """A copy of the net whose logits are divided by ``temperature``.

    Raises ``ValueError`` unless the temperature is above 0.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature must be above 0, not {temperature}")
    scaled = copy.deepcopy(classifier)
    scaled.network.add_module("temperature", Divide(temperature))
    return scaled

"""Layers whose weights are independent normal distributions (mean field).

A Bayesian layer is an ordinary layer whose ``weight`` and ``bias`` are the means, with an
additional parameter ``rho`` for each: the standard deviation is softplus(rho).  The forward pass
depends on the state:

- in evaluation mode it uses the means only, like an ordinary net;
- within :func:`drawn_weights` it uses weights that are drawn once, the same for all images;
- in training mode it uses one draw per image in a dense layer, by local reparametrisation, and
  one draw for the whole batch in a convolution.

Blundell et al. 2015, "Weight uncertainty in neural networks".  Local reparametrisation is due to
Kingma, Salimans and Welling 2015: given the input, the outputs of a dense layer are independent
normal variables, so they are drawn instead of the weights.  The expected loss is the same and its
gradient has less variance.  This does not hold for a convolution, where all positions share one
kernel.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PARTS = ("weight", "bias")
TINY = 1e-16  # lower limit of variances: the derivative of the square root is infinite at 0


class MeanField(nn.Module):
    """Mixin of Bayesian layers; the other base is a layer with ``weight`` and ``bias``."""

    drawn: dict[str, Tensor] | None = None

    def widen(self, scale: float) -> None:
        """Add the parameters of the standard deviations, all equal to ``scale``."""
        for part in PARTS:
            mean, rho = getattr(self, part), None
            if mean is not None:
                rho = nn.Parameter(torch.full_like(mean, math.log(math.expm1(scale))))
            self.register_parameter(f"{part}_rho", rho)

    def posterior(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Mean and standard deviation of ``weight`` and, if present, ``bias``."""
        means = {part: getattr(self, part) for part in PARTS}
        return {
            part: (mean, F.softplus(getattr(self, f"{part}_rho")))
            for part, mean in means.items()
            if mean is not None
        }

    def draw(self, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Draw weights from the posterior: by torch's global generator on the layer's device, or
        by ``generator`` on the CPU, which gives the same numbers on every device."""
        drawn = {}
        for part, (mean, deviation) in self.posterior().items():
            if generator is None:
                noise = torch.randn_like(mean)
            else:
                noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype).to(mean)
            drawn[part] = mean + deviation * noise
        return drawn


class BayesLinear(MeanField, nn.Linear):
    """Dense layer with normally distributed weights."""

    def forward(self, hidden: Tensor) -> Tensor:
        if self.drawn is not None:
            return F.linear(hidden, **self.drawn)
        mean = super().forward(hidden)
        if not self.training:
            return mean
        squares = {part: deviation.square() for part, (_, deviation) in self.posterior().items()}
        variance = F.linear(hidden.square(), **squares)
        return mean + variance.clamp(min=TINY).sqrt() * torch.randn_like(mean)


class BayesConv2d(MeanField, nn.Conv2d):
    """Convolution with normally distributed weights."""

    def forward(self, hidden: Tensor) -> Tensor:
        drawn = self.draw() if self.training and self.drawn is None else self.drawn
        if drawn is None:
            return super().forward(hidden)
        return self._conv_forward(hidden, drawn["weight"], drawn.get("bias"))


KINDS: dict[type[nn.Module], type[MeanField]] = {nn.Linear: BayesLinear, nn.Conv2d: BayesConv2d}


def make_bayesian(network: nn.Module, scale: float) -> None:
    """Convert the dense and convolutional layers of a net to Bayesian layers, in place.

    Their weights become the means; all standard deviations are ``scale``.  Batch normalisation is
    unchanged, and dropout is removed, so that only the posterior is random.
    """
    for name, layer in list(network.named_children()):
        if kind := KINDS.get(type(layer)):
            layer.__class__ = kind  # keeps the weights and their names
            cast(MeanField, layer).widen(scale)
        elif isinstance(layer, nn.Dropout):
            network.register_module(name, nn.Identity())
        else:
            make_bayesian(layer, scale)


def bayesian_layers(network: nn.Module) -> list[MeanField]:
    """The Bayesian layers of a net, in the order of ``modules()``."""
    return [layer for layer in network.modules() if isinstance(layer, MeanField)]


def divergence_from_prior(network: nn.Module, prior_scale: float) -> Tensor:
    """Kullback-Leibler divergence of the posterior from the prior N(0, ``prior_scale``^2).

    A scalar in nats, the sum over all weights and biases of log(p / s) + (s^2 + m^2) / (2 p^2)
    - 1/2, where p is ``prior_scale``, m the mean and s the standard deviation.
    """
    terms = []
    for layer in bayesian_layers(network):
        for mean, deviation in layer.posterior().values():
            squares = sum(values.flatten().dot(values.flatten()) for values in (mean, deviation))
            constant = mean.numel() * (math.log(prior_scale) - 0.5)
            terms.append(squares / (2 * prior_scale**2) - deviation.log().sum() + constant)
    return torch.stack(terms).sum()


@contextmanager
def drawn_weights(network: nn.Module, seed: int) -> Iterator[None]:
    """While active, the net uses weights that are drawn once from its posterior.

    The weights depend only on ``seed``.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = bayesian_layers(network)
    for layer in layers:
        layer.drawn = layer.draw(generator)
    try:
        yield
    finally:
        for layer in layers:
            layer.drawn = None

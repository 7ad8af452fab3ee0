"""Neuron switch: some neurons of a layer change places."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.stability.layers import NoMutant, how_many, weight_layers

FEWEST = 10  # neurons of a layer in which some are switched


def mutate(
    network: nn.Module, *, seed: int, rate: float = 0.03, layers: str = "all"
) -> dict[str, Tensor]:
    """State of one mutant as far as it differs from ``network``, which is not changed.

    In every layer of at least 10 neurons (rows of dense layers, filters of convolutions) a
    random share ``rate`` is drawn by ``seed``: ``rate`` times their number, rounded down where
    that is above 2, else up.  The chosen ones take each other's weights and biases in one
    circle, so that each of them moves; where only one is chosen the layer stays as it is.
    ``layers`` is all, dense or convolutional.

    Raises :class:`NoMutant` if no layer has two to switch.

    Ma et al. 2018 (DeepMutation); Wang et al. 2019, whose code leaves the biases behind and
    shuffles, so that a pair stays as it is every other time; rates 0.01, 0.03 and 0.05.
    """
    rng, changes = np.random.default_rng(seed), {}
    for name, layer in weight_layers(network, layers).items():
        neurons = len(layer.weight)
        count = _share(rate, neurons)
        if neurons < FEWEST or count < 2:
            continue
        chosen = torch.from_numpy(rng.permutation(neurons)[:count]).to(layer.weight.device)
        for kind, value in layer.named_parameters(recurse=False):
            changed = value.detach().clone()
            changed[chosen] = value.detach()[chosen.roll(1)]
            changes[f"{name}.{kind}"] = changed
    if not changes:
        raise NoMutant(f"no layer has two neurons to switch at the rate {rate:g}: raise it")
    return changes


def _share(rate: float, neurons: int) -> int:
    how_many(rate, neurons)  # refuses impossible rates
    exact = rate * neurons
    return math.floor(exact) if exact > 2 else math.ceil(exact)

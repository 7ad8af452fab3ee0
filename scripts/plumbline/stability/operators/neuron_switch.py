"""Neuron switch: random neurons of a layer are permuted."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.stability.layers import NoMutant, how_many, weight_layers

FEWEST = 10  # minimum number of neurons of a layer in which some are switched


def mutate(
    network: nn.Module, *, seed: int, rate: float = 0.03, layers: str = "all"
) -> dict[str, Tensor]:
    """Parameters of a mutant that differ from those of ``network``, which is unchanged.

    In every layer of at least 10 neurons (rows of dense layers, filters of convolutions), ``rate``
    times their number (rounded down if above 2, else up) are chosen by ``seed``.  The chosen
    neurons exchange their weights and biases in one cycle, so that each of them changes; if only
    one is chosen, the layer is unchanged.  ``layers`` is all, dense or convolutional.

    Raises :class:`NoMutant` if no layer has two neurons to switch.

    Ma et al. 2018 (DeepMutation); Wang et al. 2019, rates 0.01, 0.03 and 0.05, whose code does not
    move the biases and shuffles, so that every other pair is unchanged.
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
        raise NoMutant(f"no layer has two neurons to switch at the rate {rate:g}: increase it")
    return changes


def _share(rate: float, neurons: int) -> int:
    how_many(rate, neurons)  # rejects invalid rates
    exact = rate * neurons
    return math.floor(exact) if exact > 2 else math.ceil(exact)

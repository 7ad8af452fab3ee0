"""Neuron activation inversion: the outputs of random neurons change sign."""

import numpy as np
from torch import Tensor, nn

from plumbline.stability.layers import chosen_neurons, following_norms

VARIANTS = {"inversion_after_normalisation": "inversion after batch norm."}


def mutate(
    network: nn.Module,
    *,
    seed: int,
    rate: float = 0.03,
    layers: str = "all",
    after_normalisation: bool = False,
) -> dict[str, Tensor]:
    """Parameters of a mutant that differ from those of ``network``, which is unchanged.

    A random share ``rate`` of all neurons (rows of dense layers, filters of convolutions,
    including the output layer; at least one) is chosen by ``seed``.  Weights and bias of each are
    multiplied by -1, so that it computes -z instead of z before its activation function.

    If batch normalisation follows a convolution, this is not an inversion: the running mean m is
    unchanged, so the normalised value becomes g (-z - m) / s + b, which is the inverted
    g (z - m) / s shifted by -2 g m / s.  Study 004 did the same.  With ``after_normalisation``
    g and b of the normalisation are multiplied by -1 instead, so that the neuron computes
    -(g (z - m) / s + b) before its activation function; neurons not directly followed by a
    normalisation are inverted as before.  The same seed chooses the same neurons in both cases.

    ``layers`` is all, dense or convolutional.

    Ma et al. 2018 (DeepMutation); Wang et al. 2019, whose rates are 0.01, 0.03 and 0.05.
    """
    norms = following_norms(network) if after_normalisation else {}
    chosen = chosen_neurons(network, np.random.default_rng(seed), rate, layers)
    changes = {}
    for name, (weighted, neurons) in chosen.items():
        layer: nn.Module = weighted
        if name in norms:
            name, layer = norms[name], network.get_submodule(norms[name])
        for kind, value in layer.named_parameters(recurse=False):
            changed = value.detach().clone()
            changed[neurons] *= -1
            changes[f"{name}.{kind}"] = changed
    return changes

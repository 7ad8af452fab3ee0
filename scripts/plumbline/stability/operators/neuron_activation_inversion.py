"""Neuron activation inversion: some neurons answer with the opposite sign."""

import torch
from torch import Tensor, nn

from plumbline.stability.layers import how_many, weight_layers


def mutate(network: nn.Module, *, seed: int, rate: float = 0.03) -> dict[str, Tensor]:
    """State of one mutant as far as it differs from ``network``, which is not changed.

    A random share ``rate`` of all neurons (rows of dense layers, filters of convolutions, the
    output layer's too; at least one) is drawn by ``seed``; weights and bias of each are
    multiplied by -1, so that it computes -z in place of z before its activation function.

    Where batch normalisation follows a convolution this is no inversion: the running mean m
    is kept, so the normalised value becomes g (-z - m) / s + b, which is the inverted
    g (z - m) / s shifted by -2 g m / s.  Study 004 did the same.

    Ma et al. 2018 (DeepMutation); Wang et al. 2019, whose rates are 0.01, 0.03 and 0.05.
    """
    layers = weight_layers(network)
    sizes = [len(layer.weight) for layer in layers.values()]
    generator = torch.Generator().manual_seed(seed)
    signs = torch.ones(sum(sizes))
    signs[torch.randperm(len(signs), generator=generator)[: how_many(rate, len(signs))]] = -1
    changes = {}
    for (name, layer), sign in zip(layers.items(), signs.split(sizes), strict=True):
        if (sign < 0).any():
            sign = sign.to(layer.weight)
            for kind, value in layer.named_parameters(recurse=False):
                shape = (-1,) + (1,) * (value.ndim - 1)
                changes[f"{name}.{kind}"] = value.detach() * sign.reshape(shape)
    return changes

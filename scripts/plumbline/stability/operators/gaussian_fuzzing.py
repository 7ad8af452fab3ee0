"""Gaussian fuzzing: random weights are re-drawn from the distribution of their layer."""

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.stability.layers import choose, weight_layers

LABEL = "Gaussian fuzzing"


def mutate(
    network: nn.Module, *, seed: int, rate: float = 0.03, layers: str = "all"
) -> dict[str, Tensor]:
    """Parameters of a mutant that differ from those of ``network``, which is unchanged.

    A random share ``rate`` of the weights of all convolutions and dense layers together (at least
    one weight; biases and batch normalisation are unchanged) is chosen by ``seed`` and replaced
    by draws from the normal distribution with the mean and standard deviation of the layer's
    weights.  ``layers`` is all, dense or convolutional.

    Wang et al. 2019, rates 0.01, 0.03 and 0.05; Ma et al. 2018 (DeepMutation) add noise to the
    weights instead of replacing them.
    """
    found = weight_layers(network, layers)
    rng = np.random.default_rng(seed)
    parts = choose(rng, rate, [layer.weight.numel() for layer in found.values()])
    changes = {}
    for (name, layer), which in zip(found.items(), parts, strict=True):
        if len(which):
            changed = layer.weight.detach().clone()
            deviation, mean = torch.std_mean(changed, correction=0)
            draws = torch.from_numpy(rng.standard_normal(len(which), np.float32)).to(changed)
            index = torch.from_numpy(which).to(changed.device)
            changed.index_put_(torch.unravel_index(index, changed.shape), mean + deviation * draws)
            changes[f"{name}.weight"] = changed
    return changes

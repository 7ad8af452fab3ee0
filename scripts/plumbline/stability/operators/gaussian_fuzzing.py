"""Gaussian fuzzing: some weights are drawn anew from their layer's distribution."""

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.stability.layers import choose, weight_layers

LABEL = "Gaussian fuzzing"


def mutate(
    network: nn.Module, *, seed: int, rate: float = 0.03, layers: str = "all"
) -> dict[str, Tensor]:
    """State of one mutant as far as it differs from ``network``, which is not changed.

    A random share ``rate`` of the weights of all convolutions and dense layers together (at
    least one; biases and batch normalisation stay) is drawn by ``seed`` and replaced by draws
    from the normal distribution with the mean and the standard deviation of the layer's
    weights.  A weight is replaced, not jittered around its old value.  ``layers`` is all, dense
    or convolutional.

    Wang et al. 2019, after Ma et al. 2018 (DeepMutation), who jitter; rates 0.01, 0.03, 0.05.
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
            place = torch.from_numpy(which).to(changed.device)
            changed.index_put_(torch.unravel_index(place, changed.shape), mean + deviation * draws)
            changes[f"{name}.weight"] = changed
    return changes

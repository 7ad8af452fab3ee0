"""Gaussian fuzzing: some weights are drawn anew from their layer's distribution."""

import torch
from torch import Tensor, nn

from plumbline.stability.layers import how_many, weight_layers


def mutate(network: nn.Module, *, seed: int, rate: float = 0.03) -> dict[str, Tensor]:
    """State of one mutant as far as it differs from ``network``, which is not changed.

    A random share ``rate`` of the weights of all convolutions and dense layers together (at
    least one; biases and batch normalisation stay) is drawn by ``seed`` and replaced by draws
    from the normal distribution with the mean and the standard deviation of the layer's
    weights.  A weight is replaced, not jittered around its old value.

    Wang et al. 2019, after Ma et al. 2018 (DeepMutation), who jitter; rates 0.01, 0.03, 0.05.
    """
    layers = weight_layers(network)
    sizes = [layer.weight.numel() for layer in layers.values()]
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(sum(sizes), dtype=torch.bool)
    chosen[torch.randperm(len(chosen), generator=generator)[: how_many(rate, len(chosen))]] = True
    changes = {}
    for (name, layer), which in zip(layers.items(), chosen.split(sizes), strict=True):
        if count := int(which.sum()):
            changed = layer.weight.detach().clone()
            deviation, mean = torch.std_mean(changed, correction=0)
            draws = torch.randn(count, generator=generator).to(changed)
            changed[which.reshape(changed.shape).to(changed.device)] = mean + deviation * draws
            changes[f"{name}.weight"] = changed
    return changes

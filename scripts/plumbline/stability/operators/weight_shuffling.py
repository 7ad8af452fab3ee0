"""Weight shuffling: the incoming weights of random neurons are permuted."""

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.stability.layers import chosen_neurons


def mutate(
    network: nn.Module, *, seed: int, rate: float = 0.03, layers: str = "all"
) -> dict[str, Tensor]:
    """Parameters of a mutant that differ from those of ``network``, which is unchanged.

    A random share ``rate`` of all neurons (rows of dense layers, filters of convolutions,
    including the output layer; at least one) is chosen by ``seed``; the incoming weights of each
    are permuted randomly.  Biases are unchanged.  ``layers`` is all, dense or convolutional.

    Ma et al. 2018 (DeepMutation); Wang et al. 2019, whose rates are 0.01, 0.03 and 0.05.
    """
    rng = np.random.default_rng(seed)
    changes = {}
    for name, (layer, neurons) in chosen_neurons(network, rng, rate, layers).items():
        changed = layer.weight.detach().clone()
        rows = changed[neurons].flatten(1)
        order = rng.permuted(np.tile(np.arange(rows.shape[1]), (len(rows), 1)), axis=1)
        rows = rows.gather(1, torch.from_numpy(order).to(rows.device))
        changed[neurons] = rows.reshape(len(rows), *changed.shape[1:])
        changes[f"{name}.weight"] = changed
    return changes

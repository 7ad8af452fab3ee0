"""The layers that mutation operators change, and the random choice of weights and neurons."""

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.errors import InputError

KINDS = {"all": (nn.Conv2d, nn.Linear), "dense": (nn.Linear,), "convolutional": (nn.Conv2d,)}


class NoMutant(InputError):
    """An operator has nothing to change at its rate."""


def weight_layers(network: nn.Module, layers: str = "all") -> dict[str, nn.Conv2d | nn.Linear]:
    """All convolutions and dense layers by name, including the output layer.

    ``layers`` restricts them to ``dense`` or ``convolutional`` layers.  Raises
    :class:`InputError` for any other value, or if the net has no such layer.
    """
    if layers not in KINDS:
        raise InputError(f"a mutation's layers must be {', '.join(KINDS)}, not {layers!r}")
    found = {
        name: layer for name, layer in network.named_modules() if isinstance(layer, KINDS[layers])
    }
    if not found:
        raise InputError(f"this net has no {layers} layer to mutate")
    return found


def following_norms(network: nn.Module) -> dict[str, str]:
    """The batch normalisation that directly follows a convolution: name -> name.

    Layers follow one another in the order in which the net registers them, which is that of the
    data in all nets here.  A normalisation without weights of its own is not counted.
    """
    leaves = [(name, each) for name, each in network.named_modules() if not list(each.children())]
    return {
        name: after
        for (name, layer), (after, norm) in itertools.pairwise(leaves)
        if isinstance(layer, nn.Conv2d)
        and isinstance(norm, nn.BatchNorm2d)
        and norm.affine
        and norm.num_features == layer.out_channels
    }


def how_many(rate: float, total: int) -> int:
    """The share ``rate`` of ``total``, rounded, at least one.

    Raises :class:`InputError` unless ``rate`` is in (0, 1].
    """
    if not 0 < rate <= 1:
        raise InputError(f"a mutation's rate must be in (0, 1], not {rate}")
    return max(1, round(rate * total))


def choose(rng: np.random.Generator, rate: float, sizes: list[int]) -> list[np.ndarray]:
    """A random share ``rate`` of the elements of all layers, which have ``sizes`` elements.

    Returns the sorted indices of the chosen elements of each layer, possibly none.
    """
    total = sum(sizes)
    chosen = np.sort(rng.choice(total, how_many(rate, total), replace=False, shuffle=False))
    ends = np.cumsum(sizes)
    parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    return [part - (end - size) for part, end, size in zip(parts, ends, sizes, strict=True)]


def chosen_neurons(
    network: nn.Module, rng: np.random.Generator, rate: float, layers: str
) -> dict[str, tuple[nn.Conv2d | nn.Linear, Tensor]]:
    """A random share ``rate`` of all neurons: rows of dense layers, filters of convolutions.

    Returns the layers with chosen neurons, by name, each with the indices of its chosen neurons
    on the device of the weights.
    """
    found = weight_layers(network, layers)
    parts = choose(rng, rate, [len(layer.weight) for layer in found.values()])
    return {
        name: (layer, torch.from_numpy(part).to(layer.weight.device))
        for (name, layer), part in zip(found.items(), parts, strict=True)
        if len(part)
    }

"""The layers whose weights mutation operators change, and how many of them."""

from torch import nn

from plumbline.errors import InputError


def weight_layers(network: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """Every convolution and dense layer by name, the output layer among them."""
    return {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }


def how_many(rate: float, total: int) -> int:
    """The share ``rate`` of ``total``, at least one.

    Raises :class:`InputError` unless ``rate`` lies in (0, 1].
    """
    if not 0 < rate <= 1:
        raise InputError(f"a mutation's rate must lie in (0, 1], not {rate}")
    return max(1, round(rate * total))

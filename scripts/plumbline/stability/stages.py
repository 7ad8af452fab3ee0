"""A net as a sequence of stages, of which single neurons can be computed separately."""

from collections.abc import Iterator
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional as F

NOTHING = nn.Dropout | nn.Identity  # layers without effect in evaluation mode


class Stage:
    """One ``layer``; for a convolution or dense layer with the following neuron-wise layers.

    A stage does not change its input.
    """

    def __init__(self, name: str, layer: nn.Module) -> None:
        self.name, self.layer = name, layer
        self._behind: list[nn.Module] = []
        self._overwrites = False

    @property
    def dense(self) -> bool:
        """Whether it is a dense layer."""
        return isinstance(self.layer, nn.Linear)

    @property
    def by_rows(self) -> bool:
        """Whether single neurons of the layer can be computed separately."""
        layer = self.layer
        plain = isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.padding_mode == "zeros"
        return plain or self.dense

    def takes(self, layer: nn.Module) -> bool:
        """Append ``layer`` to the stage if it is neuron-wise; returns whether it was appended."""
        if not (self.by_rows and isinstance(layer, nn.ReLU | nn.MaxPool2d | NOTHING)):
            return False
        if isinstance(layer, nn.ReLU):
            self._behind.append(nn.ReLU(inplace=True))
        elif isinstance(layer, nn.MaxPool2d):
            # Pooling before ReLU gives the same result with fewer evaluations of ReLU.
            relu = bool(self._behind) and isinstance(self._behind[-1], nn.ReLU)
            self._behind.insert(len(self._behind) - relu, layer)
        return True

    def probe(self, hidden: Tensor) -> Tensor:
        """As a call, but record whether the layer operates in place; ``hidden`` may change."""
        version = hidden._version
        result = self.layer(hidden)
        self._overwrites = hidden._version != version
        return self.finish(result)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Output of the stage."""
        return self.finish(self.layer(hidden.clone() if self._overwrites else hidden))

    def rows(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Outputs of any number of neurons with the given weights."""
        if self.dense:
            return self.finish(F.linear(hidden, weight, bias))
        layer = cast(nn.Conv2d, self.layer)
        padding: Any = layer.padding
        return self.finish(F.conv2d(hidden, weight, bias, layer.stride, padding, layer.dilation))

    def finish(self, hidden: Tensor) -> Tensor:
        """Output of the stage from that of its layer, which may be overwritten."""
        for layer in self._behind:
            hidden = layer(hidden)
        return hidden


def stages(network: nn.Sequential) -> list[Stage]:
    """The stages of a net in evaluation mode."""
    found: list[Stage] = []
    for name, layer in _layers(network):
        if not (found and found[-1].takes(layer)):
            found.append(Stage(name, layer))
    return found


def _layers(network: nn.Sequential, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers in sequence, with plain ``nn.Sequential`` expanded."""
    for name, layer in network._modules.items():
        if type(layer) is nn.Sequential:
            yield from _layers(layer, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", layer

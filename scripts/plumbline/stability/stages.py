"""A net as stages that run one after another, of which each can be computed in part."""

from collections.abc import Iterator
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional as F

NOTHING = nn.Dropout | nn.Identity  # what these do in evaluation mode


class Stage:
    """One ``layer``; a convolution or dense layer with those behind it that keep neurons apart.

    A stage leaves its input as it is.
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
        """Whether its neurons can be computed each alone."""
        layer = self.layer
        plain = isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.padding_mode == "zeros"
        return plain or self.dense

    def takes(self, layer: nn.Module) -> bool:
        """Put ``layer`` behind the others, if that keeps neurons apart."""
        if not (self.by_rows and isinstance(layer, nn.ReLU | nn.MaxPool2d | NOTHING)):
            return False
        if isinstance(layer, nn.ReLU):
            self._behind.append(nn.ReLU(inplace=True))
        elif isinstance(layer, nn.MaxPool2d):
            # Before ReLU, after which the largest number is the same, but there are fewer.
            relu = bool(self._behind) and isinstance(self._behind[-1], nn.ReLU)
            self._behind.insert(len(self._behind) - relu, layer)
        return True

    def probe(self, hidden: Tensor) -> Tensor:
        """As a call, but see whether the layer works in place: then ``hidden`` changes."""
        version = hidden._version
        result = self.layer(hidden)
        self._overwrites = hidden._version != version
        return self.finish(result)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Output of the stage."""
        return self.finish(self.layer(hidden.clone() if self._overwrites else hidden))

    def rows(self, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Outputs of neurons of any number, with these weights."""
        if self.dense:
            return self.finish(F.linear(hidden, weight, bias))
        layer = cast(nn.Conv2d, self.layer)
        padding: Any = layer.padding
        return self.finish(F.conv2d(hidden, weight, bias, layer.stride, padding, layer.dilation))

    def finish(self, hidden: Tensor) -> Tensor:
        """Output of the stage from that of its layer, which is overwritten."""
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
    """The layers that run one after another: a chain of blocks counts as its blocks."""
    for name, layer in network._modules.items():
        if type(layer) is nn.Sequential:
            yield from _layers(layer, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", layer

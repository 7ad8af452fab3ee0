"""Rules for functions of a net, whichever way it calls them: guided backpropagation, DeConvNet.

A mode of torch hands every call of a chosen function to a rule.  Unlike a hook on a layer it
sees calls of functions and methods too, and it does not matter whether a layer is used more
than once or works in place.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

RELU = (F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)
MAX_POOL = (F.max_pool2d, torch.max_pool2d)


class Replacing(TorchFunctionMode):
    """While open, calls of the functions in ``rules`` go to their rule, with the same arguments.

    Inside a rule the functions are themselves.
    """

    def __init__(self, rules: dict[Callable, Callable]) -> None:
        super().__init__()
        self.rules = rules

    def __torch_function__(
        self, function: Callable, types: Iterable[type], args: tuple = (), kwargs: Any = None
    ) -> Any:
        return self.rules.get(function, function)(*args, **(kwargs or {}))


def relus(rule: Callable[[Tensor], Tensor]) -> dict[Callable, Callable]:
    """Rules that let ``rule`` take the place of every ReLU; none works in place."""
    return dict.fromkeys(RELU, lambda before, inplace=False: rule(before))


def guided() -> Replacing:
    """While open, ReLUs pass back what is positive, and only where they were active.

    Springenberg et al. 2015, "Striving for simplicity", section 3.4.
    """
    return Replacing(relus(_Guided.apply))


def deconvnet() -> Replacing:
    """While open, ReLUs pass back what is positive, wherever it falls.

    Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 2.1:
    the rectifier works on the reconstruction, not on what the net computed.
    """
    return Replacing(relus(_DeConvNet.apply))


class _Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, before: Tensor) -> Tensor:
        after = F.relu(before)
        ctx.save_for_backward(after)
        return after

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (after,) = ctx.saved_tensors
        # The derivative of ReLU; as a product with a comparison it takes six times as long.
        return torch.ops.aten.threshold_backward(gradient, after, 0).clamp_(min=0)


class _DeConvNet(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, before: Tensor) -> Tensor:
        return F.relu(before)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.clamp(min=0)

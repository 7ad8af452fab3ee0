"""Replacement of activation functions in a net: guided backpropagation, DeConvNet.

A torch function mode redirects every call of a chosen function to a rule.  Unlike a hook on a
layer it also sees calls of functions and tensor methods, and it works for layers that are used
more than once or operate in place.
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
    """While active, calls of the functions in ``rules`` go to their rule, with the same arguments.

    Inside a rule the original functions apply.
    """

    def __init__(self, rules: dict[Callable, Callable]) -> None:
        super().__init__()
        self.rules = rules

    def __torch_function__(
        self, function: Callable, types: Iterable[type], args: tuple = (), kwargs: Any = None
    ) -> Any:
        return self.rules.get(function, function)(*args, **(kwargs or {}))


def relus(rule: Callable[[Tensor], Tensor]) -> dict[Callable, Callable]:
    """Rules that replace every form of ReLU by ``rule``; none of them operates in place."""
    return dict.fromkeys(RELU, lambda before, inplace=False: rule(before))


def guided() -> Replacing:
    """While active, each ReLU passes back only positive gradients, and only where it was active.

    Springenberg et al. 2015, "Striving for simplicity", section 3.4.
    """
    return Replacing(relus(_Guided.apply))


def deconvnet() -> Replacing:
    """While active, each ReLU passes back only positive gradients, whether or not it was active.

    Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section 2.1:
    the rectifier is applied to the reconstruction, not to the activations of the forward pass.
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
        # The derivative of ReLU; a product with a boolean mask takes six times as long.
        return torch.ops.aten.threshold_backward(gradient, after, 0).clamp_(min=0)


class _DeConvNet(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, before: Tensor) -> Tensor:
        return F.relu(before)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.clamp(min=0)

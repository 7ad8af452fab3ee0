"""Backward passes that follow a rule of their own: the engine of LRP and its kin.

A forward hook leaves a layer's output as it is, but lets gradients flow through another
tensor, the surrogate, whose derivative is the rule.  One ordinary backward pass then applies
the rule in every layer.  Residual sums, ReLUs that are reused or work in place, flattening
and pooling need no treatment: their ordinary derivative shares relevance in proportion.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

Rule = Callable[[nn.Module, Tensor, Tensor], Tensor]


class _Substitute(torch.autograd.Function):
    """The first argument forward, bit by bit; the second backward."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, surrogate: Tensor) -> Tensor:
        return value.clone()  # its own memory: a ReLU that follows may work in place

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, gradient


@contextmanager
def modified(network: nn.Module, rules: dict[type[nn.Module], Rule]) -> Iterator[None]:
    """While open, gradients through layers of the types in ``rules`` follow their rule.

    A rule takes a layer, its input and its output and returns the surrogate, a tensor of the
    output's shape that depends on the input.  Outputs do not change in a single bit.  All
    hooks are gone afterwards, also after an exception.
    """

    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return _Substitute.apply(output.detach(), rules[type(layer)](layer, inputs[0], output))

    handles = []
    try:
        for layer in network.modules():
            if type(layer) in rules:
                handles.append(layer.register_forward_hook(hook))
        yield
    finally:
        for handle in handles:
            handle.remove()


def fold_batchnorm(network: nn.Module) -> nn.Module:
    """A copy of ``network`` in which each convolution includes the batch norm that follows it.

    A batch norm belongs to the convolution that its parent names directly before it, as in
    torchvision's nets.  Others stay: in evaluation mode they are affine maps.  The copy is in
    evaluation mode and computes the same function.
    """
    places: list[tuple[str, str, str]] = []
    shared: dict[int, Tensor] = {}
    for path, parent in network.named_modules():
        for (conv, earlier), (norm, child) in pairwise(parent.named_children()):
            if isinstance(earlier, nn.Conv2d) and isinstance(child, nn.BatchNorm2d):
                places.append((path, conv, norm))
                tensors = (*earlier.parameters(), *child.parameters(), *child.buffers())
                shared |= {id(each): each for each in tensors}  # replaced below: not worth a copy
    folded = copy.deepcopy(network, shared).eval()
    for path, conv, norm in places:
        parent = folded.get_submodule(path)
        layer, bn = getattr(parent, conv), getattr(parent, norm)
        layer.weight, layer.bias = fuse_conv_bn_weights(
            layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        )
        setattr(parent, norm, nn.Identity())
    return folded

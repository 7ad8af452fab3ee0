"""Backward passes with modified rules, the basis of LRP and related methods.

A forward hook leaves the output of a layer unchanged but routes gradients through another
tensor, the surrogate, whose derivative is the rule.  One ordinary backward pass then applies the
rule in every layer.  Residual sums, reused or in-place ReLUs, flattening and pooling need no
special treatment: their ordinary derivative distributes relevance in proportion.
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
    """Forward: exactly ``value``.  Backward: the gradient is passed to ``surrogate``."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, surrogate: Tensor) -> Tensor:
        return value.clone()  # a following ReLU may operate in place

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, gradient


@contextmanager
def modified(network: nn.Module, rules: dict[type[nn.Module], Rule]) -> Iterator[None]:
    """While active, gradients through layers of the types in ``rules`` follow their rule.

    A rule takes a layer, its input and its output and returns the surrogate, a tensor of the
    output's shape that depends on the input.  Outputs are unchanged, bit by bit.  All hooks are
    removed on exit, also after an exception.
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

    A batch norm is folded if it is the child directly after a convolution in their parent
    module, as in torchvision's nets.  Others are kept: in evaluation mode they are affine maps.
    The copy is in evaluation mode and computes the same function.
    """
    pairs: list[tuple[str, str, str]] = []
    shared: dict[int, Tensor] = {}
    for path, parent in network.named_modules():
        for (conv, earlier), (norm, child) in pairwise(parent.named_children()):
            if isinstance(earlier, nn.Conv2d) and isinstance(child, nn.BatchNorm2d):
                pairs.append((path, conv, norm))
                tensors = (*earlier.parameters(), *child.parameters(), *child.buffers())
                shared |= {id(tensor): tensor for tensor in tensors}  # replaced below: not copied
    folded = copy.deepcopy(network, shared).eval()
    for path, conv, norm in pairs:
        parent = folded.get_submodule(path)
        layer, bn = getattr(parent, conv), getattr(parent, norm)
        layer.weight, layer.bias = fuse_conv_bn_weights(
            layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        )
        setattr(parent, norm, nn.Identity())
    return folded

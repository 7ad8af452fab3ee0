"""Counting of the images that pass through nets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from plumbline.metrics.evaluations import Evaluations


@contextmanager
def count_evaluations(*nets: nn.Module) -> Iterator[Evaluations]:
    """While active, count the images that pass through the first layer of each of ``nets``.

    Images that pass through copies made of a net in the meantime are counted as well.
    """
    evaluations = Evaluations()

    def count(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:  # deepcopy keeps this object
        evaluations.images += len(inputs[0])
        if torch.is_grad_enabled() and inputs[0].requires_grad:
            evaluations.with_gradients += len(inputs[0])

    with ExitStack() as hooks:
        for net in {id(net): net for net in nets}.values():
            first = next(leaves(net))
            hooks.callback(first.register_forward_pre_hook(count).remove)
        yield evaluations


def leaves(net: nn.Module) -> Iterator[nn.Module]:
    """The layers that contain no other layers, in the order of ``modules()``."""
    return (layer for layer in net.modules() if not list(layer.children()))

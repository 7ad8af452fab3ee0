"""What an explanation costs: memory, from which the batch size follows, and network evaluations."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plumbline.models.classifier import Classifier

LARGEST = 256  # images in a batch; more are hardly faster
GRADIENTS = 4  # what a modified backward pass keeps for each output, at most


def batch_size(
    classifier: Classifier, pixels: Tensor, budget_bytes: int, *, gradients: bool = True
) -> int:
    """How many images like ``pixels`` [N, C, H, W] may go through the net at once.

    All outputs of all layers, measured on the first image, must fit ``budget_bytes``, four
    times if there are ``gradients``.  From 1 to 256, whatever the budget.  Neither the time
    nor the memory that happens to be free has a say: the answer is always the same.
    """
    each = activation_bytes(classifier, pixels[:1]) * (GRADIENTS if gradients else 1)
    return max(1, min(LARGEST, budget_bytes // each))


@torch.no_grad()
def activation_bytes(classifier: Classifier, pixels: Tensor) -> int:
    """Bytes of ``pixels`` and of the outputs of all layers of the net for them."""
    total = pixels.numel() * pixels.element_size()

    def add(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += output.numel() * output.element_size()

    with ExitStack() as hooks:
        for layer in _leaves(classifier):
            hooks.callback(layer.register_forward_hook(add).remove)
        classifier(pixels)
    return total


@dataclass
class Evaluations:
    """How many images have gone forward through a net, and how many of them for a gradient."""

    images: int = 0
    with_gradients: int = 0


@contextmanager
def count_evaluations(classifier: Classifier) -> Iterator[Evaluations]:
    """While open, count the images that go through the first layer of the net.

    Copies that are made of the net meanwhile count too.
    """
    evaluations = Evaluations()

    def count(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:  # copied by reference
        evaluations.images += len(inputs[0])
        if torch.is_grad_enabled() and inputs[0].requires_grad:
            evaluations.with_gradients += len(inputs[0])

    handle = next(_leaves(classifier)).register_forward_pre_hook(count)
    try:
        yield evaluations
    finally:
        handle.remove()


def _leaves(classifier: Classifier) -> Iterator[nn.Module]:
    """The layers without layers of their own, in the order in which they are named."""
    return (each for each in classifier.network.modules() if not list(each.children()))

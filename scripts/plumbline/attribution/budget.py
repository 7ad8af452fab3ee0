"""Cost of an explanation: memory, which determines the batch size, and network evaluations."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plumbline.models.classifier import Classifier

LARGEST = 256  # images in a batch; larger batches are hardly faster
GRADIENTS = 4  # tensors that a modified backward pass keeps per output, at most


def batch_size(
    classifier: Classifier, pixels: Tensor, budget_bytes: int, *, gradients: bool = True
) -> int:
    """Number of images like ``pixels`` [N, C, H, W] that may go through the net at once, 1 to 256.

    The outputs of all layers, measured on the first image, must fit into ``budget_bytes``, four
    times over if ``gradients`` are needed.  The result does not depend on free memory or speed,
    so it is the same on every run.
    """
    per_image = activation_bytes(classifier, pixels[:1]) * (GRADIENTS if gradients else 1)
    return max(1, min(LARGEST, budget_bytes // per_image))


@torch.no_grad()
def activation_bytes(classifier: Classifier, pixels: Tensor) -> int:
    """Size in bytes of ``pixels`` and of the outputs of all layers of the net for them."""
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
    """Number of images passed forward through a net, and how many of them for a gradient."""

    images: int = 0
    with_gradients: int = 0


@contextmanager
def count_evaluations(classifier: Classifier) -> Iterator[Evaluations]:
    """While active, count the images that pass through the first layer of the net.

    Images that pass through copies made of the net in the meantime are counted as well.
    """
    evaluations = Evaluations()

    def count(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:  # deepcopy keeps this object
        evaluations.images += len(inputs[0])
        if torch.is_grad_enabled() and inputs[0].requires_grad:
            evaluations.with_gradients += len(inputs[0])

    handle = next(_leaves(classifier)).register_forward_pre_hook(count)
    try:
        yield evaluations
    finally:
        handle.remove()


def _leaves(classifier: Classifier) -> Iterator[nn.Module]:
    """The layers that contain no other layers, in the order of ``modules()``."""
    return (layer for layer in classifier.network.modules() if not list(layer.children()))

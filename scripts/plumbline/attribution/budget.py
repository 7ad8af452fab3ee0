"""Memory that an explanation needs, which determines the batch size."""

from contextlib import ExitStack

import torch
from torch import Tensor, nn

from plumbline.models.classifier import Classifier
from plumbline.models.counting import leaves

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
        for layer in leaves(classifier.network):
            hooks.callback(layer.register_forward_hook(add).remove)
        classifier(pixels)
    return total

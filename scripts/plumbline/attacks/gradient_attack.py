"""Batched application of foolbox's gradient attacks to a Classifier."""

from collections.abc import Sequence

import torch
from foolbox import PyTorchModel
from foolbox.attacks.base import Attack
from torch import Tensor

from plumbline.models.classifier import Classifier
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive


def run(
    attack: Attack,
    classifier: Classifier,
    pixels: Tensor,
    labels: Tensor,
    epsilons: Sequence[float],
    seed: int,
    batch: int,
) -> list[Tensor]:
    """Adversarial pixels [N, C, H, W] on the CPU, one tensor for each of ``epsilons``.

    Every batch has its own seed, so that a random start does not depend on earlier batches.
    """
    device = classifier.mean.device
    model = PyTorchModel(classifier, bounds=(0, 1), device=device)
    adversarial: list[list[Tensor]] = [[] for _ in epsilons]
    starts = range(0, len(pixels), batch)
    for start in progress(starts, "batches"):
        torch.manual_seed(derive(seed, start))
        images, truth = pixels[start : start + batch], labels[start : start + batch]
        _, clipped, _ = attack(model, images.to(device), truth.to(device), epsilons=list(epsilons))
        for parts, batch_pixels in zip(adversarial, clipped, strict=True):
            parts.append(batch_pixels.detach().cpu())
    return [torch.cat(parts) for parts in adversarial]

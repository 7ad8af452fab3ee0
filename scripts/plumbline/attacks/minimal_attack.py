"""Batched application of foolbox's attacks that search for the smallest perturbation."""

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
    seed: int,
    batch: int,
    starts: Tensor | None = None,
) -> Tensor:
    """Adversarial pixels [N, C, H, W] on the CPU, as close to ``pixels`` as ``attack`` finds them.

    Images that the net already misclassifies, and those on which the attack fails, are returned
    unchanged.  ``starts`` [N, C, H, W] are images of another class for attacks that start from
    them; if the net gives the true label to one of them, the attack fails.
    """
    adversarial = pixels.clone()
    offsets = range(0, len(pixels), batch)
    for offset in progress(offsets, "batches"):
        torch.manual_seed(derive(seed, offset))
        part = slice(offset, offset + batch)
        begin = None if starts is None else starts[part]
        adversarial[part] = _batch(attack, classifier, pixels[part], labels[part], begin)
    return adversarial


def _batch(
    attack: Attack, classifier: Classifier, pixels: Tensor, labels: Tensor, starts: Tensor | None
) -> Tensor:
    device = classifier.mean.device
    images, truth = pixels.to(device, copy=True), labels.to(device)
    attacked, extra = classifier(images).argmax(1) == truth, {}
    if starts is not None:
        starts = starts.to(device)
        attacked &= classifier(starts).argmax(1) != truth
        extra = {"starting_points": starts[attacked]}
    if attacked.any():
        model = PyTorchModel(classifier, bounds=(0, 1), device=device)
        originals = images[attacked]
        candidates = attack(model, originals, truth[attacked], epsilons=None, **extra)[0].detach()
        wrong = classifier(candidates).argmax(1) != truth[attacked]
        images[attacked] = torch.where(wrong[:, None, None, None], candidates, originals)
    return images.cpu()

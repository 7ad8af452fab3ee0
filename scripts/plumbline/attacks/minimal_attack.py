"""What the attacks share that look for the smallest perturbation: foolbox, batch by batch."""

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
    """Adversarial pixels [N, C, H, W] on the CPU, as near to ``pixels`` as ``attack`` finds them.

    Images that the net gets wrong already, and those on which the attack fails, stay as they
    are.  ``starts`` [N, C, H, W] are images of another class for attacks that begin there; where
    the net gives one the true label after all, the attack has failed.
    """
    found = pixels.clone()
    places = range(0, len(pixels), batch)
    for place in progress(places, "batches"):
        torch.manual_seed(derive(seed, place))
        part = slice(place, place + batch)
        begin = None if starts is None else starts[part]
        found[part] = _batch(attack, classifier, pixels[part], labels[part], begin)
    return found


def _batch(
    attack: Attack, classifier: Classifier, pixels: Tensor, labels: Tensor, starts: Tensor | None
) -> Tensor:
    device = classifier.mean.device
    images, truth = pixels.to(device, copy=True), labels.to(device)
    attacked, more = classifier(images).argmax(1) == truth, {}
    if starts is not None:
        starts = starts.to(device)
        attacked &= classifier(starts).argmax(1) != truth
        more = {"starting_points": starts[attacked]}
    if attacked.any():
        model = PyTorchModel(classifier, bounds=(0, 1), device=device)
        given = images[attacked]
        tried = attack(model, given, truth[attacked], epsilons=None, **more)[0].detach()
        wrong = classifier(tried).argmax(1) != truth[attacked]
        images[attacked] = torch.where(wrong[:, None, None, None], tried, given)
    return images.cpu()

"""Inputs of detection scores besides the image (nets, training images, a VAE), and scoring."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plumbline.data.image_sets import ImageSetKey, columns_of
from plumbline.errors import InputError
from plumbline.latent.vae import Vae, encode
from plumbline.metrics.evaluations import Evaluations
from plumbline.models.classifier import Classifier, batches
from plumbline.models.counting import count_evaluations
from plumbline.runtime.progress import progress
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import Arrays, ImageSet


@dataclass(frozen=True)
class Material:
    """Inputs of a module of detection/scores.

    ``classifier`` is the net whose images are scored.  The others are available if the module
    declares them: ``train``, the training images of the net, and ``vae``, a VAE fitted to them, if
    listed in its constant ``NEEDS``; ``members``, nets of several training seeds beginning with
    ``classifier``, if ``NETS`` names the option for their number.
    """

    classifier: Classifier
    train: ImageSet = None  # type: ignore[assignment]  # None unless NEEDS has it
    members: tuple[Classifier, ...] = ()
    vae: Vae = None  # type: ignore[assignment]  # None unless NEEDS has it

    @cached_property
    def train_features(self) -> Tensor:
        """:func:`features` of the training images, computed once."""
        return features(self.classifier, torch.from_numpy(self.train.images))

    @cached_property
    def train_codes(self) -> Tensor:
        """Posterior means [N, 2] of the VAE for the training images, float64, computed once."""
        return torch.from_numpy(encode(self.vae, self.train.images)).double()

    def counted(self) -> AbstractContextManager[Evaluations]:
        """While open, count how often the nets are run on an image.

        A pass of the VAE counts as one, with its decoder or without.
        """
        nets = [self.classifier.network, *(member.network for member in self.members)]
        return count_evaluations(*nets, *([self.vae.encoder] if self.vae else []))


def score_sets(
    score: Callable[..., Tensor],
    material: Material,
    sets: Mapping[ImageSetKey, ImageSet],
    seed: int,
    entry: str,
    /,
    **options: Any,
) -> Arrays:
    """What a module of detection/scores says of every image of ``sets``, a row per image.

    The set's columns, ``index``, ``score``, and ``evaluations``, how often a net is run for an
    image.  What a score does once for all sets is no cost of an image: ``evaluations`` is the
    least over the sets.  Each set has a seed of its own, so that its scores do not depend on
    which others there are.

    Raises :class:`InputError`, naming ``entry``, unless ``score`` gives one finite number per
    image.
    """
    found, costs = {}, []
    for key, images in progress(list(sets.items()), "image sets"):
        with material.counted() as count:
            own = derive(seed, key.name)
            scored = score(material, torch.from_numpy(images.images), seed=own, **options)
        values = scored.detach().cpu().double().numpy()
        if values.shape != (len(images),) or not np.isfinite(values).all():
            raise InputError(
                f"{entry}: scores of the {len(images)} images of {key.name} must be as many finite "
                f"numbers, not {values.shape} with {np.isfinite(values).sum()} finite"
            )
        found[key] = values
        costs += [count.cost / len(images)] if len(images) else []
    sizes = [len(images) for images in sets.values()]
    return {
        **columns_of(sets, sizes),
        "index": np.concatenate([images.index for images in sets.values()]),
        "score": np.concatenate(list(found.values())),
        "evaluations": np.full(sum(sizes), min(costs)),
    }


@torch.no_grad()
def features(classifier: Classifier, pixels: Tensor, batch: int = 256) -> Tensor:
    """The penultimate features: the input of the net's last layer with weights, averaged over
    positions if that is a convolution, float64 [N, F] on the CPU."""
    found = []

    def keep(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        hidden = inputs[0].double().cpu()
        found.append(hidden.mean((2, 3)) if hidden.dim() == 4 else hidden)

    weighted = (nn.Conv2d, nn.Linear)
    last = [each for each in classifier.network.modules() if isinstance(each, weighted)][-1]
    handle = last.register_forward_pre_hook(keep)
    try:
        for each in batches(pixels, batch, classifier.mean.device):
            classifier(each)
    finally:
        handle.remove()
    return torch.cat(found)

"""What a visualization starts from: noise, training images of a class, codes of a generator."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from plumbline.errors import InputError
from plumbline.models.classifier import Classifier
from plumbline.runtime.seeding import derive
from plumbline.storage.artefacts import ImageSet
from plumbline.visualization.generator import Generator

STARTS = ("noise", "mean", "image")


@dataclass(frozen=True)
class Material:
    """Training images by class (none for a net whose training images are not at hand), and the
    generator of a method that searches its codes."""

    train: ImageSet | None = None
    generator: Generator | None = None

    def start(self, how: str, classifier: Classifier, targets: Tensor, seed: int) -> Tensor:
        """A picture [N, C, H, W] for each of ``targets`` [N], of the net's size and type.

        ``noise``: every pixel uniform in [0, 1]; ``mean``: the mean of the class's training
        images; ``image``: one of them, chosen by ``seed``.

        Raises :class:`InputError` if a class has no training images to start from.
        """
        if how == "noise":
            return noise(classifier, len(targets), seed)
        if how == "mean":
            return self.mean(classifier, targets)
        return self.real(classifier, targets, seed)

    def mean(self, classifier: Classifier, targets: Tensor) -> Tensor:
        """Mean training image of the class of each of ``targets``, [N, C, H, W]."""
        means = {
            each: self._of(classifier, each).mean(0, dtype=np.float64)
            for each in dict.fromkeys(targets.tolist())
        }
        found = np.stack([means[each] for each in targets.tolist()])
        return torch.from_numpy(found).to(classifier.mean)

    def real(self, classifier: Classifier, targets: Tensor, seed: int) -> Tensor:
        """A training image of the class of each of ``targets``, no two equal while they last."""
        chosen = np.empty((len(targets), *shape(classifier)), np.float32)
        for each in dict.fromkeys(targets.tolist()):
            images = self._of(classifier, each)
            order = np.random.default_rng(derive(seed, each)).permutation(len(images))
            places = np.flatnonzero(targets.cpu().numpy() == each)
            chosen[places] = images[np.resize(order, len(places))]
        return torch.from_numpy(chosen).to(classifier.mean)

    def _of(self, classifier: Classifier, target: int) -> np.ndarray:
        """Training images of one class, float32 in [0, 1]."""
        name = classifier.classes[target]
        if self.train is None or not (which := self.train.labels == target).any():
            raise InputError(
                f"no training images of class {name!r} to start from: choose the start noise"
            )
        if self.train.images.shape[1:] != shape(classifier):
            raise InputError(f"training images of another size than the net's, {shape(classifier)}")
        return self.train.select(which).pixels


def shape(classifier: Classifier) -> tuple[int, int, int]:
    """Channels, height and width of the images that a net takes."""
    built = classifier.architecture.arguments
    return built["channels"], built["size"], built["size"]


def noise(classifier: Classifier, count: int, seed: int) -> Tensor:
    """Pixels uniform in [0, 1], [count, C, H, W], the same on every device."""
    stream = torch.Generator().manual_seed(seed)
    return torch.rand((count, *shape(classifier)), generator=stream).to(classifier.mean)

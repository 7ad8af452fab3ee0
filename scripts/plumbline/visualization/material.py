"""Starting points of visualizations: noise, training images of a class, codes of a generator."""

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
    """Training images (None if those of the net are not available), and the generator for a
    method that optimises its codes."""

    train: ImageSet | None = None
    generator: Generator | None = None

    def start(self, how: str, classifier: Classifier, targets: Tensor, seed: int) -> Tensor:
        """A starting image [N, C, H, W] for each of ``targets`` [N], of the net's size and type.

        ``noise``: every pixel uniform in [0, 1]; ``mean``: the mean of the class's training
        images; ``image``: one of these images, chosen by ``seed``.

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
            target: self._of(classifier, target).mean(0, dtype=np.float64)
            for target in dict.fromkeys(targets.tolist())
        }
        images = np.stack([means[target] for target in targets.tolist()])
        return torch.from_numpy(images).to(classifier.mean)

    def real(self, classifier: Classifier, targets: Tensor, seed: int) -> Tensor:
        """A training image of the class of each of ``targets``, repeated only if there are too
        few, [N, C, H, W]."""
        chosen = np.empty((len(targets), *shape(classifier)), np.float32)
        for target in dict.fromkeys(targets.tolist()):
            images = self._of(classifier, target)
            order = np.random.default_rng(derive(seed, target)).permutation(len(images))
            positions = np.flatnonzero(targets.cpu().numpy() == target)
            chosen[positions] = images[np.resize(order, len(positions))]
        return torch.from_numpy(chosen).to(classifier.mean)

    def _of(self, classifier: Classifier, target: int) -> np.ndarray:
        """Training images of one class, float32 in [0, 1]."""
        name = classifier.classes[target]
        if self.train is None or not (which := self.train.labels == target).any():
            raise InputError(
                f"no training images of class {name!r} to start from: set start: noise"
            )
        if self.train.images.shape[1:] != shape(classifier):
            raise InputError(f"training images must have the net's shape {shape(classifier)}")
        return self.train.select(which).pixels


def shape(classifier: Classifier) -> tuple[int, int, int]:
    """Channels, height and width of a net's input images."""
    built = classifier.architecture.arguments
    return built["channels"], built["size"], built["size"]


def noise(classifier: Classifier, count: int, seed: int) -> Tensor:
    """Uniform random pixels in [0, 1], [count, C, H, W], the same on every device."""
    stream = torch.Generator().manual_seed(seed)
    return torch.rand((count, *shape(classifier)), generator=stream).to(classifier.mean)

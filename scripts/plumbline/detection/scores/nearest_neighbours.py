"""Distance from the k-th nearest training image, in the space of penultimate features."""

import torch
from torch import Tensor

from plumbline.detection.material import Material, features
from plumbline.errors import InputError

LABEL = "distance to nearest neighbours"
NEEDS = ("train",)


def score(
    material: Material, pixels: Tensor, *, seed: int, batch: int = 256, neighbours: int = 50
) -> Tensor:
    """Euclidean distance of the normalised features to those of the k-th nearest training image,
    k = ``neighbours``, [N], in [0, 2].

    Features are divided by their Euclidean norm.  Sun, Ming, Zhu and Li 2022, who use k = 50 for
    CIFAR-10's 50,000 training images.

    Raises :class:`InputError` if there are fewer than ``neighbours`` training images.
    """
    train = torch.nn.functional.normalize(material.train_features)
    if not 1 <= neighbours <= len(train):
        raise InputError(
            f"nearest_neighbours.neighbours must be from 1 to {len(train)}, not {neighbours}"
        )
    found = torch.nn.functional.normalize(features(material.classifier, pixels, batch))
    # For unit vectors |a - b|^2 = 2 - 2 a'b: the k-th nearest has the k-th largest product.
    alike = [(part @ train.T).topk(neighbours).values[:, -1] for part in found.split(batch)]
    return (2 - 2 * torch.cat(alike)).clamp(min=0).sqrt()

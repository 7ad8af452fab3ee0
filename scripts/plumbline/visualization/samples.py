"""Evaluation of a generator's samples: classes, certainty, and similarity to training images."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plumbline.metrics.intervals import bootstrap_counts, interval, mean_interval, wilson
from plumbline.models.classifier import Classifier, batches, logits
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row

COUNT = 500  # number of samples, and maximum number of test images to compare them with
SURE = 0.9
CLOSE = 0.01  # quantile of the distances of test images below which an image is close
LAST = 0.1  # last share of the epochs, over which the loss is averaged


@torch.no_grad()
def nearest(images: np.ndarray | Tensor, train: np.ndarray, batch: int = 1024) -> tuple:
    """Euclidean distance [N] to the nearest image of ``train`` (pixels in [0, 1]), and its
    position [N]."""
    cpu = torch.device("cpu")
    flattened = torch.cat([pixels.flatten(1) for pixels in batches(images, batch, cpu)])
    distance = torch.full((len(flattened),), torch.inf)
    position = torch.zeros(len(flattened), dtype=torch.int64)
    first = 0
    for part in batches(train, batch, cpu):
        near, which = torch.cdist(flattened, part.flatten(1)).min(1)
        closer = near < distance
        distance, position = near.where(closer, distance), (first + which).where(closer, position)
        first += len(part)
    return distance.numpy(), position.numpy()


def entropy(counts: np.ndarray) -> np.ndarray:
    """Entropy of class counts [..., K] divided by log K: 1 if all are equally frequent."""
    shares = counts / counts.sum(-1, keepdims=True)
    terms = np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0)
    return -terms.sum(-1) / np.log(counts.shape[-1])


def class_rows(
    classifier: Classifier, sets: Mapping[str, np.ndarray], seed: int, **keys: str
) -> Iterator[Row]:
    """Rows on the predictions of one net for each set of images.

    ``sure_share``: share of images whose largest probability is at least 0.9;
    ``class_entropy``: :func:`entropy` of the predicted classes.
    """
    for name, images in sets.items():
        probabilities = logits(classifier, images).softmax(1).numpy()
        sure, n = int((probabilities.max(1) >= SURE).sum()), len(probabilities)
        row_keys = {**keys, "images": name}
        yield row("sure_share", sure / n, *wilson(sure, n), n, **row_keys)
        hits = np.eye(probabilities.shape[1])[probabilities.argmax(1)]
        drawn = bootstrap_counts(n, seed) @ hits
        yield row(
            "class_entropy", float(entropy(hits.sum(0))), *interval(entropy(drawn)), n, **row_keys
        )


def distance_rows(samples: np.ndarray, test: np.ndarray, seed: int, **keys: str) -> Iterator[Row]:
    """Rows on the distances [N] of samples and of test images to the nearest training image.

    ``nearest_distance`` is their mean; ``copied_share`` the share below the 1 % quantile of the
    distances of test images, which are not copies.  A share well above 0.01 means that the
    generator reproduces training images.
    """
    close = np.quantile(test, CLOSE)
    for name, distances in (("samples", samples), ("test", test)):
        row_keys, n = {**keys, "images": name}, len(distances)
        yield row("nearest_distance", *mean_interval(distances, seed), n, **row_keys)
        copies = int((distances < close).sum())
        yield row("copied_share", copies / n, *wilson(copies, n), n, **row_keys)


def loss_rows(history: Sequence[Mapping[str, Any]], seed: int, **keys: str) -> Iterator[Row]:
    """Mean losses over the last tenth of the epochs, in nats."""
    last = history[-max(1, round(LAST * len(history))) :]
    for metric in ("generator_loss", "discriminator_loss"):
        values = np.array([float(epoch[metric]) for epoch in last])
        yield row(metric, *mean_interval(values, seed), len(values), **keys, images="")


def image_set(
    name: str, images: np.ndarray, distance: np.ndarray, place: np.ndarray, train: ImageSet
) -> ImageSet:
    """Samples [N, C, H, W] as an ImageSet: ``index`` is the position of the nearest image in the
    training set, ``distance`` its distance; samples have no class (label -1)."""
    return ImageSet(
        name=name,
        images=images,
        labels=np.full(len(images), -1, np.int64),
        index=place,
        classes=train.classes,
        provenance={"generator": name, "nearest": f"index: place in the training set {train.name}"},
        extra={"distance": distance},
    )

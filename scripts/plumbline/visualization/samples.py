"""What a generator's samples are worth: classes, certainty, and whether they are copies."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from plumbline.metrics.intervals import bootstrap_counts, interval, mean_interval, wilson
from plumbline.models.classifier import Classifier, batches, logits
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row

COUNT = 500  # samples drawn, and test images beside them at most
SURE = 0.9
CLOSE = 0.01  # quantile of the distances of test images below which an image is close
LAST = 0.1  # share of the epochs whose mean loss is told


@torch.no_grad()
def nearest(images: np.ndarray | Tensor, train: np.ndarray, batch: int = 1024) -> tuple:
    """Euclidean distance [N] to the nearest of ``train``, pixels in [0, 1], and its place [N]."""
    wanted = torch.cat([each.flatten(1) for each in batches(images, batch, torch.device("cpu"))])
    distance = torch.full((len(wanted),), torch.inf)
    place = torch.zeros(len(wanted), dtype=torch.int64)
    first = 0
    for part in batches(train, batch, torch.device("cpu")):
        near, which = torch.cdist(wanted, part.flatten(1)).min(1)
        closer = near < distance
        distance, place = near.where(closer, distance), (first + which).where(closer, place)
        first += len(part)
    return distance.numpy(), place.numpy()


def entropy(counts: np.ndarray) -> np.ndarray:
    """Entropy of class counts [..., K] over the log of K: 1 if all are equally frequent."""
    shares = counts / counts.sum(-1, keepdims=True)
    terms = np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0)
    return -terms.sum(-1) / np.log(counts.shape[-1])


def class_rows(
    classifier: Classifier, sets: Mapping[str, np.ndarray], seed: int, **keys: str
) -> Iterator[Row]:
    """For each set of images what one net says of it.

    ``sure_share``: images whose largest probability is at least 0.9; ``class_entropy``: of the
    predicted classes, see :func:`entropy`.
    """
    for name, images in sets.items():
        probabilities = logits(classifier, images).softmax(1).numpy()
        sure, n = int((probabilities.max(1) >= SURE).sum()), len(probabilities)
        own = {**keys, "images": name}
        yield row("sure_share", sure / n, *wilson(sure, n), n, **own)
        hits = np.eye(probabilities.shape[1])[probabilities.argmax(1)]
        drawn = bootstrap_counts(n, seed) @ hits
        yield row("class_entropy", float(entropy(hits.sum(0))), *interval(entropy(drawn)), n, **own)


def distance_rows(samples: np.ndarray, test: np.ndarray, seed: int, **keys: str) -> Iterator[Row]:
    """Rows of the distances [N] of samples and of test images to the nearest training image.

    ``nearest_distance`` is their mean; ``copied_share`` the share that is closer than all but
    one in a hundred of the test images, which are no copies: much more than 0.01 means that
    the generator repeats training images.
    """
    close = np.quantile(test, CLOSE)
    for name, distances in (("samples", samples), ("test", test)):
        own, n = {**keys, "images": name}, len(distances)
        yield row("nearest_distance", *mean_interval(distances, seed), n, **own)
        copies = int((distances < close).sum())
        yield row("copied_share", copies / n, *wilson(copies, n), n, **own)


def loss_rows(history: list[Mapping[str, float]], seed: int, **keys: str) -> Iterator[Row]:
    """Mean losses over the last tenth of the epochs, in nats."""
    last = history[-max(1, round(LAST * len(history))) :]
    for metric in ("generator_loss", "discriminator_loss"):
        values = np.array([float(each[metric]) for each in last])
        yield row(metric, *mean_interval(values, seed), len(values), **keys, images="")


def image_set(
    name: str, images: np.ndarray, distance: np.ndarray, place: np.ndarray, train: ImageSet
) -> ImageSet:
    """Samples [N, C, H, W] as an ImageSet: ``index`` is the place of the nearest image in the
    training set, ``distance`` how far it is; a sample has no class."""
    return ImageSet(
        name=name,
        images=images,
        labels=np.full(len(images), -1, np.int64),
        index=place,
        classes=train.classes,
        provenance={"generator": name, "nearest": f"index: place in the training set {train.name}"},
        extra={"distance": distance},
    )

"""Evaluation of generated images by the net and by a second net: prototype or adversarial?"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from plumbline.errors import ArtefactError, InputError
from plumbline.metrics.intervals import mean_interval, wilson
from plumbline.models.classifier import Classifier, logits
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row

MOST = 10  # number of classes, unless they are listed
SURE = 0.99
ALL = "all"


@dataclass(frozen=True)
class TargetProbabilities:
    """Predictions of nets for N images of the classes ``labels`` [N].

    ``probability`` [N] is the net's probability of that class, ``second`` [N] that of a second,
    independently trained net, and ``recognised`` [N] whether the second net predicts that class;
    both are None if there is no second net.
    """

    labels: np.ndarray
    probability: np.ndarray
    second: np.ndarray | None
    recognised: np.ndarray | None

    def of(self, which: np.ndarray) -> "TargetProbabilities":
        """The predictions selected by ``which``, a mask or positions."""
        parts = (self.second, self.recognised)
        return TargetProbabilities(
            self.labels[which],
            self.probability[which],
            *(None if part is None else part[which] for part in parts),
        )


def pictured(entry: str, test: ImageSet, train: ImageSet | None) -> np.ndarray:
    """Numbers of the classes with images in both sets, or in ``test`` if ``train`` is None.

    Raises :class:`InputError`, naming the ``entry`` of the configuration, if there is none.
    """
    classes = np.unique(test.labels[test.labels >= 0])
    if train is not None:
        classes = np.intersect1d(classes, train.labels)
    if not len(classes):
        raise InputError(
            f"visualization.methods.{entry}: no class has images both in train, to start from, and "
            "in test; set start: noise, or remove the entry (null)"
        )
    return classes


def targets(
    classes: Sequence[str], names: Sequence[str], starts: int, present: np.ndarray
) -> np.ndarray:
    """Class numbers [N] to visualize, class by class, each repeated ``starts`` times.

    The classes are ``names`` or, if empty, at most the first 10 of the class numbers ``present``
    among the real images that serve as control.

    Raises :class:`InputError` if a name is not a class of the net.
    """
    for name in names:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, n=3) or classes[:3]
            raise InputError(
                f"visualization.classes: {name!r} is not a class of the net; its classes are "
                f"{', '.join(near)}, ..."
            )
    chosen = [classes.index(name) for name in names] or np.unique(present[present >= 0])[:MOST]
    return np.repeat(np.array(chosen, dtype=np.int64), starts)


def target_probabilities(
    classifier: Classifier, second: Classifier | None, images: np.ndarray, labels: np.ndarray
) -> TargetProbabilities:
    """Predictions of both nets for ``images`` [N, C, H, W], uint8 or floats in [0, 1].

    Raises :class:`InputError` if the two nets have different classes.
    """
    position = np.arange(len(labels))
    probability = logits(classifier, images).softmax(1).numpy()[position, labels]
    if second is None:
        return TargetProbabilities(labels, probability, None, None)
    if second.classes != classifier.classes:
        raise InputError("the second net does not have the same classes as the first")
    second_probabilities = logits(second, images).softmax(1).numpy()
    return TargetProbabilities(
        labels,
        probability,
        second_probabilities[position, labels],
        second_probabilities.argmax(1) == labels,
    )


def make_distinct(
    make: Callable[..., Tensor], targets: np.ndarray, options: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets [n], starts and results [n, C, H, W] of a visualization, each distinct one once.

    ``make`` gives an image for each of ``targets`` [N]; with no steps, where it starts.
    """
    images = make(**options).cpu().numpy()
    start = make(**{**options, "steps": 0}).cpu().numpy()
    kept = distinct(targets, start, images)
    return targets[kept], start[kept], images[kept]


def distinct(targets: np.ndarray, start: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Positions of the images that do not repeat an earlier one with the same class and start.

    Without jitter, all starts from the class mean give the same image; counting it several times
    would make intervals too narrow.
    """
    seen: dict[tuple, int] = {}
    for position, target in enumerate(targets.tolist()):
        seen.setdefault((target, start[position].tobytes(), images[position].tobytes()), position)
    return np.array(list(seen.values()))


def of_classes(images: ImageSet, targets: np.ndarray) -> ImageSet:
    """The images whose class is among ``targets``."""
    return images.select(np.isin(images.labels, targets))


def keep(
    name: str,
    images: np.ndarray,
    predictions: TargetProbabilities,
    classifier: Classifier,
    second: Classifier | None,
) -> ImageSet:
    """Generated images as an ImageSet with their predictions; ``index`` numbers the starts of a
    class."""
    labels = predictions.labels
    order = np.array([(labels[:position] == label).sum() for position, label in enumerate(labels)])
    extra = {"probability": predictions.probability}
    if predictions.second is not None and predictions.recognised is not None:
        extra |= {"second_probability": predictions.second, "recognised": predictions.recognised}
    nets = {"net": classifier, "second net": second}
    provenance = {key: net.architecture.name if net else "none" for key, net in nets.items()}
    return ImageSet(name, images, labels, order, classifier.classes, provenance, extra)


def recall(made: ImageSet) -> TargetProbabilities:
    """The predictions stored by :func:`keep`."""
    extra = made.extra
    return TargetProbabilities(
        made.labels,
        extra["probability"],
        extra.get("second_probability"),
        extra.get("recognised"),
    )


def rows(
    found: Mapping[str, TargetProbabilities],
    against: Mapping[str, TargetProbabilities],
    classes: Sequence[str],
    seed: int,
    **keys: str,
) -> Iterator[Row]:
    """The table of one visualization; ``found`` holds predictions by kind of image (made, start,
    test).

    For every kind: the mean ``probability`` and ``second_probability`` of each class and of all
    images, and the shares ``sure`` (probability at least 0.99) and ``second_recognition`` of all
    images.  Paired differences between the made images and those of another method have that
    method's name, the key of ``against``, in the column ``against``.
    """
    for kind, predictions in found.items():
        if not len(predictions.labels):
            continue  # test has no images of the listed classes
        row_keys = {**keys, "images": kind, "against": ""}
        for label in dict.fromkeys(predictions.labels.tolist()):
            part = predictions.of(predictions.labels == label)
            yield from _means(part, seed, **row_keys, **{"class": classes[label]})
        yield from _means(predictions, seed, **row_keys, **{"class": ALL})
        yield from _shares(predictions, **row_keys, **{"class": ALL})
    made = found["made"]
    for name, other in against.items():
        if not np.array_equal(made.labels, other.labels):
            raise ArtefactError(f"{name} and {keys} have images of different classes")
        row_keys = {**keys, "images": "made", "against": name, "class": ALL}
        for metric, first, second in (
            ("probability_difference", made.probability, other.probability),
            ("second_probability_difference", made.second, other.second),
        ):
            if first is not None and second is not None:
                yield row(metric, *mean_interval(first - second, seed), len(first), **row_keys)


def _means(predictions: TargetProbabilities, seed: int, **keys: str) -> Iterator[Row]:
    for metric, values in (
        ("probability", predictions.probability),
        ("second_probability", predictions.second),
    ):
        if values is not None:
            yield row(metric, *mean_interval(values, seed), len(values), **keys)


def _shares(predictions: TargetProbabilities, **keys: str) -> Iterator[Row]:
    sure = predictions.probability >= SURE
    for metric, hits in (("sure", sure), ("second_recognition", predictions.recognised)):
        if hits is not None and len(hits):
            count, n = int(hits.sum()), len(hits)
            yield row(metric, count / n, *wilson(count, n), n, **keys)

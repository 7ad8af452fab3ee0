"""Prototype or adversarial pattern: what the net, and a second one, say of made images."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plumbline.errors import ArtefactError, InputError
from plumbline.metrics.intervals import mean_interval, wilson
from plumbline.models.classifier import Classifier, logits
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row

MOST = 10  # classes, unless they are named
SURE = 0.99
ALL = "all"


@dataclass(frozen=True)
class TargetProbabilities:
    """What nets say of N images of the classes ``labels`` [N].

    ``probability`` [N] is the net's probability of that class, ``second`` [N] that of a second,
    independently trained net, and ``recognised`` [N] whether it is the second's first choice;
    both are None where there is no second net.
    """

    labels: np.ndarray
    probability: np.ndarray
    second: np.ndarray | None
    recognised: np.ndarray | None

    def of(self, which: np.ndarray) -> "TargetProbabilities":
        """Those at the places ``which``."""
        parts = (self.second, self.recognised)
        return TargetProbabilities(
            self.labels[which],
            self.probability[which],
            *(None if part is None else part[which] for part in parts),
        )


def pictured(entry: str, test: ImageSet, train: ImageSet | None) -> np.ndarray:
    """Numbers of the classes that both sets, or ``test`` alone, have images of.

    Raises :class:`InputError`, naming the ``entry`` of the configuration, if there is none.
    """
    found = np.unique(test.labels[test.labels >= 0])
    if train is not None:
        found = np.intersect1d(found, train.labels)
    if not len(found):
        raise InputError(
            f"visualization.methods.{entry}: no class has images in train, to start from, and in "
            "test; let it start from noise, or take it away (null)"
        )
    return found


def targets(
    classes: Sequence[str], names: Sequence[str], starts: int, present: np.ndarray
) -> np.ndarray:
    """Class numbers [N] to visualize: ``starts`` of each class, one class after the other.

    The classes are ``names``; where none is given, the first 10 at most among those whose
    numbers are ``present`` in the control, real images.

    Raises :class:`InputError` if the net knows no class of a name.
    """
    for name in names:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, n=3) or classes[:3]
            raise InputError(
                f"visualization.classes: the net knows no {name!r}, but {', '.join(near)}, ..."
            )
    chosen = [classes.index(name) for name in names] or np.unique(present[present >= 0])[:MOST]
    return np.repeat(np.array(chosen, dtype=np.int64), starts)


def target_probabilities(
    classifier: Classifier, second: Classifier | None, images: np.ndarray, labels: np.ndarray
) -> TargetProbabilities:
    """What both nets say of ``images`` [N, C, H, W], uint8 or floats in [0, 1].

    Raises :class:`InputError` if the two nets do not tell the same classes apart.
    """
    place = np.arange(len(labels))
    own = logits(classifier, images).softmax(1).numpy()[place, labels]
    if second is None:
        return TargetProbabilities(labels, own, None, None)
    if second.classes != classifier.classes:
        raise InputError("the second net does not know the same classes as the first")
    others = logits(second, images).softmax(1).numpy()
    return TargetProbabilities(labels, own, others[place, labels], others.argmax(1) == labels)


def distinct(targets: np.ndarray, start: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Places of the images that do not repeat one before them with the same class and start.

    From the class mean, without jitter, all starts of a class are one; counted several times
    they would narrow the intervals.
    """
    seen: dict[tuple, int] = {}
    for place, target in enumerate(targets.tolist()):
        seen.setdefault((target, start[place].tobytes(), images[place].tobytes()), place)
    return np.array(list(seen.values()))


def of_classes(images: ImageSet, targets: np.ndarray) -> ImageSet:
    """The images of the classes ``targets``."""
    return images.select(np.isin(images.labels, targets))


def keep(
    name: str,
    images: np.ndarray,
    found: TargetProbabilities,
    classifier: Classifier,
    second: Classifier | None,
) -> ImageSet:
    """Made images as an ImageSet that keeps the answers; ``index`` counts the starts of a class."""
    labels = found.labels
    order = np.array([(labels[:place] == label).sum() for place, label in enumerate(labels)])
    extra = {"probability": found.probability}
    if found.second is not None and found.recognised is not None:
        extra |= {"second_probability": found.second, "recognised": found.recognised}
    nets = {"net": classifier, "second net": second}
    told = {key: net.architecture.name if net else "none" for key, net in nets.items()}
    return ImageSet(name, images, labels, order, classifier.classes, told, extra)


def recall(made: ImageSet) -> TargetProbabilities:
    """The answers that :func:`keep` kept."""
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
    """The table of one visualization: ``found`` by kind of image (made, start, test).

    Every kind has the mean ``probability`` and ``second_probability`` of each class and of all,
    and of all the shares ``sure`` (probability at least 0.99) and ``second_recognition``.  The
    differences of the made images to those ``against``, start by start, have the name of the
    others in the column of that name.
    """
    for kind, each in found.items():
        if not len(each.labels):
            continue  # named classes of which test has no images
        own = {**keys, "images": kind, "against": ""}
        for label in dict.fromkeys(each.labels.tolist()):
            part = each.of(each.labels == label)
            yield from _means(part, seed, **own, **{"class": classes[label]})
        yield from _means(each, seed, **own, **{"class": ALL})
        yield from _shares(each, **own, **{"class": ALL})
    made = found["made"]
    for name, other in against.items():
        if not np.array_equal(made.labels, other.labels):
            raise ArtefactError(f"{name} has images of other classes than {keys}")
        own = {**keys, "images": "made", "against": name, "class": ALL}
        for metric, first, second in (
            ("probability_difference", made.probability, other.probability),
            ("second_probability_difference", made.second, other.second),
        ):
            if first is not None and second is not None:
                yield row(metric, *mean_interval(first - second, seed), len(first), **own)


def _means(each: TargetProbabilities, seed: int, **keys: str) -> Iterator[Row]:
    for metric, values in (("probability", each.probability), ("second_probability", each.second)):
        if values is not None:
            yield row(metric, *mean_interval(values, seed), len(values), **keys)


def _shares(each: TargetProbabilities, **keys: str) -> Iterator[Row]:
    sure = each.probability >= SURE
    for metric, hits in (("sure", sure), ("second_recognition", each.recognised)):
        if hits is not None and len(hits):
            count, n = int(hits.sum()), len(hits)
            yield row(metric, count / n, *wilson(count, n), n, **keys)

"""Results of an attack: adversarial image sets, success rates, sizes of perturbations."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from plumbline.data.image_sets import ImageSetKey
from plumbline.metrics.intervals import mean_interval, median_interval, wilson
from plumbline.models.classifier import Classifier, logits
from plumbline.storage.artefacts import ImageSet
from plumbline.storage.tables import Row, row

TOLERANCE = 1e-6


def predictions(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Predicted classes, [N] int64."""
    return logits(classifier, images).argmax(1).numpy()


def adversarial_set(
    classifier: Classifier, source: ImageSet, pixels: np.ndarray, attack: str, epsilon: float | None
) -> ImageSet:
    """Adversarial ``pixels`` of ``source`` as an ImageSet, with the success on each image.

    ``extra`` has ``source_correct`` (the source is classified correctly) and ``success`` (the
    source is classified correctly and the adversarial image is not), both bool [N].
    ``epsilon`` is None for an attack that searches for the smallest perturbation.

    Raises ``ValueError`` if a pixel is outside [0, 1] or farther than ``epsilon`` (+ 1e-6)
    from its source.
    """
    key = ImageSetKey("adversarial", attack=attack, epsilon=epsilon)
    farthest = float(np.abs(pixels.astype(np.float64) - source.pixels).max())
    if epsilon is not None and farthest > epsilon + TOLERANCE:
        raise ValueError(f"{attack}: a pixel moved by {farthest}, more than epsilon {epsilon}")
    correct = predictions(classifier, source.pixels) == source.labels
    wrong = predictions(classifier, pixels) != source.labels
    return ImageSet(
        name=f"{source.name}_{key.name}",
        images=pixels,
        labels=source.labels,
        index=source.index,
        classes=source.classes,
        provenance={"source": source.provenance, "attack": attack, "epsilon": epsilon},
        extra={"source_correct": correct, "success": correct & wrong},
    )


def rows_of(
    classifier: Classifier,
    source: ImageSet,
    adversarial: dict[float | None, ImageSet],
    seed: int,
    **keys: str,
) -> list[Row]:
    """Rows of :func:`success_curve`, or of :func:`smallest` if the only set's key is None."""
    if None in adversarial:
        return smallest(classifier, source, adversarial[None], seed, **keys)
    of_sizes = {epsilon: each for epsilon, each in adversarial.items() if epsilon is not None}
    return success_curve(classifier, source, of_sizes, seed, **keys)


def smallest(
    classifier: Classifier, source: ImageSet, adversarial: ImageSet, seed: int, **keys: str
) -> list[Row]:
    """Rows for an attack without ε: success rate, accuracy, sizes of the perturbations.

    ``success_rate`` counts only images whose source is classified correctly; ``median_l2``
    (Euclidean norm of the perturbation) and ``median_linf`` (largest change of a pixel) only
    those on which the attack succeeds.
    """
    right, success = adversarial.extra["source_correct"], adversarial.extra["success"]
    correct = predictions(classifier, adversarial.pixels) == source.labels
    change = (adversarial.pixels - source.pixels)[success]
    lengths = np.sqrt((change**2).sum((1, 2, 3)))
    sizes = {"median_l2": lengths, "median_linf": np.abs(change).max((1, 2, 3))}
    return [
        _share("success_rate", success[right], **keys),
        _share("accuracy", correct, **keys),
        *(
            row(metric, *median_interval(size, seed), len(size), **keys)
            for metric, size in sizes.items()
        ),
    ]


def success_curve(
    classifier: Classifier,
    source: ImageSet,
    adversarial: dict[float, ImageSet],
    seed: int,
    **keys: str,
) -> list[Row]:
    """Rows for each ε: success rate, accuracy, accuracy under random noise, perturbation size.

    ``success_rate`` counts only images whose source is classified correctly.
    ``noise_accuracy`` is the control: a perturbation of size ε with random signs instead of those
    of the gradient, clipped to [0, 1].  The row with ε 0 is the clean accuracy.
    """
    clean = predictions(classifier, source.pixels) == source.labels
    rows = [_share("accuracy", clean, **keys, epsilon=0.0)]
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), source.pixels.shape)
    for epsilon, images in adversarial.items():
        row_keys = {**keys, "epsilon": epsilon}
        noisy = np.clip(source.pixels + np.float32(epsilon) * signs, 0, 1)
        sizes = np.abs(images.pixels - source.pixels).max((1, 2, 3))
        right = images.extra["source_correct"]
        correct = predictions(classifier, images.pixels) == images.labels
        rows += [
            _share("success_rate", images.extra["success"][right], **row_keys),
            _share("accuracy", correct, **row_keys),
            _share("noise_accuracy", predictions(classifier, noisy) == source.labels, **row_keys),
            row("mean_linf", *mean_interval(sizes, seed), len(sizes), **row_keys),
        ]
    return rows


def _share(metric: str, hits: np.ndarray, **keys: Any) -> Row:
    n, count = len(hits), int(hits.sum())
    return row(metric, count / n if n else float("nan"), *wilson(count, n), n, **keys)


def craft(
    perturb: Callable[..., Any],
    classifier: Classifier,
    source: ImageSet,
    epsilons: Sequence[float],
    /,
    **options: Any,
) -> list[np.ndarray]:
    """Run the function ``perturb`` of an attack on an ImageSet; float32 pixels for each ε.

    Without ``epsilons`` the attack searches for the smallest perturbation and the list has one
    array of pixels.
    """
    pixels, labels = torch.from_numpy(source.pixels), torch.from_numpy(source.labels)
    if not epsilons:
        return [perturb(classifier, pixels, labels, **options).numpy()]
    adversarial = perturb(classifier, pixels, labels, epsilons, **options)
    return [tensor.numpy() for tensor in adversarial]

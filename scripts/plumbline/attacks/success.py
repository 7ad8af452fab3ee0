"""What an attack achieved: adversarial image sets, the success curve, the smallest sizes."""

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


def answers(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Predicted classes, [N] int64."""
    return logits(classifier, images).argmax(1).numpy()


def adversarial_set(
    classifier: Classifier, source: ImageSet, pixels: np.ndarray, attack: str, epsilon: float | None
) -> ImageSet:
    """Adversarial ``pixels`` of ``source`` as an ImageSet that says which ones count.

    ``extra`` has ``source_correct`` (the net is right about the source) and ``success`` (it is
    right about the source and wrong about the adversarial image), both bool [N].  ``epsilon``
    is None for an attack that looks for the smallest perturbation.

    Raises ``ValueError`` if a pixel is outside [0, 1] or farther than ``epsilon`` (+ 1e-6)
    from its source.
    """
    key = ImageSetKey("adversarial", attack=attack, epsilon=epsilon)
    farthest = float(np.abs(pixels.astype(np.float64) - source.pixels).max())
    if epsilon is not None and farthest > epsilon + TOLERANCE:
        raise ValueError(f"{attack}: a pixel moved by {farthest}, more than epsilon {epsilon}")
    correct = answers(classifier, source.pixels) == source.labels
    wrong = answers(classifier, pixels) != source.labels
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
    """:func:`success_curve` by ε, or :func:`smallest` where the only set's key is None."""
    if None in adversarial:
        return smallest(classifier, source, adversarial[None], seed, **keys)
    of_sizes = {epsilon: each for epsilon, each in adversarial.items() if epsilon is not None}
    return success_curve(classifier, source, of_sizes, seed, **keys)


def smallest(
    classifier: Classifier, source: ImageSet, adversarial: ImageSet, seed: int, **keys: str
) -> list[Row]:
    """Rows of an attack without ε: success rate, accuracy, sizes of the perturbations.

    ``success_rate`` counts only images whose source the net gets right; ``median_l2`` (length
    of the change of all pixels) and ``median_linf`` (largest change of a pixel) only those on
    which the attack succeeds.
    """
    right, success = adversarial.extra["source_correct"], adversarial.extra["success"]
    correct = answers(classifier, adversarial.pixels) == source.labels
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
    """Rows for each ε: success rate, accuracy, accuracy under noise of the same size, size.

    ``success_rate`` counts only images whose source the net gets right.  ``noise_accuracy`` is
    the control: random signs of size ε instead of the gradient's, clipped to [0, 1].  ε 0 is
    the clean accuracy.
    """
    clean = answers(classifier, source.pixels) == source.labels
    rows = [_share("accuracy", clean, **keys, epsilon=0.0)]
    signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), source.pixels.shape)
    for epsilon, images in adversarial.items():
        here = {**keys, "epsilon": epsilon}
        noisy = np.clip(source.pixels + np.float32(epsilon) * signs, 0, 1)
        sizes = np.abs(images.pixels - source.pixels).max((1, 2, 3))
        right = images.extra["source_correct"]
        correct = answers(classifier, images.pixels) == images.labels
        rows += [
            _share("success_rate", images.extra["success"][right], **here),
            _share("accuracy", correct, **here),
            _share("noise_accuracy", answers(classifier, noisy) == source.labels, **here),
            row("mean_linf", *mean_interval(sizes, seed), len(sizes), **here),
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
    """Run ``perturb`` of an attack module on an ImageSet; float32 pixels for each ε.

    Without ``epsilons`` the attack looks for the smallest perturbation: one array of pixels.
    """
    pixels, labels = torch.from_numpy(source.pixels), torch.from_numpy(source.labels)
    if not epsilons:
        return [perturb(classifier, pixels, labels, **options).numpy()]
    return [each.numpy() for each in perturb(classifier, pixels, labels, epsilons, **options)]

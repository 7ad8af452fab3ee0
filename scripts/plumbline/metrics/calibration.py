"""How good and how honest predicted probabilities are: accuracy, NLL, Brier score, ECE.

All functions take ``probs`` [N, K], rows summing to one, and ``labels`` [N] in 0..K-1.
Nothing here needs torch.
"""

from typing import NamedTuple

import numpy as np

from plumbline.metrics.intervals import (
    DIFFERENCE,
    Figure,
    bootstrap_counts,
    interval,
    mean_interval,
    widened,
    wilson,
)

BINS = 15
SMALLEST = float(np.finfo(np.float32).tiny)  # softmax in float32 rounds below this to 0
BOUNDS = {"accuracy": (0.0, 1.0), "ece": (0.0, 1.0), "nll": (0.0, np.inf), "brier": (0.0, 2.0)}
"""What each metric can be: the ends of an interval stay within."""


class Reliability(NamedTuple):
    """A reliability diagram: per bin mean ``confidence`` and ``accuracy`` in [0, 1], ``count``.

    Confidence and accuracy of an empty bin are NaN.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def correct(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether the most probable class is the label, bool [N]; of equal ones the first counts."""
    return probs.argmax(-1) == labels


def accuracy(probs: np.ndarray, labels: np.ndarray) -> float:
    """Share of the images whose most probable class is the label."""
    return float(correct(probs, labels).mean())


def nll_per_image(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """-log p(label) of each image in nats, float64 [N], in [0, 87.4].

    A probability that underflowed counts as the smallest normal float32, 1.2e-38: otherwise
    a single one would make the mean infinite.
    """
    chosen = probs[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(chosen, SMALLEST, 1.0))


def nll(probs: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats."""
    return float(nll_per_image(probs, labels).mean())


def brier_per_image(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Squared distance of p to the one-hot label, summed over classes, float64 [N], in [0, 2].

    Brier 1950; not halved and not divided by K.
    """
    wanted = labels[:, None] == np.arange(probs.shape[1])
    return ((probs.astype(np.float64) - wanted) ** 2).sum(-1)


def brier(probs: np.ndarray, labels: np.ndarray) -> float:
    """Mean Brier score."""
    return float(brier_per_image(probs, labels).mean())


def ece(probs: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean |accuracy - confidence| of the bins, weighted by count.

    Confidence is the largest probability.  The bins are of equal width and closed above:
    (0, 1/bins], ..., (1 - 1/bins, 1].  Naeini et al. 2015; Guo et al. 2017, equation 3.
    """
    return float(np.abs(_gaps(probs, labels, bins).sum(0)).sum() / len(labels))


def ece_interval(probs: np.ndarray, labels: np.ndarray, seed: int, bins: int = BINS) -> Figure:
    """ECE with its bootstrap interval over images: ``(ece, low, high)``.

    ECE is biased upwards in small samples, and resampling adds the same bias once more.  The
    resamples are therefore shifted so that their mean is the ECE, and the ends kept in [0, 1].
    """
    value = ece(probs, labels, bins)
    samples = _ece_samples(probs, labels, bootstrap_counts(len(labels), seed), bins)
    low, high = interval(samples - samples.mean() + value)
    return value, max(low, 0.0), min(high, 1.0)


def differences(
    probs: np.ndarray, control: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, Figure]:
    """Accuracy, NLL, Brier score and ECE of ``probs`` minus those of ``control``, both [N, K].

    Both are of the same images and share their resamples: ``{metric}_difference`` -> (value,
    low, high), 95 % bootstrap over images.  The ECE's resamples are shifted as in
    :func:`ece_interval`, for its bias need not be the same on both sides.  Where both are right
    on the same images, no resample differs; the ends of the accuracy's interval are then
    Wilson's for a share of images, none of N seen, on which one of them alone is right.
    """
    pair = (probs, control)
    found = {}
    for name, per_image in (
        ("accuracy", correct),
        ("nll", nll_per_image),
        ("brier", brier_per_image),
    ):
        own, other = (per_image(each, labels).astype(np.float64) for each in pair)
        found[f"{name}_difference"] = mean_interval(own - other, seed)
    found["accuracy_difference"] = widened(found["accuracy_difference"], len(labels), DIFFERENCE)
    value = ece(probs, labels) - ece(control, labels)
    counts = bootstrap_counts(len(labels), seed)
    own, other = (_ece_samples(each, labels, counts, BINS) for each in pair)
    samples = own - other
    found["ece_difference"] = (value, *interval(samples - samples.mean() + value))
    return found


def reliability(probs: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """Confidence, accuracy and count of each bin of :func:`ece`."""
    which = _bin(probs, bins)
    count = np.bincount(which, minlength=bins)
    sums = (
        np.bincount(which, weights=values, minlength=bins)
        for values in (probs.max(-1), correct(probs, labels))
    )
    with np.errstate(invalid="ignore"):  # 0 / 0 of an empty bin is the NaN that is meant
        confidence, share = (each / count for each in sums)
    return Reliability(confidence, share, count)


def figures(probs: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, Figure]:
    """Accuracy (Wilson), NLL, Brier score and ECE (bootstrap): metric -> (value, low, high)."""
    hits = correct(probs, labels)
    return {
        "accuracy": (float(hits.mean()), *wilson(int(hits.sum()), len(hits))),
        "nll": mean_interval(nll_per_image(probs, labels), seed),
        "brier": mean_interval(brier_per_image(probs, labels), seed),
        "ece": ece_interval(probs, labels, seed),
    }


def resampled(
    probs: np.ndarray, labels: np.ndarray, counts: np.ndarray, bins: int = BINS
) -> dict[str, np.ndarray]:
    """Accuracy, NLL, Brier score and ECE in each resample, [R] each, for paired comparisons.

    ``counts`` [R, N] says how often each image is in each resample; in the first row every
    image is once, so that it gives the figures themselves.  The ECE of the others is shifted as
    in :func:`ece_interval`.
    """
    per_image = {
        "accuracy": correct(probs, labels),
        "nll": nll_per_image(probs, labels),
        "brier": brier_per_image(probs, labels),
    }
    found = {name: counts @ values / len(labels) for name, values in per_image.items()}
    errors = _ece_samples(probs, labels, counts, bins)
    if len(errors) > 1:
        errors[1:] += errors[0] - errors[1:].mean()
    return found | {"ece": errors}


def _ece_samples(
    probs: np.ndarray, labels: np.ndarray, counts: np.ndarray, bins: int
) -> np.ndarray:
    """ECE of every resample of ``counts`` [R, N], [R]."""
    return np.abs(counts @ _gaps(probs, labels, bins)).sum(1) / len(labels)


def _bin(probs: np.ndarray, bins: int) -> np.ndarray:
    """Number of the bin of each image's confidence, [N]; a bin holds its upper edge."""
    return np.searchsorted(np.arange(1, bins) / bins, probs.max(-1), side="left")


def _gaps(probs: np.ndarray, labels: np.ndarray, bins: int) -> np.ndarray:
    """Correct minus confidence of each image in the column of its bin, float64 [N, bins]."""
    gaps = np.zeros((len(labels), bins))
    confidence = probs.max(-1).astype(np.float64)
    gaps[np.arange(len(labels)), _bin(probs, bins)] = correct(probs, labels) - confidence
    return gaps

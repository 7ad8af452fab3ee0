"""Accuracy and calibration of predicted probabilities: accuracy, NLL, Brier score, ECE.

All functions take ``probs`` [N, K], rows summing to one, and ``labels`` [N] in 0..K-1.
Nothing here needs torch.
"""

from typing import NamedTuple

import numpy as np

from plumbline.metrics.intervals import (
    DIFFERENCE,
    Estimate,
    bootstrap_counts,
    interval,
    mean_interval,
    widened,
    wilson,
)

BINS = 15
SMALLEST = float(np.finfo(np.float32).tiny)  # softmax in float32 rounds below this to 0
BOUNDS = {"accuracy": (0.0, 1.0), "ece": (0.0, 1.0), "nll": (0.0, np.inf), "brier": (0.0, 2.0)}
"""Range of each metric; interval ends stay within it."""


class Reliability(NamedTuple):
    """A reliability diagram: per bin mean ``confidence`` and ``accuracy`` in [0, 1], ``count``.

    Confidence and accuracy of an empty bin are NaN.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray  # type: ignore[assignment]  # in place of tuple.count


def correct(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether the most probable class is the label, bool [N]; of tied classes the first counts."""
    return probs.argmax(-1) == labels


def accuracy(probs: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose most probable class is the label."""
    return float(correct(probs, labels).mean())


def nll_per_image(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """-log p(label) of each image in nats, float64 [N], in [0, 87.4].

    A probability that underflowed to 0 is replaced by the smallest normal float32, 1.2e-38;
    otherwise a single one would make the mean infinite.
    """
    of_label = probs[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(of_label, SMALLEST, 1.0))


def nll(probs: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats."""
    return float(nll_per_image(probs, labels).mean())


def brier_per_image(probs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Squared distance of p from the one-hot label, summed over classes, float64 [N], in [0, 2].

    Brier 1950; neither halved nor divided by K.
    """
    one_hot = labels[:, None] == np.arange(probs.shape[1])
    return ((probs.astype(np.float64) - one_hot) ** 2).sum(-1)


def brier(probs: np.ndarray, labels: np.ndarray) -> float:
    """Mean Brier score."""
    return float(brier_per_image(probs, labels).mean())


def ece(probs: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean |accuracy - confidence| over bins, weighted by count.

    Confidence is the largest probability.  The bins have equal width and include their upper
    edge: (0, 1/bins], ..., (1 - 1/bins, 1].  Naeini et al. 2015; Guo et al. 2017, equation 3.
    """
    return float(np.abs(_gaps(probs, labels, bins).sum(0)).sum() / len(labels))


def ece_interval(probs: np.ndarray, labels: np.ndarray, seed: int, bins: int = BINS) -> Estimate:
    """ECE with its bootstrap interval over images: ``(ece, low, high)``.

    ECE is biased upwards in small samples, and resampling adds the same bias a second time.
    The resampled values are therefore shifted so that their mean equals the ECE; the interval
    ends are clipped to [0, 1].
    """
    value = ece(probs, labels, bins)
    samples = _ece_samples(probs, labels, bootstrap_counts(len(labels), seed), bins)
    low, high = interval(samples - samples.mean() + value)
    return value, max(low, 0.0), min(high, 1.0)


def differences(
    probs: np.ndarray, control: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, Estimate]:
    """Accuracy, NLL, Brier score and ECE of ``probs`` minus those of ``control``, both [N, K].

    Both describe the same images and share the same resamples.  Returns
    ``{metric}_difference`` -> (value, low, high), with 95 % bootstrap intervals over images.
    The resampled ECE differences are shifted as in :func:`ece_interval`, because the bias of
    the two ECEs may differ.  If both predictions are correct on the same images, all resamples
    agree; the accuracy interval then extends to Wilson's bounds for a share of images, 0 of N
    observed, on which only one of the two is correct.
    """
    pair = (probs, control)
    estimates = {}
    for name, per_image in (
        ("accuracy", correct),
        ("nll", nll_per_image),
        ("brier", brier_per_image),
    ):
        values, control_values = (per_image(p, labels).astype(np.float64) for p in pair)
        estimates[f"{name}_difference"] = mean_interval(values - control_values, seed)
    accuracy_difference = estimates["accuracy_difference"]
    estimates["accuracy_difference"] = widened(accuracy_difference, len(labels), DIFFERENCE)
    value = ece(probs, labels) - ece(control, labels)
    counts = bootstrap_counts(len(labels), seed)
    errors, control_errors = (_ece_samples(p, labels, counts, BINS) for p in pair)
    samples = errors - control_errors
    estimates["ece_difference"] = (value, *interval(samples - samples.mean() + value))
    return estimates


def reliability(probs: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """Mean confidence, accuracy and number of images in each bin of :func:`ece`."""
    bin_number = _bin(probs, bins)
    count = np.bincount(bin_number, minlength=bins)
    sums = (
        np.bincount(bin_number, weights=values, minlength=bins)
        for values in (probs.max(-1), correct(probs, labels))
    )
    with np.errstate(invalid="ignore"):  # 0 / 0 in an empty bin gives the intended NaN
        confidence, share_correct = (total / count for total in sums)
    return Reliability(confidence, share_correct, count)


def estimates(probs: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, Estimate]:
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
    """Accuracy, NLL, Brier score and ECE of each resample, [R] each, for paired comparisons.

    ``counts`` [R, N] gives how often each image occurs in each resample.  In the first row
    every image occurs once, so that it gives the estimates themselves.  The ECE of the other
    rows is shifted as in :func:`ece_interval`.
    """
    per_image = {
        "accuracy": correct(probs, labels),
        "nll": nll_per_image(probs, labels),
        "brier": brier_per_image(probs, labels),
    }
    samples = {name: counts @ values / len(labels) for name, values in per_image.items()}
    errors = _ece_samples(probs, labels, counts, bins)
    if len(errors) > 1:
        errors[1:] += errors[0] - errors[1:].mean()
    return samples | {"ece": errors}


def _ece_samples(
    probs: np.ndarray, labels: np.ndarray, counts: np.ndarray, bins: int
) -> np.ndarray:
    """ECE of every resample in ``counts`` [R, N], [R]."""
    return np.abs(counts @ _gaps(probs, labels, bins)).sum(1) / len(labels)


def _bin(probs: np.ndarray, bins: int) -> np.ndarray:
    """Index of the bin of each image's confidence, [N]; a bin includes its upper edge."""
    return np.searchsorted(np.arange(1, bins) / bins, probs.max(-1), side="left")


def _gaps(probs: np.ndarray, labels: np.ndarray, bins: int) -> np.ndarray:
    """Correctness minus confidence of each image, in the column of its bin, float64 [N, bins]."""
    gaps = np.zeros((len(labels), bins))
    confidence = probs.max(-1).astype(np.float64)
    gaps[np.arange(len(labels)), _bin(probs, bins)] = correct(probs, labels) - confidence
    return gaps

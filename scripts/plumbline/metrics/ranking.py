"""How well a score ranks images, with bootstrap samples: detection and selective prediction.

Ties are respected: images with equal scores lie on the same side of every detection threshold,
and no order is assumed among them in selective prediction.
"""

from collections.abc import Sequence

import numpy as np

from plumbline.metrics.intervals import RESAMPLES, bootstrap_counts

TPR = 0.95
CHUNK = 2**16  # entries in one block of resamples, small enough for the processor's cache


def measure(scores: np.ndarray, positive: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC, AUPR and FPR at 95 % TPR of each resample, [R] each.

    Positives are the suspicious images; a higher score is more suspicious.  ``scores`` [M] and
    ``positive`` [M] bool belong to the images; ``counts`` [R, M] gives how often each image
    occurs in each resample.  A row of ones gives the estimates on the images themselves.

    ``auroc`` is the probability that a positive scores higher than a negative; a tie counts one
    half.  ``aupr`` is the average precision, the sum over thresholds of the precision times the
    recall gained there, without interpolation; its chance level is the share of positives.
    ``fpr95`` is the smallest share of negatives above a threshold that has at least 95 % of
    the positives above it.

    Raises ``ValueError`` if a score is NaN or a resample has no positive or no negative.
    """
    order, ends = _ranks(-scores)
    blocks = [
        _measure(counts[block][:, order], positive[order], ends)
        for block in _blocks(len(counts), len(scores))
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _measure(counts: np.ndarray, positive: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
    """Metrics of one block whose images are sorted by falling score, with ties ending at ``ends``.

    Counts are integers, so sums are exact until the divisions.
    """
    hits = np.cumsum(counts * positive, axis=1, dtype=np.int32)[:, ends]
    above = np.cumsum(counts, axis=1, dtype=np.int32)[:, ends]
    false = above - hits
    positives, negatives = hits[:, -1:], false[:, -1:]
    if not (positives.all() and negatives.all()):
        raise ValueError("a resample has no positive or no negative")
    gained = np.diff(hits, axis=1, prepend=0)
    # Twice the area under the ROC curve by the trapezoidal rule.
    area = (np.diff(false, axis=1, prepend=0).astype(float) * (2 * hits - gained)).sum(1)
    precision = hits / np.maximum(above, 1)
    threshold = (hits / positives < TPR).sum(1)
    return {
        "auroc": area / (2.0 * positives[:, 0] * negatives[:, 0]),
        "aupr": (gained * precision).sum(1) / positives[:, 0],
        "fpr95": false[np.arange(len(false)), threshold] / negatives[:, 0],
    }


def resample(positive: np.ndarray, seed: int, item: np.ndarray | None = None) -> np.ndarray:
    """Stratified bootstrap counts [RESAMPLES, M]: positives are drawn among positives and
    negatives among negatives, so that every resample has as many of each as the images.

    ``item`` [M] identifies what each image shows; no two positives and no two negatives share
    an item.  A positive and a negative of the same item, such as an adversarial image and its
    source, are drawn together as a pair.
    """
    paired = np.zeros(len(positive), bool)
    counts = np.empty((RESAMPLES, len(positive)), np.int32)
    if item is not None:
        both = np.intersect1d(item[positive], item[~positive])
        paired = np.isin(item, both)
        if len(both):
            drawn = bootstrap_counts(len(both), seed + 2)
            counts[:, paired] = drawn[:, np.searchsorted(both, item[paired])]
    for offset, unpaired in enumerate((~positive & ~paired, positive & ~paired)):
        if unpaired.any():
            counts[:, unpaired] = bootstrap_counts(int(unpaired.sum()), seed + offset)
    return counts


def selective(
    uncertainty: np.ndarray, wrong: np.ndarray, counts: np.ndarray, coverages: Sequence[float]
) -> dict[str, np.ndarray]:
    """How well ``uncertainty`` [N] predicts which predictions are ``wrong`` [N] bool, per resample.

    The images are accepted in order of rising uncertainty; the risk at a coverage is the error
    rate among the accepted images.  For each row of ``counts`` [R, N] the result holds

    - ``auroc`` [R]: the probability that a wrong prediction is more uncertain than a correct
      one, a tie counting one half; NaN where a resample has no wrong or no correct prediction;
    - ``aurc`` [R]: the area under the risk-coverage curve, the mean of the risks at the
      coverages 1/N, 2/N, ..., 1 (Geifman and El-Yaniv 2017; Geifman, Uziel and El-Yaniv 2019),
      in [0, 1], lower is better; the chance level is the error rate;
    - ``risks`` [R, C]: the risk when the first ceil(c N) images are accepted, for each c in
      ``coverages``, in (0, 1].

    Equally uncertain images, among them the copies of one image in a resample, have no order:
    the risks are means over all their orders.

    Raises ``ValueError`` if an uncertainty is NaN.
    """
    order, ends = _ranks(uncertainty)
    total = int(counts[0].sum())
    accepted = [max(1, int(np.ceil(share * total - 1e-9))) for share in coverages]
    blocks = [
        _selective(counts[block][:, order], wrong[order], ends, accepted)
        for block in _blocks(len(counts), len(uncertainty))
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _selective(
    counts: np.ndarray, wrong: np.ndarray, ends: np.ndarray, accepted: Sequence[int]
) -> dict[str, np.ndarray]:
    """Metrics of one block whose images are sorted by rising uncertainty."""
    until = np.cumsum(counts, axis=1, dtype=np.int32)[:, ends]
    errors_until = np.cumsum(counts * wrong, axis=1, dtype=np.int32)[:, ends]
    tied, errors = (np.diff(sums, axis=1, prepend=0) for sums in (until, errors_until))
    before, errors_before = until - tied, errors_until - errors
    rate = errors / np.maximum(tied, 1)
    total, mistakes = until[:, -1], errors_until[:, -1].astype(float)
    # Each wrong prediction beats the correct ones before it and half of those tied with it.
    beaten = (errors * (2.0 * (before - errors_before) + tied - errors)).sum(1) / 2
    # The risk after k images is (errors_before + (k - before) rate) / k.  Its sum over the k of
    # one tie is errors + (errors_before - before rate) (1/(before + 1) + ... + 1/until).
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, total.max() + 1))])
    inverse = harmonic[until] - harmonic[before]
    area = (errors + (errors_before - before * rate) * inverse).sum(1)
    line = np.arange(len(until))
    risks = np.empty((len(until), len(accepted)))
    for column, count in enumerate(accepted):
        tie = (until < count).sum(1)
        inside = (count - before[line, tie]) * rate[line, tie]
        risks[:, column] = (errors_before[line, tie] + inside) / count
    with np.errstate(invalid="ignore"):  # 0 / 0 gives the intended NaN
        auroc = beaten / (mistakes * (total - mistakes))
    return {"auroc": auroc, "aurc": area / total, "risks": risks}


def _ranks(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order that sorts ``scores`` [M], and the last position of each run of equal scores.

    Raises ``ValueError`` if a score is NaN.
    """
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN")
    order = np.argsort(scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)


def _blocks(resamples: int, images: int) -> list[slice]:
    """Slices of consecutive resamples, each of at most ``CHUNK`` entries if possible."""
    size = max(1, CHUNK // images)
    return [slice(start, start + size) for start in range(0, resamples, size)]

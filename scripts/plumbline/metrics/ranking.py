"""How well a score ranks images, with bootstrap samples: detection, and answering selectively.

Equal scores cannot be told apart: as a detector they stand on the same side of every
threshold, and among images that are answered first none of them comes before another.
"""

from collections.abc import Sequence

import numpy as np

from plumbline.metrics.intervals import RESAMPLES, bootstrap_counts

TPR = 0.95
CHUNK = 2**16  # entries of one block of resamples, so that it stays in the cache


def measure(scores: np.ndarray, positive: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC, AUPR and FPR at 95 % TPR of each resample, [R] each.

    Positives are the suspicious images; a higher score is more suspicious.  ``scores`` [M] and
    ``positive`` [M] bool are of the images, ``counts`` [R, M] says how often each image is in
    each resample; ones give the figures of the images themselves.

    ``auroc`` is the chance that a positive scores higher than a negative, a tie counting half.
    ``aupr`` is the average precision, the sum of the precision at each threshold times the
    recall gained there, without interpolation; its chance level is the share of positives.
    ``fpr95`` is the smallest share of negatives above a threshold that has at least 95 % of
    the positives above it.

    Raises ``ValueError`` for a score that is not a number and if a resample has no positive or
    no negative.
    """
    order, ends = _ranks(-scores)
    blocks = [
        _measure(counts[block][:, order], positive[order], ends)
        for block in _blocks(len(counts), len(scores))
    ]
    return {name: np.concatenate([each[name] for each in blocks]) for name in blocks[0]}


def _measure(counts: np.ndarray, positive: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
    """Figures of one block whose images are in order of falling score, ties ending at ``ends``.

    Counts are whole numbers, so no sum before the divisions is rounded.
    """
    hits = np.cumsum(counts * positive, axis=1, dtype=np.int32)[:, ends]
    above = np.cumsum(counts, axis=1, dtype=np.int32)[:, ends]
    false = above - hits
    positives, negatives = hits[:, -1:], false[:, -1:]
    if not (positives.all() and negatives.all()):
        raise ValueError("a resample has no positive or no negative")
    gained = np.diff(hits, axis=1, prepend=0)
    # Twice the area: each step right is counted at its height before and after.
    area = (np.diff(false, axis=1, prepend=0).astype(float) * (2 * hits - gained)).sum(1)
    precision = hits / np.maximum(above, 1)
    enough = (hits / positives < TPR).sum(1)
    return {
        "auroc": area / (2.0 * positives[:, 0] * negatives[:, 0]),
        "aupr": (gained * precision).sum(1) / positives[:, 0],
        "fpr95": false[np.arange(len(false)), enough] / negatives[:, 0],
    }


def resample(positive: np.ndarray, seed: int, item: np.ndarray | None = None) -> np.ndarray:
    """Bootstrap counts [RESAMPLES, M]: positives are drawn among positives, negatives among
    negatives, so that every resample has as many of each as the images.

    ``item`` [M] says what each image is of, no two positives or negatives of the same: a positive
    and the negative of its item, such as an adversarial image and its source, are drawn together,
    among such pairs.
    """
    paired = np.zeros(len(positive), bool)
    counts = np.empty((RESAMPLES, len(positive)), np.int32)
    if item is not None:
        both = np.intersect1d(item[positive], item[~positive])
        paired = np.isin(item, both)
        if len(both):
            drawn = bootstrap_counts(len(both), seed + 2)
            counts[:, paired] = drawn[:, np.searchsorted(both, item[paired])]
    for offset, alone in enumerate((~positive & ~paired, positive & ~paired)):
        if alone.any():
            counts[:, alone] = bootstrap_counts(int(alone.sum()), seed + offset)
    return counts


def selective(
    uncertainty: np.ndarray, wrong: np.ndarray, counts: np.ndarray, coverages: Sequence[float]
) -> dict[str, np.ndarray]:
    """How well ``uncertainty`` [N] says which answers are ``wrong`` [N] bool, per resample.

    The images are answered in order of rising uncertainty; the risk at a coverage is the share
    of wrong answers among those answered.  Returned are, for each row of ``counts`` [R, N],

    - ``auroc`` [R]: the chance that a wrong answer is more uncertain than a right one, a tie
      counting half; NaN where a resample has no wrong or no right answer;
    - ``aurc`` [R]: the mean of the risks at the coverages 1/N, 2/N, ..., 1 (Geifman and
      El-Yaniv 2017; Geifman, Uziel and El-Yaniv 2019), in [0, 1], the lower the better; chance
      level is the error rate;
    - ``risks`` [R, C]: the risk when the first ceil(c N) images are answered, for each c of
      ``coverages`` in (0, 1].

    Of equally uncertain images, and those are also the copies of one image in a resample, any
    may come first: the risks are the means over all their orders.  Raises ``ValueError`` for an
    uncertainty that is not a number.
    """
    order, ends = _ranks(uncertainty)
    total = int(counts[0].sum())
    answered = [max(1, int(np.ceil(share * total - 1e-9))) for share in coverages]
    blocks = [
        _selective(counts[block][:, order], wrong[order], ends, answered)
        for block in _blocks(len(counts), len(uncertainty))
    ]
    return {name: np.concatenate([each[name] for each in blocks]) for name in blocks[0]}


def _selective(
    counts: np.ndarray, wrong: np.ndarray, ends: np.ndarray, answered: Sequence[int]
) -> dict[str, np.ndarray]:
    """Figures of one block whose images are in order of rising uncertainty."""
    until = np.cumsum(counts, axis=1, dtype=np.int32)[:, ends]
    errors_until = np.cumsum(counts * wrong, axis=1, dtype=np.int32)[:, ends]
    tied, errors = (np.diff(each, axis=1, prepend=0) for each in (until, errors_until))
    before, errors_before = until - tied, errors_until - errors
    rate = errors / np.maximum(tied, 1)
    total, mistakes = until[:, -1], errors_until[:, -1].astype(float)
    # Each wrong answer beats the right ones before it and half of those that it ties with.
    beaten = (errors * (2.0 * (before - errors_before) + tied - errors)).sum(1) / 2
    # The risk after k images is (errors_before + (k - before) rate) / k; summed over the k of
    # one tie that is errors + (errors_before - before rate) (1/(before + 1) + ... + 1/until).
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, total.max() + 1))])
    inverse = harmonic[until] - harmonic[before]
    area = (errors + (errors_before - before * rate) * inverse).sum(1)
    line = np.arange(len(until))
    risks = np.empty((len(until), len(answered)))
    for column, count in enumerate(answered):
        place = (until < count).sum(1)
        inside = (count - before[line, place]) * rate[line, place]
        risks[:, column] = (errors_before[line, place] + inside) / count
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is meant
        auroc = beaten / (mistakes * (total - mistakes))
    return {"auroc": auroc, "aurc": area / total, "risks": risks}


def _ranks(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of rising ``scores`` [M], and the last place of each run of equal ones."""
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN")
    order = np.argsort(scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)


def _blocks(resamples: int, images: int) -> list[slice]:
    """Consecutive resamples that fit into ``CHUNK`` entries."""
    size = max(1, CHUNK // images)
    return [slice(start, start + size) for start in range(0, resamples, size)]

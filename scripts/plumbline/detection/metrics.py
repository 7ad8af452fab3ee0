"""How well a score tells suspicious images from others, with bootstrap samples.

Positives are the suspicious images; a higher score is more suspicious.  Equal scores cannot
be told apart: they stand on the same side of every threshold.
"""

import numpy as np

from plumbline.statistics import bootstrap_counts

TPR = 0.95
CHUNK = 2**16  # entries of one block of resamples, so that it stays in the cache


def measure(scores: np.ndarray, positive: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC, AUPR and FPR at 95 % TPR of each resample, [R] each.

    ``scores`` [M] and ``positive`` [M] bool are of the images, ``counts`` [R, M] says how often
    each image is in each resample; ones give the figures of the images themselves.

    ``auroc`` is the chance that a positive scores higher than a negative, a tie counting half.
    ``aupr`` is the average precision, the sum of the precision at each threshold times the
    recall gained there, without interpolation; its chance level is the share of positives.
    ``fpr95`` is the smallest share of negatives above a threshold that has at least 95 % of
    the positives above it.

    Raises ``ValueError`` for a score that is not a number and if a resample has no positive or
    no negative.
    """
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN")
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    per_block = max(1, CHUNK // len(scores))
    blocks = [
        _measure(counts[start : start + per_block, order], positive[order], ends)
        for start in range(0, len(counts), per_block)
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


def resample(positive: np.ndarray, seed: int) -> np.ndarray:
    """Bootstrap counts [RESAMPLES, M]: positives are drawn among positives, negatives among
    negatives, so that every resample has as many of each as the images."""
    found = int(positive.sum())
    parts = bootstrap_counts(len(positive) - found, seed), bootstrap_counts(found, seed + 1)
    counts = np.empty((len(parts[0]), len(positive)), parts[0].dtype)
    counts[:, ~positive], counts[:, positive] = parts
    return counts

"""Fast estimates of many scores on the same images and bootstrap resamples.

The estimates are those of :mod:`plumbline.metrics.ranking`.  All of them change only where a
positive stands: so only thresholds at positives are looked at, and the negatives between two of
them are counted
together.  Arrays have an image in each row and a resample in each column: putting the images in
order copies whole rows, and counting adds whole rows.
"""

import numpy as np

from plumbline.metrics.ranking import TPR

CHUNK = 2**16  # entries in one block of resamples, small enough for the processor's cache


class Resampled:
    """Images, of which some are ``positive`` [M] bool (suspicious), and their resamples.

    ``counts`` [R, M] gives how often each image occurs in each resample; a row of ones is the
    original sample.  Every resample must have the same numbers of positives and negatives as the
    images, at least one of each; otherwise ``ValueError`` is raised.
    """

    def __init__(self, positive: np.ndarray, counts: np.ndarray) -> None:
        self.positive = positive
        self.found = int(positive.sum())
        self.total = len(positive)
        same = (counts.sum(1) == self.total).all()
        if not (same and (counts[:, positive].sum(1) == self.found).all()):
            raise ValueError("a resample has other numbers of positives and negatives")
        if not 0 < self.found < self.total:
            raise ValueError("there is no positive or no negative")
        size = max(1, CHUNK // self.total)
        starts = range(0, len(counts), size)
        self.blocks = [np.ascontiguousarray(counts[at : at + size].T, float) for at in starts]
        # Partial sums of 1, 1/2, 1/3, ...: their differences give the area under the risks.
        parts = 1 / np.arange(1, self.total + 1)
        self.harmonic = np.concatenate([[0.0], np.cumsum(parts)])

    def measure(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """``auroc``, ``aupr``, ``fpr95`` and ``aurc`` of each resample, [R] each.

        ``scores`` [M], higher is more suspicious.  The first three are those of
        :func:`plumbline.metrics.ranking.measure`.  ``aurc`` is that of
        :func:`plumbline.metrics.ranking.selective`: images are let through in order of rising
        score, and the risk at a coverage is the share of positives among them.

        Raises ``ValueError`` for a score that is not a number.
        """
        if np.isnan(scores).any():
            raise ValueError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN")
        order = np.argsort(-scores, kind="stable")
        positive, falling = self.positive[order], scores[order]
        tie = np.append(0, np.cumsum(np.diff(falling) != 0))
        # A group for each threshold at a positive; its images, and the negatives above them.
        held, group = np.unique(tie[positive], return_inverse=True)
        tied = np.isin(tie, held) & ~positive
        between = np.searchsorted(held, tie[~positive], side="left")
        images = order[positive], order[~positive], order[tied]
        groups = group, between, np.searchsorted(held, tie[tied])
        parts = [self._measure(block, images, groups, len(held)) for block in self.blocks]
        return {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}

    def _measure(
        self,
        counts: np.ndarray,
        images: tuple[np.ndarray, ...],
        groups: tuple[np.ndarray, ...],
        size: int,
    ) -> dict[str, np.ndarray]:
        """Estimates of one block of resamples, ``counts`` [M, r].

        ``images`` are the positives, the negatives, and those negatives that tie with a
        positive, in order of falling score; ``groups`` [..] which of the ``size`` thresholds
        each belongs to: for the negatives, the first that they are above or at.
        """
        gained, passed, tied = (
            _sums(counts[which], where, size) for which, where in zip(images, groups, strict=True)
        )
        hits, false = np.cumsum(gained, 0), np.cumsum(passed, 0)
        negatives = self.total - self.found
        area = (gained * (negatives - false + tied / 2)).sum(0)
        enough = (hits / self.found < TPR).sum(0)
        return {
            "auroc": area / (self.found * negatives),
            "aupr": (gained * (hits / np.maximum(hits + false, 1))).sum(0) / self.found,
            "fpr95": false[enough, np.arange(false.shape[1])] / negatives,
            "aurc": self._area_of_risks(gained, tied, hits, hits + false),
        }

    def _area_of_risks(
        self, gained: np.ndarray, tied: np.ndarray, hits: np.ndarray, above: np.ndarray
    ) -> np.ndarray:
        """Mean over k of the share of positives among the k images of lowest score.

        With b images let through before a group, e of them positive, and n in it, m of them
        positive, the risk after k is (e + (k - b) m / n) / k; its sum over the group is
        m + (e - b m / n) (1/(b + 1) + ... + 1/(b + n)).  The negatives between two groups are
        such a group with m = 0.
        """
        before = self.total - above
        both = gained + tied
        positive = self.found - hits
        low = self.harmonic[before.astype(np.intp)]
        high = self.harmonic[(before + both).astype(np.intp)]
        area = gained + (positive - before * (gained / np.maximum(both, 1))) * (high - low)
        area[:-1] += positive[:-1] * (low[:-1] - high[1:])
        return (area.sum(0) + self.found * (self.harmonic[-1] - high[0])) / self.total


def _sums(rows: np.ndarray, group: np.ndarray, size: int) -> np.ndarray:
    """Sums of ``rows`` [M, r] by ``group`` [M], ascending, [size, r]; rows beyond are left out."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    if len(rows) == size and np.array_equal(group, np.arange(size)):
        return rows
    found = np.zeros((size, rows.shape[1]))
    if len(starts):
        sums = np.add.reduceat(rows, starts, axis=0)
        known = int((group[starts] < size).sum())
        found[group[starts[:known]]] = sums[:known]
    return found

"""Sequential testing: how many mutants it takes to tell whether a label flips too easily.

The sequential probability ratio test of Wald 1945, as Wang et al. 2019 (section 4.3) put it to
label changes.  An image whose label changes with the probability r under a mutant is suspicious
if r is at least ``threshold`` + sigma and normal if r is at most ``threshold`` - sigma.
"""

import math
from dataclasses import dataclass

import numpy as np

SUSPICIOUS, OPEN, NORMAL = 1, 0, -1


@dataclass(frozen=True)
class RatioTest:
    """A test between two rates of label changes, ``low`` < ``high``, both in (0, 1).

    ``alpha`` bounds how often an image of the rate ``high`` or more is called normal, ``beta``
    how often one of the rate ``low`` or less is called suspicious; more exactly Wald's bounds
    are alpha / (1 - beta) and beta / (1 - alpha).
    """

    low: float
    high: float
    alpha: float
    beta: float

    @property
    def steps(self) -> tuple[float, float]:
        """What a mutant adds to the evidence: without a change (below 0), with one (above 0).

        The evidence is the logarithm of the probability ratio, ``high`` over ``low``.
        """
        stay = math.log1p(-self.high) - math.log1p(-self.low)
        return stay, math.log(self.high) - math.log(self.low)

    @property
    def bounds(self) -> tuple[float, float]:
        """The evidence at which an image is normal, and at which it is suspicious."""
        return math.log(self.alpha / (1 - self.beta)), math.log((1 - self.alpha) / self.beta)


def around(threshold: float, *, sigma: float, alpha: float, beta: float, mutants: int) -> RatioTest:
    """The test whose indifference region is ``threshold`` times 1 - ``sigma`` to 1 + ``sigma``.

    Where calibration shows no change at all the threshold is taken as half a change among
    ``mutants``, and never so large that ``high`` would reach 1.
    """
    most = (1 - 0.5 / mutants) / (1 + sigma)
    threshold = min(max(threshold, 0.5 / mutants), most)
    return RatioTest(threshold * (1 - sigma), threshold * (1 + sigma), alpha, beta)


def mean_threshold(rates: np.ndarray, level: float) -> float:
    """Upper end of the normal interval at ``level`` of the mean of ``rates`` [N].

    Wang et al. 2019 set their thresholds so, with 0.99, from the label change rates of normal
    images.  Many of these change more often than their mean.
    """
    from scipy.special import ndtri

    error = rates.std(ddof=1) / math.sqrt(len(rates)) if len(rates) > 1 else 0.0
    return float(rates.mean() + ndtri((1 + level) / 2) * error)


def quantile_threshold(rates: np.ndarray, false_alarms: float) -> float:
    """The rate that at most the share ``false_alarms`` of ``rates`` [N] exceeds."""
    return float(np.quantile(rates, 1 - false_alarms, method="higher"))


class Running:
    """The test of ``images`` images while mutants come in one after another.

    ``verdict`` [N] is SUSPICIOUS, NORMAL or OPEN; ``asked`` [N] counts the mutants that each
    image was put before until its verdict.
    """

    def __init__(self, test: RatioTest, images: int) -> None:
        self.test = test
        self.verdict = np.full(images, OPEN, np.int8)
        self.asked = np.zeros(images, np.int64)
        self._changes = np.zeros(images, np.int64)

    @property
    def open(self) -> np.ndarray:
        """Places of the images without a verdict."""
        return np.flatnonzero(self.verdict == OPEN)

    def see(self, changed: np.ndarray) -> None:
        """Take in whether the next mutant ``changed`` [K] bool the label of each open image."""
        which = self.open
        self.asked[which] += 1
        self._changes[which] += changed
        self.verdict[which] = _verdict(self.test, self._changes[which], self.asked[which])


def run(changed: np.ndarray, test: RatioTest) -> Running:
    """The test of every image on ``changed`` [M, N] bool, its mutants in the order of the rows."""
    mutants, images = changed.shape
    found = Running(test, images)
    asked = np.arange(1, mutants + 1)[:, None]
    verdicts = _verdict(test, np.cumsum(changed, axis=0, dtype=np.int64), asked)
    decided = verdicts != OPEN
    first = np.where(decided.any(0), decided.argmax(0), mutants - 1)
    found.verdict = verdicts[first, np.arange(images)]
    found.asked = first + 1
    return found


def _verdict(test: RatioTest, changes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The verdict after ``changes`` of ``asked`` mutants changed the label."""
    stay, change = test.steps
    evidence = changes * change + (asked - changes) * stay
    normal, suspicious = test.bounds
    return np.where(
        evidence >= suspicious, SUSPICIOUS, np.where(evidence <= normal, NORMAL, OPEN)
    ).astype(np.int8)

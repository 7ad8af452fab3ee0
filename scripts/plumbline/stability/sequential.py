"""Sequential testing: the number of mutants needed to decide whether an image is suspicious.

The sequential probability ratio test of Wald 1945, applied to label changes by Wang et al. 2019
(section 4.3).  An image whose label changes with probability r under a mutant is suspicious if r
is at least ``threshold`` + sigma, and normal if r is at most ``threshold`` - sigma.
"""

import math
from dataclasses import dataclass

import numpy as np

SUSPICIOUS, OPEN, NORMAL = 1, 0, -1


@dataclass(frozen=True)
class RatioTest:
    """A test between two rates of label changes, ``low`` < ``high``, both in (0, 1).

    ``alpha`` bounds the probability that an image with a rate of ``high`` or more is called
    normal, ``beta`` that an image with a rate of ``low`` or less is called suspicious; Wald's
    exact bounds are alpha / (1 - beta) and beta / (1 - alpha).
    """

    low: float
    high: float
    alpha: float
    beta: float

    @property
    def steps(self) -> tuple[float, float]:
        """Contribution of a mutant to the evidence: without a change (below 0), with one (above 0).

        The evidence is the logarithm of the probability ratio of ``high`` to ``low``.
        """
        stay = math.log1p(-self.high) - math.log1p(-self.low)
        return stay, math.log(self.high) - math.log(self.low)

    @property
    def bounds(self) -> tuple[float, float]:
        """The evidence at which an image is normal, and at which it is suspicious."""
        return math.log(self.alpha / (1 - self.beta)), math.log((1 - self.alpha) / self.beta)


def around(threshold: float, *, sigma: float, alpha: float, beta: float, mutants: int) -> RatioTest:
    """The test whose indifference region is ``threshold`` times 1 - ``sigma`` to 1 + ``sigma``.

    The threshold is at least half a change among ``mutants``, in case there are no changes on
    calibration, and at most such that ``high`` stays below 1.
    """
    most = (1 - 0.5 / mutants) / (1 + sigma)
    threshold = min(max(threshold, 0.5 / mutants), most)
    return RatioTest(threshold * (1 - sigma), threshold * (1 + sigma), alpha, beta)


def mean_threshold(rates: np.ndarray, level: float) -> float:
    """Upper end of the normal interval at ``level`` of the mean of ``rates`` [N].

    The threshold of Wang et al. 2019, with level 0.99, from the label change rates of normal
    images.  Many normal images have rates above the mean.
    """
    from scipy.special import ndtri

    error = rates.std(ddof=1) / math.sqrt(len(rates)) if len(rates) > 1 else 0.0
    return float(rates.mean() + ndtri((1 + level) / 2) * error)


def quantile_threshold(rates: np.ndarray, false_alarms: float) -> float:
    """The rate exceeded by at most the share ``false_alarms`` of ``rates`` [N]."""
    return float(np.quantile(rates, 1 - false_alarms, method="higher"))


class Running:
    """The test of ``images`` images, to which mutants are added one by one.

    ``verdict`` [N] is SUSPICIOUS, NORMAL or OPEN; ``asked`` [N] is the number of mutants evaluated
    on each image until its verdict.
    """

    def __init__(self, test: RatioTest, images: int) -> None:
        self.test = test
        self.verdict = np.full(images, OPEN, np.int8)
        self.asked = np.zeros(images, np.int64)
        self._changes = np.zeros(images, np.int64)

    @property
    def open(self) -> np.ndarray:
        """Positions of the images without a verdict."""
        return np.flatnonzero(self.verdict == OPEN)

    def see(self, changed: np.ndarray) -> None:
        """Add a mutant, given whether it ``changed`` [K] bool the label of each open image."""
        which = self.open
        self.asked[which] += 1
        self._changes[which] += changed
        self.verdict[which] = _verdict(self.test, self._changes[which], self.asked[which])


def run(changed: np.ndarray, test: RatioTest) -> Running:
    """The test of every image on ``changed`` [M, N] bool, with mutants in the order of the rows."""
    mutants, images = changed.shape
    running = Running(test, images)
    asked = np.arange(1, mutants + 1)[:, None]
    verdicts = _verdict(test, np.cumsum(changed, axis=0, dtype=np.int64), asked)
    decided = verdicts != OPEN
    first = np.where(decided.any(0), decided.argmax(0), mutants - 1)
    running.verdict = verdicts[first, np.arange(images)]
    running.asked = first + 1
    return running


def _verdict(test: RatioTest, changes: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The verdicts if ``changes`` of ``asked`` mutants changed the label."""
    stay, change = test.steps
    evidence = changes * change + (asked - changes) * stay
    normal, suspicious = test.bounds
    return np.where(
        evidence >= suspicious, SUSPICIOUS, np.where(evidence <= normal, NORMAL, OPEN)
    ).astype(np.int8)

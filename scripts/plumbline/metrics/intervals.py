"""Intervals of the estimates in the tables."""

import functools
from collections.abc import Callable

import numpy as np

LEVEL = 0.95
RESAMPLES = 1000
Z = 1.959963984540054  # normal quantile of LEVEL, two-sided
FEWEST = 10  # with fewer items of a kind, resampling them gives no usable interval
TINY = 1e-12  # equal estimates may differ by this much in float64
SHARE, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)  # ranges of shares and of differences of shares

Estimate = tuple[float, float, float]


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson score interval of a proportion at 95 %, both ends in [0, 1].

    Wilson 1927.  ``(0, 1)`` if ``n`` is 0, when nothing is known.
    """
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    low = 0.0 if successes == 0 else max(0.0, centre - half)  # not 3e-18
    high = 1.0 if successes == n else min(1.0, centre + half)
    return float(low), float(high)


@functools.lru_cache(maxsize=2)
def bootstrap_counts(n: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each of ``n`` items is drawn in each resample, [resamples, n] int32, read-only.

    The last results are cached, because several metrics of one image set share them.
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, n), np.int32)
    for resample in counts:
        resample[:] = np.bincount(rng.integers(n, size=n), minlength=n)
    counts.flags.writeable = False
    return counts


def with_whole(counts: np.ndarray) -> np.ndarray:
    """``counts`` [R, n] preceded by a row of ones, the original sample: [1 + R, n]."""
    return np.concatenate([np.ones((1, counts.shape[1]), counts.dtype), counts])


def interval(samples: np.ndarray) -> tuple[float, float]:
    """Percentile interval at 95 % of bootstrap ``samples``; NaN samples are ignored."""
    tail = (1 - LEVEL) / 2
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return float("nan"), float("nan")
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap_estimate(
    samples: np.ndarray, n: int | None = None, bounds: tuple[float, float] = SHARE
) -> Estimate:
    """Value with its 95 % interval from ``samples`` [1 + R]: the estimate on the original items,
    followed by the estimate on each resample.

    The percentile interval, extended to include the value if necessary: items drawn twice are
    adjacent in a ranking, so that nearly all resamples may lie on one side of the value.  If
    ``n`` is given, the estimate is a share of n items, or a difference of shares, within
    ``bounds``, and :func:`widened` prevents an interval of zero width.
    """
    value = float(samples[0])
    low, high = interval(samples[1:])
    # np.minimum and np.maximum pass NaN on
    with_ends = value, float(np.minimum(low, value)), float(np.maximum(high, value))
    return with_ends if n is None else widened(with_ends, n, bounds)


def widened(estimate: Estimate, n: int, bounds: tuple[float, float] = SHARE) -> Estimate:
    """``estimate``, a share of ``n`` items or a difference of shares, never with zero width.

    A share of 0 or 1 is the same in every resample, and so is the difference of two shares that
    agree on every item.  Around such a value the interval extends as far on either side as the
    upper Wilson bound for 0 of n (:func:`wilson`; about 3.7 / n for large n), within ``bounds``.
    """
    value, low, high = estimate
    if high - low < TINY or value in bounds:
        reach = wilson(0, n)[1]
        low, high = (
            min(low, max(value - reach, bounds[0])),
            max(high, min(value + reach, bounds[1])),
        )
    return value, low, high


def ranked(
    samples: np.ndarray, positives: int, negatives: int, bounds: tuple[float, float] = SHARE
) -> Estimate:
    """:func:`bootstrap_estimate` of a quantity that compares ``positives`` with ``negatives``,
    such as an AUPR or a difference of two AUROCs, treated as a share of the smaller group.

    The ends are NaN with fewer than ``FEWEST`` of either: three items have only ten different
    resamples.
    """
    fewer = min(positives, negatives)
    if fewer < FEWEST:
        return float(samples[0]), float("nan"), float("nan")
    return bootstrap_estimate(samples, fewer, bounds)


def auroc_estimate(samples: np.ndarray, positives: int, negatives: int) -> Estimate:
    """An AUROC with its 95 % interval from ``samples`` [1 + R]; NaN ends as in :func:`ranked`.

    The union of two intervals: the percentile interval of the resamples, which is too narrow
    near 1, where the few misranked positives are often missing from the sample, and Newcombe's
    (:func:`newcombe`), which is too narrow if the scores of the positives are spread much wider
    than those of the negatives.
    """
    value = float(samples[0])
    if min(positives, negatives) < FEWEST:
        return value, float("nan"), float("nan")
    ends = bootstrap_estimate(samples)[1:], newcombe(value, positives, negatives)
    return value, min(low for low, _ in ends), max(high for _, high in ends)


def newcombe(auroc: float, positives: int, negatives: int) -> tuple[float, float]:
    """Newcombe's interval of an ``auroc`` at 95 %, both ends in [0, 1].

    Newcombe 2006, part 2, method 5: the ends are the values a whose distance from ``auroc`` is
    Z standard errors, using the variance of Hanley and McNeil 1982 at a, made symmetrical in
    the m positives and n negatives:
    a (1 - a) (1 + N (1 - a) / (2 - a) + N a / (1 + a)) / (m n), N = (m + n) / 2 - 1.
    """
    n = (positives + negatives) / 2 - 1

    def outside(a: float) -> bool:
        spread = a * (1 - a) * (1 + n * (1 - a) / (2 - a) + n * a / (1 + a))
        return (auroc - a) ** 2 > Z**2 * spread / (positives * negatives)

    return _edge(outside, 0.0, auroc), _edge(outside, 1.0, auroc)


def _edge(outside: Callable[[float], bool], far: float, near: float) -> float:
    """The point between ``far`` and ``near`` where ``outside`` ceases to hold, by bisection."""
    if not outside(far):
        return far
    while abs(far - near) > TINY:
        middle = (far + near) / 2
        far, near = (middle, near) if outside(middle) else (far, middle)
    return near


def mean_interval(values: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Mean of ``values`` [N] with its bootstrap interval: ``(mean, low, high)``.

    To compare two methods on the same images, pass the paired differences.
    """
    values = np.asarray(values, dtype=np.float64)
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    means = bootstrap_counts(len(values), seed) @ values / len(values)
    return float(values.mean()), *interval(means)


def median_interval(values: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Median of ``values`` [N] with its bootstrap interval: ``(median, low, high)``."""
    values = np.sort(np.asarray(values, dtype=np.float64))
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    # The median of a resample is the value at which the cumulative count reaches one half.
    cumulative = bootstrap_counts(len(values), seed).cumsum(1)
    lower = (cumulative >= (len(values) + 1) // 2).argmax(1)
    upper = (cumulative >= len(values) // 2 + 1).argmax(1)
    return float(np.median(values)), *interval((values[lower] + values[upper]) / 2)


def mean_intervals(values: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """:func:`mean_interval` of every column of ``values`` [N, M], each result [M].

    All columns share their resamples.  ``values`` must be finite and N at least 1.
    """
    tail = (1 - LEVEL) / 2
    means = bootstrap_counts(len(values), seed) @ values.astype(np.float64) / len(values)
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return values.mean(0, dtype=np.float64), low, high


def student_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean of ``values`` [n], such as one per training seed, with Student's interval at 95 %.

    NaN values are left out; of a single one the interval is unknown, NaN.
    """
    values = np.asarray(values, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return _student(float(values.mean()), float(error), len(values))


def joined_interval(estimates: np.ndarray) -> tuple[float, float, float]:
    """Mean of ``estimates`` [k, 3], rows of value, low and high, with an interval that covers both
    the variation between the estimates (such as training seeds) and that within each of them
    (over the same images).

    Two half widths are combined in quadrature: that of :func:`student_interval` over the k
    values, and the mean half width of the estimates.  The latter does not shrink with k because
    all estimates use the same images.  A single estimate keeps its own interval; if any value
    is NaN, all three results are NaN.
    """
    value, low, high = np.asarray(estimates, dtype=np.float64).T
    if np.isnan(value).any():
        return float("nan"), float("nan"), float("nan")
    mean, start, _ = student_interval(value)
    between = mean - start if len(value) > 1 else 0.0
    below, above = np.hypot(between, [(value - low).mean(), (high - value).mean()]).tolist()
    return mean, mean - below, mean + above


def jackknife_interval(value: float, without: np.ndarray) -> tuple[float, float, float]:
    """``value``, computed from n items, with Student's 95 % interval from the jackknife.

    ``without`` [n] holds the value with each item left out in turn.  For a mean this equals
    :func:`student_interval`; for a mean over overlapping sets of items the interval is
    conservative (Efron and Stein 1981).  The ends are NaN if any entry of ``without`` is NaN.
    """
    n = len(without)
    spread = ((without - without.mean()) ** 2).sum()
    error = np.sqrt((n - 1) / n * spread) if n > 1 else np.nan
    return _student(value, float(error), n)


def _student(mean: float, error: float, n: int) -> tuple[float, float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error if n > 1 else np.nan
    return mean, mean - half, mean + half

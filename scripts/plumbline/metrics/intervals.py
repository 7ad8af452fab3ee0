"""Intervals: every figure of a table has one."""

import functools
from collections.abc import Callable

import numpy as np

LEVEL = 0.95
RESAMPLES = 1000
Z = 1.959963984540054  # normal quantile of LEVEL, two-sided
FEWEST = 10  # things of a kind below which resamples of them tell no interval
TINY = 1e-12  # what float64 leaves of equal figures
SHARE, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)  # what a figure can be

Figure = tuple[float, float, float]


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson score interval of a proportion at 95 %, each end in [0, 1].

    Wilson 1927.  ``(0, 1)`` when ``n`` is 0: nothing is known.
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

    The last results are kept, because several metrics of one image set share them.
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, n), np.int32)
    for each in counts:
        each[:] = np.bincount(rng.integers(n, size=n), minlength=n)
    counts.flags.writeable = False
    return counts


def with_whole(counts: np.ndarray) -> np.ndarray:
    """The items themselves, each of them once, then their resamples ``counts`` [R, n]."""
    return np.concatenate([np.ones((1, counts.shape[1]), counts.dtype), counts])


def interval(samples: np.ndarray) -> tuple[float, float]:
    """Percentile interval at 95 % of bootstrap ``samples``; NaN samples are left out."""
    tail = (1 - LEVEL) / 2
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return float("nan"), float("nan")
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def estimate(
    samples: np.ndarray, n: int | None = None, bounds: tuple[float, float] = SHARE
) -> Figure:
    """Value and ends at 95 % from ``samples`` [1 + R]: a figure of the items themselves, then of
    each of their resamples.

    The percentile interval, widened to the value where it would leave it out: items that are
    drawn twice stand side by side in a ranking, so that nearly all resamples may lie on one side.
    With ``n`` the figure is a share of n things, or a difference of shares, that lies within
    ``bounds``; :func:`widened` then keeps it from being certain.
    """
    value = float(samples[0])
    low, high = interval(samples[1:])
    figure = value, float(np.minimum(low, value)), float(np.maximum(high, value))  # keep NaN
    return figure if n is None else widened(figure, n, bounds)


def widened(figure: Figure, n: int, bounds: tuple[float, float] = SHARE) -> Figure:
    """``figure``, a share of ``n`` things or a difference of such, but not certain.

    A share of which nothing was seen, or all, is the same in every resample, and so is a
    difference of two that agree everywhere.  On either side of such a value the interval reaches
    as far as Wilson's of none of n (:func:`wilson`; 3.7 / n for many), within ``bounds``.
    """
    value, low, high = figure
    if high - low < TINY or value in bounds:
        reach = wilson(0, n)[1]
        low, high = (
            min(low, max(value - reach, bounds[0])),
            max(high, min(value + reach, bounds[1])),
        )
    return value, low, high


def ranked(
    samples: np.ndarray, positives: int, negatives: int, bounds: tuple[float, float] = SHARE
) -> Figure:
    """:func:`estimate` of a figure that compares ``positives`` with ``negatives``, such as an
    AUPR or a difference of two AUROCs, as a share of the fewer.

    With fewer than ``FEWEST`` of either it has no interval: of three there are ten different
    resamples.
    """
    fewer = min(positives, negatives)
    if fewer < FEWEST:
        return float(samples[0]), float("nan"), float("nan")
    return estimate(samples, fewer, bounds)


def auroc_figure(samples: np.ndarray, positives: int, negatives: int) -> Figure:
    """An AUROC with its interval at 95 % from ``samples`` [1 + R]; none as in :func:`ranked`.

    From the lower of both lower ends to the higher of both higher ends of two intervals: the
    percentile interval of the resamples, which is too narrow near 1, where the few positives at
    fault are often not among those seen, and Newcombe's (:func:`newcombe`), which is too narrow
    where positives are spread much wider than negatives.
    """
    value = float(samples[0])
    if min(positives, negatives) < FEWEST:
        return value, float("nan"), float("nan")
    ends = estimate(samples)[1:], newcombe(value, positives, negatives)
    return value, min(low for low, _ in ends), max(high for _, high in ends)


def newcombe(auroc: float, positives: int, negatives: int) -> tuple[float, float]:
    """Newcombe's interval of an ``auroc`` at 95 %, each end in [0, 1].

    Newcombe 2006, part 2, method 5: the values a whose distance to it is Z standard errors, with
    the variance of Hanley and McNeil 1982 at a, symmetrical in the m positives and n negatives:
    a (1 - a) (1 + N (1 - a) / (2 - a) + N a / (1 + a)) / (m n), N = (m + n) / 2 - 1.
    """
    n = (positives + negatives) / 2 - 1

    def outside(a: float) -> bool:
        spread = a * (1 - a) * (1 + n * (1 - a) / (2 - a) + n * a / (1 + a))
        return (auroc - a) ** 2 > Z**2 * spread / (positives * negatives)

    return _edge(outside, 0.0, auroc), _edge(outside, 1.0, auroc)


def _edge(outside: Callable[[float], bool], far: float, near: float) -> float:
    """Where between ``far`` and ``near`` it is no longer ``outside``, by bisection."""
    if not outside(far):
        return far
    while abs(far - near) > TINY:
        middle = (far + near) / 2
        far, near = (middle, near) if outside(middle) else (far, middle)
    return near


def mean_interval(values: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Mean of ``values`` [N] with its bootstrap interval: ``(mean, low, high)``.

    Give paired differences to compare two methods on the same images.
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
    # A resample's median stands where half of its draws, in the order of the values, are passed.
    passed = bootstrap_counts(len(values), seed).cumsum(1)
    lower = (passed >= (len(values) + 1) // 2).argmax(1)
    upper = (passed >= len(values) // 2 + 1).argmax(1)
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
    """Mean of ``estimates`` [k, 3], a value, low and high each, with an interval over both what
    tells them apart, such as training seeds, and what each of their intervals is over, the same
    images.

    The half widths are :func:`student_interval`'s over the k values and the mean half width of
    the estimates, combined in quadrature: all see the same images, so more of them do not shrink
    the latter.  A single one keeps its own interval; where a value is NaN, all is.
    """
    value, low, high = np.asarray(estimates, dtype=np.float64).T
    if np.isnan(value).any():
        return float("nan"), float("nan"), float("nan")
    mean, start, _ = student_interval(value)
    between = mean - start if len(value) > 1 else 0.0
    below, above = np.hypot(between, [(value - low).mean(), (high - value).mean()]).tolist()
    return mean, mean - below, mean + above


def jackknife_interval(value: float, without: np.ndarray) -> tuple[float, float, float]:
    """``value`` of all of n things with Student's interval at 95 % from the jackknife.

    ``without`` [n] is the value with each thing left out.  Of a mean it is
    :func:`student_interval`; of a mean over overlapping sets of things it errs towards too
    wide (Efron and Stein 1981).  NaN ends if a value with one left out is unknown.
    """
    n = len(without)
    spread = ((without - without.mean()) ** 2).sum()
    error = np.sqrt((n - 1) / n * spread) if n > 1 else np.nan
    return _student(value, float(error), n)


def _student(mean: float, error: float, n: int) -> tuple[float, float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error if n > 1 else np.nan
    return mean, mean - half, mean + half

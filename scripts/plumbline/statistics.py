"""Intervals: every figure of a table has one."""

import functools

import numpy as np

LEVEL = 0.95
RESAMPLES = 1000
Z = 1.959963984540054  # normal quantile of LEVEL, two-sided


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


def interval(samples: np.ndarray) -> tuple[float, float]:
    """Percentile interval at 95 % of bootstrap ``samples``; NaN samples are left out."""
    tail = (1 - LEVEL) / 2
    samples = samples[~np.isnan(samples)]
    if not len(samples):
        return float("nan"), float("nan")
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)


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

"""Joining of estimates over training seeds, and formatting of numbers."""

import math
from collections.abc import Sequence

import numpy as np

from plumbline.metrics import classification
from plumbline.metrics.intervals import joined_interval

Estimate = tuple[float, float, float]
SHARE = (0.0, 1.0)
SHARES = ("auroc", "hole_share", "class_hole_share", "unseen_hole_share")
BOUNDS = classification.BOUNDS | dict.fromkeys(SHARES, SHARE)
BOUNDS |= {"distance_correlation": (-1.0, 1.0), "spread_ratio": (0.0, math.inf)}


def over_seeds(metric: str, estimates: Sequence[Estimate]) -> Estimate:
    """Mean over training seeds of ``(value, low, high)``, each with its interval over images
    (for VAEs over cells of a map): :func:`joined_interval`, clipped to the range of ``metric``."""
    if len(estimates) == 1:
        return estimates[0]
    lowest, highest = BOUNDS.get(metric, (-math.inf, math.inf))
    mean, low, high = joined_interval(np.array(estimates))
    return mean, float(np.clip(low, lowest, None)), float(np.clip(high, None, highest))


def difference(first: Estimate, second: Estimate) -> Estimate:
    """``first`` minus ``second``, with half widths combined in quadrature.

    This is exact for independent estimates and conservative for two scores on the same images,
    which are positively correlated.
    """
    value = first[0] - second[0]
    below = math.hypot(first[0] - first[1], second[2] - second[0])
    above = math.hypot(first[2] - first[0], second[0] - second[1])
    return value, value - below, value + above


def number(value: float) -> str:
    """Three decimals, fewer for large numbers, two significant digits for small ones."""
    if value != value:
        return "–"
    small = 0 < abs(value) < 0.0095
    text = f"{value:.2g}" if small else f"{value:.{_decimals(value)}f}"
    return text.replace("-", "−")


def estimate(value: float, low: float, high: float) -> str:
    """``value [low, high]``, with enough decimals to show the width of the interval."""
    if value != value:
        return "–"
    width = high - low
    if not width > 0:  # also NaN
        return number(value)
    decimals = max(_decimals(value), min(6, 1 - math.floor(math.log10(width))))
    return "{} [{}, {}]".format(
        *(f"{each:.{decimals}f}".replace("-", "−") for each in (value, low, high))
    )


def _decimals(value: float) -> int:
    size = abs(value)
    return 3 if size < 10 else 1 if size < 1000 else 0

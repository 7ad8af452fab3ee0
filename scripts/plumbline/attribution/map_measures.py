"""Noise and sparsity of relevance maps."""

import numpy as np


def total_variation(relevance: np.ndarray) -> np.ndarray:
    """Total variation of each map, [N] in [0, 4]: 0 for a uniform map, near 4 for a checkerboard.

    The sum of absolute differences of relevance over all pairs of horizontal and vertical
    neighbours, divided by the sum of absolute relevance.  ``relevance`` [N, C, H, W] is first
    summed over channels with its sign.  Independent noise has a total variation of about 1.3 if
    it is uniform in [0, 1] and 2.8 if it is normal around 0.  A map that is zero everywhere
    counts as uniform.  Rudin, Osher and Fatemi 1992, anisotropic form.
    """
    values = relevance.sum(1, dtype=np.float64)
    below = np.abs(np.diff(values, axis=1)).sum((1, 2))
    beside = np.abs(np.diff(values, axis=2)).sum((1, 2))
    return _ratio(below + beside, np.abs(values).sum((1, 2)))


def sparsity(relevance: np.ndarray) -> np.ndarray:
    """Gini index of the absolute relevance of each map, [N] in [0, 1).

    0 if all P pixels are equal, 1 - 1 / P if only one pixel has relevance.  ``relevance``
    [N, C, H, W] is first summed over channels with its sign.  A map that is zero everywhere
    counts as uniform.  Hurley and Rickard 2009, "Comparing measures of sparsity", eq. 8.
    """
    size = np.abs(relevance.sum(1, dtype=np.float64)).reshape(len(relevance), -1)
    size.sort(axis=1)
    pixels = size.shape[1]
    weight = (pixels - np.arange(1, pixels + 1) + 0.5) / pixels
    total = size.sum(1)
    return np.where(total > 0, 1 - 2 * _ratio(size @ weight, total), 0.0)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """``numerator`` / ``denominator``, or 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)

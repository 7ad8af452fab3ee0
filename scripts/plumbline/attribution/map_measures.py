"""How noisy and how sparse a map of relevance is."""

import numpy as np


def total_variation(relevance: np.ndarray) -> np.ndarray:
    """Roughness of each map, [N] in [0, 4]: 0 for an even map, near 4 for a checkerboard.

    The sum over all pairs of neighbouring pixels, beside and below each other, of the absolute
    difference of their relevance, where the absolute relevance of the map sums to one.
    ``relevance`` [N, C, H, W] is first summed over channels, signs kept.  Noise that is
    independent from pixel to pixel has about 1.3 if it is uniform in [0, 1] and 2.8 if it is
    normal around 0.  A map without any relevance counts as even.  Rudin, Osher and Fatemi 1992,
    in its anisotropic form.
    """
    values = relevance.sum(1, dtype=np.float64)
    below = np.abs(np.diff(values, axis=1)).sum((1, 2))
    beside = np.abs(np.diff(values, axis=2)).sum((1, 2))
    return _ratio(below + beside, np.abs(values).sum((1, 2)))


def sparsity(relevance: np.ndarray) -> np.ndarray:
    """Gini index of the absolute relevance of each map, [N] in [0, 1).

    0 if all P pixels have the same, 1 - 1 / P if one pixel has all.  ``relevance``
    [N, C, H, W] is first summed over channels, signs kept.  A map without any relevance counts
    as even.  Hurley and Rickard 2009, "Comparing measures of sparsity", eq. 8.
    """
    size = np.abs(relevance.sum(1, dtype=np.float64)).reshape(len(relevance), -1)
    size.sort(axis=1)
    places = size.shape[1]
    weight = (places - np.arange(1, places + 1) + 0.5) / places
    total = size.sum(1)
    return np.where(total > 0, 1 - 2 * _ratio(size @ weight, total), 0.0)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """``above / below``, 0 where ``below`` is."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)

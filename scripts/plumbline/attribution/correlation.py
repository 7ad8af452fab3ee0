"""Similarity of two relevance maps."""

import numpy as np
from scipy.stats import rankdata


def rank_correlation(
    first: np.ndarray, second: np.ndarray, where: np.ndarray | None = None
) -> np.ndarray:
    """Spearman's rank correlation of each pair of maps [N, P], with ties sharing ranks, [N].

    If given, only the pixels in the mask ``where`` [N, P] count.  The correlation with a
    constant map is defined as 0.
    """
    where = np.ones(first.shape, bool) if where is None else where
    ranks, other_ranks = (_centred_ranks(maps, where) for maps in (first, second))
    norm = np.sqrt((ranks * ranks).sum(1) * (other_ranks * other_ranks).sum(1))
    product = (ranks * other_ranks).sum(1)
    return np.divide(product, norm, out=np.zeros(len(ranks)), where=norm > 0)


def _centred_ranks(maps: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Ranks within ``where`` minus their mean; 0 outside, where values rank last."""
    ranks = np.where(where, rankdata(np.where(where, maps, np.inf), axis=1), 0.0)
    mean = ranks.sum(1, keepdims=True) / np.maximum(where.sum(1, keepdims=True), 1)
    return np.where(where, ranks - mean, 0.0)


def is_constant(maps: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Whether each map [N, P] is constant, everywhere or within ``where`` [N, P], [N] bool."""
    where = np.ones(maps.shape, bool) if where is None else where
    highest = np.where(where, maps, -np.inf).max(1)
    lowest = np.where(where, maps, np.inf).min(1)
    return highest <= lowest

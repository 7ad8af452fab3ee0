"""How alike two maps of relevance are."""

import numpy as np
from scipy.stats import rankdata


def rank_correlation(
    first: np.ndarray, second: np.ndarray, where: np.ndarray | None = None
) -> np.ndarray:
    """Spearman's rank correlation of each pair of maps [N, P], ties sharing their rank, [N].

    Only the pixels ``where`` [N, P] count, if given.  A map that has the same value everywhere
    ranks nothing: its correlation is defined as 0.
    """
    where = np.ones(first.shape, bool) if where is None else where
    one, other = (_centred_ranks(each, where) for each in (first, second))
    size = np.sqrt((one * one).sum(1) * (other * other).sum(1))
    return np.divide((one * other).sum(1), size, out=np.zeros(len(one)), where=size > 0)


def _centred_ranks(maps: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Ranks minus their mean, 0 outside of ``where``, which ranks behind all that count."""
    ranks = np.where(where, rankdata(np.where(where, maps, np.inf), axis=1), 0.0)
    mean = ranks.sum(1, keepdims=True) / np.maximum(where.sum(1, keepdims=True), 1)
    return np.where(where, ranks - mean, 0.0)


def is_constant(maps: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Whether each map [N, P] has the same value everywhere, or ``where`` [N, P], [N] bool."""
    where = np.ones(maps.shape, bool) if where is None else where
    highest = np.where(where, maps, -np.inf).max(1)
    lowest = np.where(where, maps, np.inf).min(1)
    return highest <= lowest

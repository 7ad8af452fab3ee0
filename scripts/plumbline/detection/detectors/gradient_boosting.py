"""Gradient-boosted trees."""

from collections.abc import Callable

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier


def fit(
    features: np.ndarray,
    wrong: np.ndarray,
    *,
    seed: int,
    trees: int = 100,
    leaves: int = 8,
    smallest: int = 5,
    learning_rate: float = 0.1,
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit ``features`` [N, D] to the net's errors ``wrong`` [N] bool.

    Returns a function from features [M, D] to the log-odds [M] of an error.  ``trees`` trees are
    added one by one, each with at most ``leaves`` leaves of at least ``smallest`` images.

    Friedman 2001, with binned features as in Ke et al. 2017.
    """
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=leaves,
        min_samples_leaf=smallest,
        learning_rate=learning_rate,
        early_stopping=False,
        random_state=seed % 2**32,
    )
    return model.fit(features, wrong).decision_function

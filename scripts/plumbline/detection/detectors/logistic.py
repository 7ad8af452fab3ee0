"""Logistic regression: the simplest detector."""

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

LABEL = "logistic regression"


def fit(
    features: np.ndarray, wrong: np.ndarray, *, seed: int, penalty: float = 1.0
) -> Callable[[np.ndarray], np.ndarray]:
    """Learn from standardised ``features`` [N, D] where the net is ``wrong`` [N] bool.

    Returns what gives the log odds [M] of being wrong for features [M, D].  ``penalty`` is the
    weight of half the squared coefficients beside the summed log loss.  Nothing is random:
    ``seed`` is taken because every detector is called alike.
    """
    model = LogisticRegression(C=1 / penalty, max_iter=10_000)
    return model.fit(features, wrong).decision_function

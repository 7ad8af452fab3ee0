"""Logistic regression: the simplest detector."""

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

LABEL = "logistic regression"


def fit(
    features: np.ndarray, wrong: np.ndarray, *, seed: int, penalty: float = 1.0
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit standardised ``features`` [N, D] to the net's errors ``wrong`` [N] bool.

    Returns a function from features [M, D] to the log-odds [M] of an error.  The objective is the
    summed log loss plus ``penalty`` times half the sum of squared coefficients.  The result does
    not depend on ``seed``, which all detectors accept.
    """
    model = LogisticRegression(C=1 / penalty, max_iter=10_000)
    return model.fit(features, wrong).decision_function

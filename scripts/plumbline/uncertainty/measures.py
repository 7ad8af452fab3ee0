"""Measures of predictive uncertainty: all computed from a Prediction's probabilities alone.

Float64 throughout, entropies in nats.  No torch, so that tables are made without it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import entr

from plumbline import calibration
from plumbline.artefacts import Prediction
from plumbline.statistics import mean_interval


def measures(probs: np.ndarray) -> dict[str, np.ndarray]:
    """Every measure of each image, by name, from ``probs`` [S, N, K]: float64 [N] each.

    - ``entropy`` H[mean p] in [0, log K]: total uncertainty;
    - ``expected_entropy`` mean H[p] in [0, log K]: what stays when the net is known (aleatoric);
    - ``mutual_information`` their difference in [0, log K]: disagreement of the samples
      (epistemic; BALD, Houlsby et al. 2011; Smith and Gal 2018, equation 4);
    - ``max_probability`` max mean p in [1 / K, 1]: high means certain, unlike all others;
    - ``variance`` in [0, 1/4]: variance of p over the samples (divided by S), averaged over
      the classes, as in study 002.

    Entropy is concave, so mutual information is never below zero; a difference that float64
    rounds below zero (about 1e-16) is set to zero.  p = 0 counts as 0 log 0 = 0 exactly.
    """
    probs = _simplex(probs)
    mean = probs.mean(0)
    entropy = entr(mean).sum(-1)
    expected = entr(probs).sum(-1).mean(0)
    return {
        "entropy": entropy,
        "mutual_information": np.maximum(entropy - expected, 0.0),
        "expected_entropy": expected,
        "max_probability": mean.max(-1),
        "variance": probs.var(0).mean(-1),
    }


def mean_probs(probs: np.ndarray) -> np.ndarray:
    """Predictive distribution: the mean over the samples of ``probs`` [S, N, K], float64 [N, K].

    Probabilities are averaged, not logits: study 003, fault 12, on the difference.
    """
    return _simplex(probs).mean(0)


def figures(
    probs: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, tuple[float, float, float]]:
    """Figures of one image set: metric -> (value, low, high).

    ``probs`` [S, N, K]; ``labels`` [N], -1 where an image has no class.  Accuracy, NLL, Brier
    score and ECE of the mean over S where every image has a class; the mean over the images
    of every measure always.
    """
    found = {}
    if (labels >= 0).all():
        found |= calibration.figures(mean_probs(probs), labels, seed)
    for name, values in measures(probs).items():
        found[f"mean_{name}"] = mean_interval(values, seed)
    return found


def scores(predictions: Sequence[Prediction]) -> dict[str, np.ndarray]:
    """Columns of the table of scores: a row for each image of each of ``predictions``.

    ``prediction`` is the class of the largest mean probability; ``correct`` says whether it is
    the label, false for an image without class (label -1).
    """
    parts = [_scores(each) for each in predictions]
    return {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}


def _scores(prediction: Prediction) -> dict[str, np.ndarray]:
    answers = mean_probs(prediction.probs).argmax(-1)
    return {
        "set": np.full(len(answers), prediction.images, dtype=object),
        "index": prediction.index,
        "label": prediction.labels,
        "estimator": np.full(len(answers), prediction.estimator, dtype=object),
        "prediction": answers,
        "correct": answers == prediction.labels,
        **measures(prediction.probs),
    }


def _simplex(probs: np.ndarray) -> np.ndarray:
    """``probs`` in float64, each row divided by its sum.

    A float32 row may sum to one only within 1e-7.  Divided by its sum it says how far below
    one its largest entry is, however near, so confident images do not tie.
    """
    probs = probs.astype(np.float64)
    return probs / probs.sum(-1, keepdims=True)

"""Measures of predictive uncertainty: all computed from what a Prediction holds.

Float64 throughout, entropies in nats.  No torch, so that tables are made without it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import entr

from plumbline.data.image_sets import ImageSetKey, columns_of
from plumbline.storage.artefacts import Prediction

CERTAINTY = ("max_probability",)  # measures that are high where an estimator is certain
OF_SAMPLES = ("mutual_information", "expected_entropy", "variance")  # say nothing of one sample


def measures(probs: np.ndarray, alpha: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Every measure of each image, by name, from ``probs`` [S, N, K]: float64 [N] each.

    - ``entropy`` H[mean p] in [0, log K]: total uncertainty;
    - ``expected_entropy`` mean H[p] in [0, log K]: what stays when the net is known (aleatoric);
    - ``mutual_information`` their difference in [0, log K]: disagreement of the samples
      (epistemic; BALD, Houlsby et al. 2011; Smith and Gal 2018, equation 4);
    - ``max_probability`` max mean p in [1 / K, 1]: high means certain, unlike all others;
    - ``variance`` in [0, 1/4]: variance of p over the samples (divided by S), averaged over
      the classes, as in study 002;
    - ``vacuity`` K / sum(alpha) in (0, 1], only where there is ``alpha`` [N, K], at least 1: the
      share of belief that no evidence was found for, 1 without any (Sensoy et al. 2018, u).

    Entropy is concave, so mutual information is never below zero; a difference that float64
    rounds below zero (about 1e-16) is set to zero.  p = 0 counts as 0 log 0 = 0 exactly.
    """
    probs = _simplex(probs)
    mean = probs.mean(0)
    entropy = entr(mean).sum(-1)
    expected = entr(probs).sum(-1).mean(0)
    found = {
        "entropy": entropy,
        "mutual_information": np.maximum(entropy - expected, 0.0),
        "expected_entropy": expected,
        "max_probability": mean.max(-1),
        "variance": probs.var(0).mean(-1),
    }
    if alpha is not None:
        found["vacuity"] = alpha.shape[-1] / alpha.sum(-1, dtype=np.float64)
    return found


def rankings(prediction: Prediction) -> dict[str, np.ndarray]:
    """The measures that tell images apart, by name, float64 [N] each: higher is less certain.

    Those of :func:`measures` that the estimator has, the maximum probability negated.  A single
    sample has no mutual information and no variance, and its expected entropy is its entropy.
    """
    found = measures(prediction.probs, prediction.alpha)
    return {
        name: -values if name in CERTAINTY else values
        for name, values in found.items()
        if len(prediction.probs) > 1 or name not in OF_SAMPLES
    }


def mean_probs(probs: np.ndarray) -> np.ndarray:
    """Predictive distribution: the mean over the samples of ``probs`` [S, N, K], float64 [N, K].

    Probabilities are averaged, not logits: study 003, fault 12, on the difference.
    """
    return _simplex(probs).mean(0)


def scores(
    predictions: Sequence[Prediction], sets: Mapping[str, ImageSetKey]
) -> dict[str, np.ndarray]:
    """Columns of the table of scores: a row for each image of each of ``predictions``.

    ``prediction`` is the class of the largest mean probability; ``correct`` says whether it is
    the label, false for an image without class (label -1).  ``vacuity`` is there if any of them
    has it, and NaN for the others.
    """
    parts = [_scores(each, sets[each.images]) for each in predictions]
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: np.concatenate(
            [part.get(name, np.full(len(part["index"]), np.nan)) for part in parts]
        )
        for name in names
    }


def _scores(prediction: Prediction, images: ImageSetKey) -> dict[str, np.ndarray]:
    answers = mean_probs(prediction.probs).argmax(-1)
    return {
        **columns_of([images], [len(answers)]),
        "index": prediction.index,
        "label": prediction.labels,
        "estimator": np.full(len(answers), prediction.estimator, dtype=object),
        "prediction": answers,
        "correct": answers == prediction.labels,
        **measures(prediction.probs, prediction.alpha),
    }


def _simplex(probs: np.ndarray) -> np.ndarray:
    """``probs`` in float64, each row divided by its sum.

    A float32 row may sum to one only within 1e-7.  Divided by its sum it says how far below
    one its largest entry is, however near, so confident images do not tie.
    """
    probs = probs.astype(np.float64)
    return probs / probs.sum(-1, keepdims=True)

"""Measures of predictive uncertainty, computed from the arrays of a Prediction.

Float64 throughout, entropies in nats.  This module does not use torch.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import entr

from plumbline.data.image_sets import ImageSetKey, columns_of
from plumbline.storage.artefacts import Prediction

CERTAINTY = ("max_probability",)  # measures for which a high value means certainty
OF_SAMPLES = ("mutual_information", "expected_entropy", "variance")  # need several samples


def measures(probs: np.ndarray, alpha: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """All measures of each image, by name, from ``probs`` [S, N, K]: float64 [N] each.

    - ``entropy`` H[mean p] in [0, log K]: total uncertainty;
    - ``expected_entropy`` mean H[p] in [0, log K]: aleatoric uncertainty;
    - ``mutual_information`` their difference in [0, log K]: disagreement of the samples
      (epistemic; BALD, Houlsby et al. 2011; Smith and Gal 2018, equation 4);
    - ``max_probability`` max mean p in [1 / K, 1]: high means certain, unlike all others;
    - ``variance`` in [0, 1/4]: variance of p over the samples (divided by S), averaged over
      the classes, as in study 002;
    - ``vacuity`` K / sum(alpha) in (0, 1], only if ``alpha`` [N, K], at least 1, is given: the
      belief not supported by evidence, 1 without any evidence (Sensoy et al. 2018, u).

    Entropy is concave, so mutual information cannot be negative; differences that are rounded
    below zero (about -1e-16) are set to zero.  0 log 0 is 0.
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
    """Measures by which images can be ranked, by name, float64 [N] each: higher is less certain.

    The :func:`measures`, with the maximum probability negated.  With a single sample those that
    need several are omitted: mutual information and variance are 0, and the expected entropy
    equals the entropy.
    """
    found = measures(prediction.probs, prediction.alpha)
    return {
        name: -values if name in CERTAINTY else values
        for name, values in found.items()
        if len(prediction.probs) > 1 or name not in OF_SAMPLES
    }


def mean_probs(probs: np.ndarray) -> np.ndarray:
    """Predictive distribution: the mean over the samples of ``probs`` [S, N, K], float64 [N, K].

    Probabilities are averaged, not logits; on the difference see study 003, fault 12.
    """
    return _simplex(probs).mean(0)


def scores(
    predictions: Sequence[Prediction], sets: Mapping[str, ImageSetKey]
) -> dict[str, np.ndarray]:
    """Columns of the table of scores, with one row per image and prediction.

    ``prediction`` is the class with the largest mean probability; ``correct`` says whether it is
    the label, and is false for images without a class (label -1).  The column ``vacuity`` exists
    if any prediction has it, and is NaN for the others.
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
    """``probs`` in float64, with each row divided by its sum.

    The sum of a float32 row may differ from one by 1e-7.  After normalisation the largest
    entries of confident images remain distinguishable, so that such images do not tie.
    """
    probs = probs.astype(np.float64)
    return probs / probs.sum(-1, keepdims=True)

"""Refusal: answer only where enough of the sampled nets agree, as the Bayesian net of study 001.

An image is answered if the median over the samples of the winning class's probability lies
above a threshold.  The study sets .2; here the threshold is also chosen, on calibration.
Estimators with a single sample are held to the same rule: the median is their probability.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from plumbline.data.image_sets import TEST, ImageSetKey
from plumbline.metrics import classification
from plumbline.metrics.intervals import (
    DIFFERENCE,
    bootstrap_counts,
    bootstrap_estimate,
    wilson,
    with_whole,
)
from plumbline.metrics.ranking import selective
from plumbline.storage.artefacts import Prediction
from plumbline.storage.tables import Row, row
from plumbline.uncertainty.measures import mean_probs

SHARES = tuple(step / 20 for step in range(1, 21))
NOTHING = float("nan"), float("nan"), float("nan")


def confidence(probs: np.ndarray) -> np.ndarray:
    """Median over the samples of the winning class's probability, float64 [N] in [0, 1].

    ``probs`` [S, N, K]; the winning class is that of the largest mean probability.
    """
    answers = mean_probs(probs).argmax(-1)
    chosen = probs[:, np.arange(len(answers)), answers].astype(np.float64)
    return np.median(chosen, axis=0)


def choose(confidence: np.ndarray, right: np.ndarray, accuracy: float) -> float:
    """Smallest threshold above which at least the share ``accuracy`` of the answers is right.

    ``confidence`` [N] in [0, 1] and ``right`` [N] bool are of calibration.  0 answers every
    image; 1 answers none, and is returned if no other threshold suffices.
    """
    order = np.argsort(confidence)
    ranked, hits = confidence[order], right[order]
    thresholds = np.concatenate([[0.0], ranked])
    answered = len(ranked) - np.searchsorted(ranked, thresholds, side="right")
    hits_above = np.concatenate([np.cumsum(hits[::-1])[::-1], [0]])[len(ranked) - answered]
    enough = (answered > 0) & (hits_above >= accuracy * answered - 1e-9)
    return float(thresholds[enough][0]) if enough.any() else 1.0


def rows(
    sets: Mapping[ImageSetKey, Prediction], *, accuracy: float, fixed: float, seed: int, **keys: str
) -> Iterator[Row]:
    """All estimates of one estimator's refusals; ``sets`` holds its answers, calibration included.

    For the rule ``chosen``, whose threshold is the smallest that reaches ``accuracy`` on
    calibration, and the rule ``fixed``, on each set: where images have classes ``coverage``, the
    share that is answered, ``accuracy`` of the answered and ``accuracy_gain``, that minus the
    accuracy on all of these images (95 % bootstrap; the others Wilson), which has no interval
    where nothing is refused; where they have none,
    ``refused``, the share that is not answered.  The rule ``curve`` has ``accuracy_at_share``,
    the accuracy on test with the most confident ``share`` of the images answered.
    """
    on_calibration = sets[ImageSetKey("calibration")]
    sure = confidence(on_calibration.probs)
    chosen = choose(sure, _right(on_calibration), accuracy)
    for key, each in sets.items():
        here = {**keys, "estimator": each.estimator, **key.columns()}
        sure, n = confidence(each.probs), len(each.labels)
        for rule, threshold in (("chosen", chosen), ("fixed", fixed)):
            under = {**here, "rule": rule, "threshold": threshold, "share": ""}
            answered = sure > threshold
            refused = int((~answered).sum())
            if (each.labels >= 0).all():
                yield from _answered(answered, _right(each), seed, under)
            else:
                yield row("refused", refused / n, *wilson(refused, n), n, **under)
        if key == TEST:
            yield from _curve(sure, ~_right(each), seed, here)


def _right(prediction: Prediction) -> np.ndarray:
    return classification.correct(mean_probs(prediction.probs), prediction.labels)


def _answered(answered: np.ndarray, right: np.ndarray, seed: int, keys: Row) -> Iterator[Row]:
    n, count, hits = len(right), int(answered.sum()), int((answered & right).sum())
    yield row("coverage", count / n, *wilson(count, n), n, **keys)
    found = (hits / count, *wilson(hits, count)) if count else NOTHING
    yield row("accuracy", *found, count, **keys)
    if count in (0, n):
        yield row("accuracy_gain", 0.0 if count else NOTHING[0], *NOTHING[1:], count, **keys)
        return
    counts = with_whole(bootstrap_counts(n, seed))
    with np.errstate(invalid="ignore"):  # a resample with no answer has no accuracy
        samples = counts @ (answered & right) / (counts @ answered) - counts @ right / n
    yield row("accuracy_gain", *bootstrap_estimate(samples, count, DIFFERENCE), count, **keys)


def _curve(sure: np.ndarray, wrong: np.ndarray, seed: int, keys: Row) -> Iterator[Row]:
    counts = with_whole(bootstrap_counts(len(wrong), seed))
    found = 1 - selective(-sure, wrong, counts, SHARES)["risks"]
    for share, samples in zip(SHARES, found.T, strict=True):
        under = {**keys, "rule": "curve", "threshold": "", "share": share}
        answered = int(np.ceil(share * len(wrong) - 1e-9))
        yield row("accuracy_at_share", *bootstrap_estimate(samples, answered), answered, **under)

"""Selective prediction: accept a prediction only if the sampled nets agree, as in study 001.

A prediction is accepted if the median over the samples of the predicted class's probability is
above a threshold.  The study uses the threshold .2; here a threshold is also chosen on
calibration.  For estimators with a single sample the median is its probability.
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
    """Median over the samples of the predicted class's probability, float64 [N] in [0, 1].

    ``probs`` [S, N, K]; the predicted class is that with the largest mean probability.
    """
    predicted = mean_probs(probs).argmax(-1)
    of_predicted = probs[:, np.arange(len(predicted)), predicted].astype(np.float64)
    return np.median(of_predicted, axis=0)


def choose(confidence: np.ndarray, right: np.ndarray, accuracy: float) -> float:
    """Smallest threshold for which accepted predictions have at least the given ``accuracy``.

    ``confidence`` [N] in [0, 1] and ``right`` [N] bool are those of calibration.  The threshold 0
    accepts every image; 1 accepts none, and is returned if no other threshold suffices.
    """
    order = np.argsort(confidence)
    ranked, hits = confidence[order], right[order]
    thresholds = np.concatenate([[0.0], ranked])
    accepted = len(ranked) - np.searchsorted(ranked, thresholds, side="right")
    hits_above = np.concatenate([np.cumsum(hits[::-1])[::-1], [0]])[len(ranked) - accepted]
    enough = (accepted > 0) & (hits_above >= accuracy * accepted - 1e-9)
    return float(thresholds[enough][0]) if enough.any() else 1.0


def rows(
    sets: Mapping[ImageSetKey, Prediction], *, accuracy: float, fixed: float, seed: int, **keys: str
) -> Iterator[Row]:
    """Rows of one estimator; ``sets`` holds its predictions, including those on calibration.

    For the rule ``chosen``, whose threshold is the smallest that reaches ``accuracy`` on
    calibration, and for the rule ``fixed``, on each set.  If images have classes: ``coverage``,
    the share of accepted images, ``accuracy`` of accepted images, and ``accuracy_gain``, this
    minus the accuracy on all images of the set (95 % bootstrap, the others Wilson), which has no
    interval if nothing is rejected.  If images have no classes: ``refused``, the share of rejected
    images.  The rule ``curve`` has ``accuracy_at_share``, the accuracy on test if the most
    confident ``share`` of the images is accepted.
    """
    on_calibration = sets[ImageSetKey("calibration")]
    sure = confidence(on_calibration.probs)
    chosen = choose(sure, _right(on_calibration), accuracy)
    for key, prediction in sets.items():
        set_keys = {**keys, "estimator": prediction.estimator, **key.columns()}
        sure, n = confidence(prediction.probs), len(prediction.labels)
        for rule, threshold in (("chosen", chosen), ("fixed", fixed)):
            rule_keys = {**set_keys, "rule": rule, "threshold": threshold, "share": ""}
            accepted = sure > threshold
            refused = int((~accepted).sum())
            if (prediction.labels >= 0).all():
                yield from _accepted_rows(accepted, _right(prediction), seed, rule_keys)
            else:
                yield row("refused", refused / n, *wilson(refused, n), n, **rule_keys)
        if key == TEST:
            yield from _curve(sure, ~_right(prediction), seed, set_keys)


def _right(prediction: Prediction) -> np.ndarray:
    return classification.correct(mean_probs(prediction.probs), prediction.labels)


def _accepted_rows(accepted: np.ndarray, right: np.ndarray, seed: int, keys: Row) -> Iterator[Row]:
    n, count, hits = len(right), int(accepted.sum()), int((accepted & right).sum())
    yield row("coverage", count / n, *wilson(count, n), n, **keys)
    estimate = (hits / count, *wilson(hits, count)) if count else NOTHING
    yield row("accuracy", *estimate, count, **keys)
    if count in (0, n):
        yield row("accuracy_gain", 0.0 if count else NOTHING[0], *NOTHING[1:], count, **keys)
        return
    counts = with_whole(bootstrap_counts(n, seed))
    with np.errstate(invalid="ignore"):  # a resample without accepted images has no accuracy
        samples = counts @ (accepted & right) / (counts @ accepted) - counts @ right / n
    yield row("accuracy_gain", *bootstrap_estimate(samples, count, DIFFERENCE), count, **keys)


def _curve(sure: np.ndarray, wrong: np.ndarray, seed: int, keys: Row) -> Iterator[Row]:
    counts = with_whole(bootstrap_counts(len(wrong), seed))
    found = 1 - selective(-sure, wrong, counts, SHARES)["risks"]
    for share, samples in zip(SHARES, found.T, strict=True):
        share_keys = {**keys, "rule": "curve", "threshold": "", "share": share}
        accepted = int(np.ceil(share * len(wrong) - 1e-9))
        yield row(
            "accuracy_at_share", *bootstrap_estimate(samples, accepted), accepted, **share_keys
        )

"""Table rows of one uncertainty estimator on one image set.

All intervals are 95 %: Wilson's for shares of images, for AUROCs that of
:func:`plumbline.metrics.intervals.auroc_estimate`, otherwise bootstrap over images.  Resamples
depend only on ``seed`` and are the same for all estimators on a set.
"""

import numpy as np

from plumbline.data.image_sets import ImageSetKey
from plumbline.metrics import classification
from plumbline.metrics.intervals import (
    Estimate,
    auroc_estimate,
    bootstrap_counts,
    bootstrap_estimate,
    mean_interval,
    ranked,
    wilson,
    with_whole,
)
from plumbline.metrics.ranking import selective
from plumbline.storage.artefacts import Prediction
from plumbline.storage.tables import Row, row
from plumbline.uncertainty.measures import mean_probs, measures, rankings

CONTROL = "softmax"
COVERAGES = (0.8, 0.9, 0.95)
NO_EVIDENCE = 1e-6  # vacuity counts as 1 within this


def rows(
    prediction: Prediction, control: Prediction, images: ImageSetKey, seed: int, **keys: str
) -> list[Row]:
    """Rows of ``prediction``; ``control`` is the prediction of the softmax for the same images.

    If every image has a class (label at least 0): accuracy, NLL, Brier score and ECE of the mean
    over the samples; for each measure (column ``measure``) how well it detects errors
    (:func:`errors`); and the paired differences from the softmax (column ``control``).
    Always: the mean of every measure over the images and, for evidential nets, the share of images
    without any evidence, ``no_evidence``.
    """
    labels, n = prediction.labels, len(prediction.labels)
    keys = {**keys, "estimator": prediction.estimator, **images.columns()}
    plain = {**keys, "measure": "", "control": ""}
    found = []
    if (labels >= 0).all():
        probs = mean_probs(prediction.probs)
        good = classification.estimates(probs, labels, seed)
        found += [row(name, *estimate, n, **plain) for name, estimate in good.items()]
        wrong = ~classification.correct(probs, labels)
        for measure, values in rankings(prediction).items():
            measure_keys = {**plain, "measure": measure}
            ranks = errors(values, wrong, seed)
            few = int(wrong.sum())
            found += [
                row(name, *estimate, n, few, **measure_keys) for name, estimate in ranks.items()
            ]
        if prediction.estimator != CONTROL:
            measure_keys = {**plain, "control": CONTROL}
            pair = classification.differences(probs, mean_probs(control.probs), labels, seed)
            found += [row(name, *estimate, n, **measure_keys) for name, estimate in pair.items()]
    measured = measures(prediction.probs, prediction.alpha)
    for name, each in measured.items():
        found.append(row(f"mean_{name}", *mean_interval(each, seed), n, **plain))
    if "vacuity" in measured:
        without_evidence = int((measured["vacuity"] >= 1 - NO_EVIDENCE).sum())
        found.append(
            row("no_evidence", without_evidence / n, *wilson(without_evidence, n), n, **plain)
        )
    return found


def rises(
    changed: Prediction, source: Prediction, images: ImageSetKey, seed: int, **keys: str
) -> list[Row]:
    """Rows on the rise of uncertainty from source images to changed versions of them.

    For each measure the mean over images of its value on ``changed`` minus that on the same image,
    matched by index, of ``source``.  The maximum probability is negated first, so that a rise
    always means more uncertainty.  The column ``control`` names the source.
    """
    position = {index: i for i, index in enumerate(source.index.tolist())}
    same = [position[index] for index in changed.index.tolist()]
    before, n = rankings(source), len(same)
    keys = {**keys, "estimator": changed.estimator, **images.columns()}
    return [
        row(
            "rise",
            *mean_interval(values - before[name][same], seed),
            n,
            **keys,
            measure=name,
            control=source.images,
        )
        for name, values in rankings(changed).items()
    ]


def errors(uncertainty: np.ndarray, wrong: np.ndarray, seed: int) -> dict[str, Estimate]:
    """How well ``uncertainty`` [N] detects ``wrong`` [N] predictions: metric -> (value, low, high).

    ``error_auroc`` is the probability that a wrong prediction is more uncertain than a correct
    one, NaN without either kind.  ``aurc`` is the area under the risk-coverage curve, and
    ``risk_at_80``, ``_90``, ``_95`` the risk at that coverage in percent, as defined by
    :func:`plumbline.metrics.ranking.selective`.  The first two have no interval with fewer than
    ten wrong or correct predictions; the interval of a risk of 0 extends at least to Wilson's
    upper bound.
    """
    counts = with_whole(bootstrap_counts(len(wrong), seed))
    found = selective(uncertainty, wrong, counts, COVERAGES)
    few = int(wrong.sum()), int((~wrong).sum())
    estimates = {
        "error_auroc": auroc_estimate(found["auroc"], *few),
        "aurc": ranked(found["aurc"], *few),
    }
    for coverage, risks in zip(COVERAGES, found["risks"].T, strict=True):
        answered = int(np.ceil(coverage * len(wrong) - 1e-9))
        estimates[_risk_at(coverage)] = bootstrap_estimate(risks, answered)
    return estimates


def _risk_at(coverage: float) -> str:
    return f"risk_at_{100 * coverage:.0f}"

"""The figures of one estimator on one image set, as rows of a table.

All intervals are 95 %: Wilson's for shares of images, else bootstrap over images, whose
resamples follow from ``seed`` and are the same for every estimator of a set.
"""

import numpy as np

from plumbline import calibration
from plumbline.artefacts import Prediction
from plumbline.ranking import selective
from plumbline.statistics import bootstrap_counts, interval, mean_interval, wilson
from plumbline.tables import Row, row
from plumbline.uncertainty.measures import mean_probs, measures, rankings

CONTROL = "softmax"
COVERAGES = (0.8, 0.9, 0.95)
FEWEST = 2  # wrong and right answers below which there is no AUROC of error
NO_EVIDENCE = 1e-6  # vacuity counts as 1 within this
Figure = tuple[float, float, float]


def rows(prediction: Prediction, control: Prediction, seed: int, **keys: str) -> list[Row]:
    """All figures of ``prediction``; ``control`` is what the softmax says about the same images.

    Where every image has a class (label at least 0): accuracy, NLL, Brier score and ECE of the
    mean over the samples, with the column ``measure`` how well each measure finds the errors
    (:func:`errors`), and with the column ``control`` the paired differences to the softmax.
    Always the mean of every measure over the images, and of evidential nets the share of
    images with no evidence at all, ``no_evidence``.
    """
    labels, n = prediction.labels, len(prediction.labels)
    keys = {**keys, "estimator": prediction.estimator, "set": prediction.images}
    plain = {**keys, "measure": "", "control": ""}
    found = []
    if (labels >= 0).all():
        probs = mean_probs(prediction.probs)
        good = calibration.figures(probs, labels, seed)
        found += [row(name, *figure, n, **plain) for name, figure in good.items()]
        wrong = ~calibration.correct(probs, labels)
        for measure, values in rankings(prediction).items():
            here = {**plain, "measure": measure}
            ranked = errors(values, wrong, seed)
            found += [row(name, *figure, n, **here) for name, figure in ranked.items()]
        if prediction.estimator != CONTROL:
            here = {**plain, "control": CONTROL}
            pair = calibration.differences(probs, mean_probs(control.probs), labels, seed)
            found += [row(name, *figure, n, **here) for name, figure in pair.items()]
    values = measures(prediction.probs, prediction.alpha)
    for name, each in values.items():
        found.append(row(f"mean_{name}", *mean_interval(each, seed), n, **plain))
    if "vacuity" in values:
        none = int((values["vacuity"] >= 1 - NO_EVIDENCE).sum())
        found.append(row("no_evidence", none / n, *wilson(none, n), n, **plain))
    return found


def rises(changed: Prediction, source: Prediction, seed: int, **keys: str) -> list[Row]:
    """How much more uncertain an estimator is on changed images than on those they come from.

    For each measure the mean over the images of its value on ``changed`` minus that on the same
    image, by index, of ``source``; the maximum probability is negated first, so that a rise is
    a gain in uncertainty everywhere.  The column ``control`` names the source.
    """
    place = {index: i for i, index in enumerate(source.index.tolist())}
    same = [place[index] for index in changed.index.tolist()]
    before, n = rankings(source), len(same)
    keys = {**keys, "estimator": changed.estimator, "set": changed.images}
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


def errors(uncertainty: np.ndarray, wrong: np.ndarray, seed: int) -> dict[str, Figure]:
    """How well ``uncertainty`` [N] finds the ``wrong`` [N] answers: metric -> (value, low, high).

    ``error_auroc`` is the chance that a wrong answer is more uncertain than a right one, NaN
    with fewer than ``FEWEST`` of either.  ``aurc`` is the area under the risk-coverage curve and
    ``risk_at_80``, ``_90``, ``_95`` the risk at that coverage in percent, as defined by
    :func:`plumbline.ranking.selective`.  A risk of 0, which no resample may change, has at
    least Wilson's upper end.
    """
    # The first row is the images themselves, the others are resamples.
    counts = bootstrap_counts(len(wrong), seed)
    counts = np.concatenate([np.ones_like(counts[:1]), counts])
    found = selective(uncertainty, wrong, counts, COVERAGES)
    few = min(wrong.sum(), (~wrong).sum()) < FEWEST
    samples = {"error_auroc": found["auroc"] * np.nan if few else found["auroc"]}
    samples["aurc"] = found["aurc"]
    for coverage, risks in zip(COVERAGES, found["risks"].T, strict=True):
        samples[_risk_at(coverage)] = risks
    figures = {name: (each[0], *interval(each[1:])) for name, each in samples.items()}
    for coverage in COVERAGES:
        value, low, high = figures[_risk_at(coverage)]
        if value == 0:
            answered = int(np.ceil(coverage * len(wrong) - 1e-9))
            figures[_risk_at(coverage)] = (value, low, max(high, wilson(0, answered)[1]))
    return figures


def _risk_at(coverage: float) -> str:
    return f"risk_at_{100 * coverage:.0f}"

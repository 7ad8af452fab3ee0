"""The section on uncertainty: quality, error detection, evidence, shifts, selective prediction."""

import pandas as pd

from plumbline.data.image_sets import keys_of
from plumbline.report.spec import Section, Topic
from plumbline.report.tables import Frames, ReportTable, cell, count, of_dataset
from plumbline.report.wording import describe, words

SECTION = Section(
    "Uncertainty",
    (
        Topic(
            "Estimators",
            tables=("uncertainty",),
            see="Is an estimator calibrated, and is it more uncertain about misclassified and "
            "out-of-distribution images? Each must be better than the softmax of a single net.",
        ),
        Topic(
            "Errors and coverage",
            see="If only the most certain predictions are accepted, how many errors remain?",
        ),
        Topic(
            "Refusal",
            tables=("refusal",),
            see="Study 001 lets a Bayesian net reject images: how does accuracy gain, and coverage "
            "fall?",
        ),
        Topic(
            "Shifts",
            see="Does uncertainty rise as accuracy falls, on rotated, noisy or attacked images?",
        ),
        Topic(
            "More passes, more nets",
            see="How many passes of MC dropout, and how many nets, are worth their cost?",
        ),
    ),
)

QUALITY = ("accuracy", "nll", "brier", "ece", "mean_entropy", "mean_mutual_information")
DIFFERENCES = ("accuracy_difference", "nll_difference", "brier_difference", "ece_difference")
ERRORS = {
    "error_auroc": "AUROC of error",
    "aurc": "AURC",
    "risk_at_80": "risk at 80 %",
    "risk_at_90": "risk at 90 %",
    "risk_at_95": "risk at 95 %",
}
ORDERS = ("max_probability", "entropy", "mutual_information", "vacuity")
ANGLES = (30, 45, 90, 180)
ANCHORS = {
    "mnist": "Published for LeNet-5 on MNIST: accuracy .991 and NLL .037, an ensemble of 10 .994 "
    "and .016 (google/uncertainty-baselines). Study 003's released weights on the true test set, "
    "accuracy, NLL and ECE: dropout off .979, .073, .006; 100 passes by the mean of logits .979, "
    ".071, .005, by the mean of probabilities .979, .168, .102; evidential .976, .451, .279.",
    "fashion": "Published for LeNet-5 on Fashion-MNIST: accuracy .910 and NLL .321, an ensemble of "
    "10 .932 and .200 (google/uncertainty-baselines).",
}


def uncertainty(frames: Frames, dataset: str) -> list[ReportTable]:
    """Quality of each estimator's predictions on test, and its uncertainty on other sets."""
    rows = of_dataset(frames["uncertainty"], dataset)
    test = rows[rows["set"] == "test"]
    plain = rows[rows["measure"].isna() & rows["control"].isna()]
    tables = [
        _by_estimator(
            plain[plain["set"] == "test"],
            QUALITY,
            "Estimators on test [95 % interval]; softmax, the single net, is the control",
            note=ANCHORS.get(dataset, ""),
        ),
        _by_estimator(
            test[test["control"] == "softmax"],
            DIFFERENCES,
            "Difference from the softmax of the single net, on the same images and resamples",
        ),
        _errors(test),
        _rises(rows),
        _evidence(plain),
    ]
    return [table for table in tables if table.rows]


def _by_estimator(
    rows: pd.DataFrame, metrics: tuple[str, ...], title: str, note: str = ""
) -> ReportTable:
    metrics = tuple(metric for metric in metrics if metric in set(rows["metric"]))
    lines = [
        [words(model), words(estimator), *(cell(part, metric) for metric in metrics)]
        for (model, estimator), part in rows.groupby(["model", "estimator"], sort=False)
    ]
    return ReportTable(title, ["net", "estimator", *map(words, metrics)], lines, 2, note)


def _errors(rows: pd.DataFrame) -> ReportTable:
    """Each measure as a detector of errors."""
    lines = [
        [
            *map(words, (model, estimator, measure)),
            *(cell(part, metric) for metric in ERRORS),
            count(part[part["metric"] == "aurc"].iloc[0]),
        ]
        for (model, estimator, measure), part in rows[
            rows["measure"].isin(ORDERS) & rows["metric"].isin(ERRORS)
        ].groupby(["model", "estimator", "measure"], sort=False)
    ]
    head = ["net", "estimator", "ordered by", *ERRORS.values(), "n"]
    note = (
        "AURC is the mean error rate when the 1, 2, ..., all most certain images are accepted; "
        "lower is better. With fewer than ten errors, AURC and AUROC have no interval; n is the "
        "number of errors, of all images."
    )
    return ReportTable("Detection of errors on test [95 % interval]", head, lines, 3, note)


def _rises(rows: pd.DataFrame) -> ReportTable:
    """Rise of uncertainty on rotated images over the same upright images."""
    rises = rows[(rows["metric"] == "rise") & rows["measure"].isin(("entropy", "vacuity"))]
    rises = rises[(rises["shift"] == "rotation") & rises["level"].isin(ANGLES)]
    angles = [angle for angle in ANGLES if angle in set(rises["level"])]
    lines = [
        [
            words(model),
            words(estimator),
            words(measure),
            *(cell(part[part["level"] == angle], "rise") for angle in angles),
        ]
        for (model, estimator, measure), part in rises.groupby(
            ["model", "estimator", "measure"], sort=False
        )
    ]
    head = ["net", "estimator", "measure", *(f"{angle}°" for angle in angles)]
    return ReportTable(
        "Rise of uncertainty over the same upright images, by rotation [95 % interval]",
        head,
        lines,
        3,
    )


def _evidence(rows: pd.DataFrame) -> ReportTable:
    """Images for which an evidential net has no evidence."""
    rows = rows[rows["metric"] == "no_evidence"]
    sets = keys_of(rows[rows["set_kind"].isin(("clean", "out_of_distribution"))])
    lines = [
        [
            words(model),
            words(estimator),
            *(cell(part[part["set"] == name], "no_evidence") for name in sets),
        ]
        for (model, estimator), part in rows.groupby(["model", "estimator"], sort=False)
    ]
    head = ["net", "estimator", *map(describe, sets.values())]
    note = "Their vacuity is 1, and their predicted class is arbitrary."
    title = "Share of images without evidence for any class [95 % interval]"
    return ReportTable(title, head, lines, 2, note)


def refusal(frames: Frames, dataset: str) -> list[ReportTable]:
    """Coverage of each estimator, and its accuracy on accepted images."""
    rows = of_dataset(frames["refusal"], dataset)
    rows = rows[rows["rule"] != "curve"]
    foreign = keys_of(rows[rows["metric"] == "refused"])
    lines = []
    for (model, estimator, rule), part in rows.groupby(["model", "estimator", "rule"], sort=False):
        test = part[part["set"] == "test"]
        cells = [cell(test, metric) for metric in ("coverage", "accuracy", "accuracy_gain")]
        cells += [cell(part[part["set"] == name], "refused") for name in foreign]
        threshold = f"{rule}: {test['threshold'].iloc[0]:.3g}"
        lines.append([words(model), words(estimator), threshold, *cells])
    head = ["net", "estimator", "threshold", "coverage", "accuracy of accepted images"]
    head += ["minus accuracy on all", *(f"{describe(key)} rejected" for key in foreign.values())]
    title = "Selective prediction by the median of the sampled probabilities [95 % interval]"
    return [ReportTable(title, head, lines, 3)]

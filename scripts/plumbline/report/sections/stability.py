"""The section on stability: label change rates, and sequential tests."""

import pandas as pd

from plumbline.report.claims.published import published_tables
from plumbline.report.figures.stability_rates import drawn
from plumbline.report.spec import Section, Topic
from plumbline.report.tables import Frames, ReportTable, cell, of_dataset
from plumbline.report.wording import words

SECTION = Section(
    "Stability",
    (
        Topic(
            "Label change rate",
            tables=("stability",),
            see="Do small changes of the weights change the label of adversarial or misclassified "
            "images more often than that of correctly classified ones?",
        ),
        Topic(
            "Number of mutants",
            see="How many mutants are needed? Where the curve is flat, fewer are sufficient.",
        ),
        Topic(
            "Sequential test",
            see="How many mutants are needed to decide whether an image is suspicious, and is the "
            "verdict correct?",
        ),
    ),
)

TESTED = {
    "suspicious": "suspicious",
    "undecided": "undecided",
    "mutants_needed": "mutants needed",
}
NOTE = (
    "Sequential probability ratio test (Wald 1945; Wang et al. 2019): mutants are evaluated one by "
    "one until the verdict on an image; images without a verdict after all mutants are undecided. "
    "Thresholds are set on correctly classified calibration images: the upper end of the 99 % "
    "interval of their mean label change rate, or the rate that few of them exceed. Balanced "
    "accuracy is the mean of the share of these images called suspicious and the share of "
    "correctly classified test images not called suspicious."
)


def stability(frames: Frames, dataset: str) -> list[ReportTable]:
    """Label changes by the mutants of each operator, published values, and sequential tests."""
    rows = of_dataset(frames["stability"], dataset)
    rows = rows[rows["operator"].notna()]
    return [_rates(rows), *published_tables(frames, dataset, "stability"), *_sequential(rows)]


def _rates(rows: pd.DataFrame) -> ReportTable:
    """Mean label change rate by kind of image, and the share of mutants that were rejected."""
    changes = rows[rows["metric"] == "label_change_rate"]
    kinds = drawn(changes)
    lines = []
    for (model, operator, rate), part in rows.groupby(["model", "operator", "rate"], sort=False):
        cells = [
            cell(part[(part["set"] == name) & (part["answers"] == answers)], "label_change_rate")
            for name, answers in kinds
        ]
        names = [words(model), words(operator), f"{rate:g}"]
        lines.append([*names, cell(part, "rejection_rate"), *cells])
    head = ["net", "operator", "rate", "mutants rejected", *(k["label"] for k in kinds.values())]
    title = "Label change rate by kind of image [95 % interval]; for attacks, successful images"
    return ReportTable(title, head, lines, 3)


def _sequential(rows: pd.DataFrame) -> list[ReportTable]:
    """Verdicts of the sequential test, and the number of mutants needed."""
    if "threshold" not in rows or rows["threshold"].isna().all():
        return []
    rows = rows[rows["threshold"].notna()]
    lines = []
    for keys, part in rows.groupby(["model", "operator", "threshold"], sort=False):
        limit = part.loc[part["metric"] == "threshold", "value"].iloc[0]
        names = [words(keys[0]), words(keys[1]), f"{keys[2]}: {limit:.3g}"]
        lines += [[*names, *_line(part, *kind)] for kind in _kinds(part)]
    head = ["net", "operator", "threshold", "images", *TESTED.values(), "balanced accuracy", "n"]
    return [ReportTable("Sequential tests [95 % interval]", head, lines, 4, NOTE, folded=True)]


def _kinds(rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [(name, answers, style["label"]) for (name, answers), style in drawn(rows).items()]


def _line(rows: pd.DataFrame, name: str, answers: str, label: str) -> list[str]:
    own = rows[rows["set"] == name]
    part = own[own["answers"] == answers]
    cells = [cell(part, metric) for metric in TESTED]
    balanced = cell(own, "balanced_accuracy") if answers != "right" else "–"
    n = part.loc[part["metric"] == "mutants_needed", "n"]
    return [label, *cells, balanced, f"{n.iloc[0]:.0f}" if len(n) else "0"]

"""The section on attacks: success by size, and sizes of the smallest perturbations."""

import pandas as pd

from plumbline.report.figures.attacks import minimal
from plumbline.report.spec import Section, Topic
from plumbline.report.tables import Frames, ReportTable, cell, of_dataset
from plumbline.report.wording import words

SECTION = Section(
    "Attacks",
    (
        Topic(
            "Attacks",
            tables=("attacks",),
        ),
    ),
)


def attacks(frames: Frames, dataset: str) -> list[ReportTable]:
    """Success by attack and ε, compared with noise of the same size; smallest perturbations."""
    rows = of_dataset(frames["attacks"], dataset)
    rows = rows if "epsilon" in rows else rows.assign(epsilon=float("nan"))
    least = minimal(rows)
    bounded = rows.drop(least.index)
    found = [_bounded(bounded[bounded["epsilon"] > 0])] * (not bounded.empty)
    return found + [_least(least)] * (not least.empty)


def _bounded(rows: pd.DataFrame) -> ReportTable:
    lines = []
    for (model, attack, epsilon), part in rows.groupby(["model", "attack", "epsilon"], sort=False):
        cells = [cell(part, m) for m in ("success_rate", "accuracy", "noise_accuracy")]
        n = part.loc[part["metric"] == "success_rate", "n"]
        lines.append([words(model), words(attack), f"{epsilon:g}", *cells, f"{n.iloc[0]:.0f}"])
    head = ["net", "attack", "ε", "success rate", "accuracy", "accuracy under noise (control)", "n"]
    title = "Attacks by size [95 % interval]; n is the number of correctly classified images"
    return ReportTable(title, head, lines, 3)


def _least(rows: pd.DataFrame) -> ReportTable:
    lines = []
    for (model, attack), part in rows.groupby(["model", "attack"], sort=False):
        cells = [cell(part, m) for m in ("success_rate", "median_l2", "median_linf")]
        n = part.loc[part["metric"] == "success_rate", "n"]
        lines.append([words(model), words(attack), *cells, f"{n.iloc[0]:.0f}"])
    head = ["net", "attack", "success rate", "median L2 size", "median L∞ size", "n"]
    title = "Attacks that search for the smallest perturbation [95 % interval]"
    note = (
        "L2: Euclidean norm of the perturbation of pixels in [0, 1]; L∞: largest change of a "
        "pixel. Sizes are those of successful attacks; n is the number of correctly classified "
        "images. HopSkipJump uses only the predicted classes."
    )
    return ReportTable(title, head, lines, 2, note)

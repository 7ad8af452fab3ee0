"""The tables of nets that were trained with images decoded from holes."""

from collections.abc import Sequence

import pandas as pd

from plumbline.report.sheets import Sheet, Tables, mean_cell, of
from plumbline.report.summary import estimate
from plumbline.report.wording import describe, words

KINDS = {"none": "none (control)", "random": "random (control)", "holes": "from holes"}
METRICS = ("accuracy", "nll", "brier", "ece", "hole_share", "auroc")
NAMES = {"hole_share": "share of holes, by entropy", "auroc": "AUROC of entropy"}
Column = tuple[str, str]  # metric and image set


def extension(tables: Tables, dataset: str) -> list[Sheet]:
    """What each kind of further images is worth, and the paired differences between them."""
    rows = of(tables["extension"], dataset)
    rows = rows[rows["measure"].isna() | (rows["measure"] == "entropy")]
    own = rows[rows["control"].isna()]
    found = {metric: own[own["metric"] == metric] for metric in METRICS}
    columns = [(metric, name) for metric in METRICS for name in found[metric]["set"].unique()]
    return [_values(own, columns), _differences(rows[rows["control"].notna()], columns)]


def _head(columns: Sequence[Column]) -> list[str]:
    names = {metric: NAMES.get(metric, words(metric)) for metric, _ in columns}
    return [
        f"{names[metric]}, {describe(name)}" if metric == "auroc" else names[metric]
        for metric, name in columns
    ]


def _values(rows: pd.DataFrame, columns: Sequence[Column]) -> Sheet:
    shares = rows[rows["metric"] == "share_in_holes"]
    rows = rows[rows["estimator"].notna()]
    lines = []
    for (model, estimator, arm), part in rows.groupby(["model", "estimator", "arm"], sort=False):
        inside = shares[(shares["model"] == model) & (shares["arm"] == arm)]["value"]
        cells = [mean_cell(part[part["set"] == name], metric) for metric, name in columns]
        share = f"{inside.iloc[0]:.0%}" if len(inside) else "–"
        kind = "single nets" if estimator == "softmax" else "their ensemble"
        lines.append([words(model), kind, KINDS[arm], share, *cells])
    head = ["net", "estimator", "further images", "of these in holes", *_head(columns)]
    title = "Nets trained with decoded images, means over training seeds [95 % interval]"
    return Sheet(title, head, lines, 3)


def _differences(rows: pd.DataFrame, columns: Sequence[Column]) -> Sheet:
    """Of single nets, with both intervals."""
    rows = rows[rows["estimator"] == "softmax"].copy()
    rows["over"] = rows["over"].replace("cells", "images")
    lines = []
    for keys, part in rows.groupby(["model", "arm", "control", "over"], sort=False):
        model, arm, control, over = keys
        cells = []
        for metric, name in columns:
            own = part[(part["metric"] == f"{metric}_difference") & (part["set"] == name)]
            cells.append(estimate(*own[["value", "low", "high"]].iloc[0]))
        lines.append([words(model), f"{arm} minus {control}", over, *cells])
    head = ["net", "difference", "interval over", *_head(columns)]
    title = "Paired differences of single nets, means over training seeds [95 % interval]"
    note = (
        "Over seeds: Student's interval, for other nets of this kind. Over images (cells of the "
        "map): bootstrap, for other images and these nets."
    )
    return Sheet(title, head, lines, 3, note)

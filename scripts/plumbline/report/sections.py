"""The tables of the report: what of each stage's figures stands on the page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from plumbline.report.figures.degradation import CONTROLS, STUDY_SHARE
from plumbline.report.figures.detection import CONTROL_SCORE, EMPTY, tasks
from plumbline.report.summary import estimate, over_seeds
from plumbline.report.wording import describe, words

BEST = 5  # scores of each detection task
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Sheet:
    """A table of the page: the first ``keys`` columns are headings of their rows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    keys: int = 1


def training(tables: Tables, dataset: str) -> list[Sheet]:
    """Accuracy and calibration on test, means over seeds, with the fitted temperature."""
    rows = _of(tables["training"], dataset)
    test = rows[(rows["set"] == "test") & (rows["class"] == "all")]
    columns = [
        ("accuracy", test, "raw", "accuracy"),
        ("NLL", test, "raw", "nll"),
        ("NLL, temperature-scaled", test, "temperature", "nll"),
        ("ECE", test, "raw", "ece"),
        ("ECE, temperature-scaled", test, "temperature", "ece"),
        ("Brier score", test, "raw", "brier"),
    ]
    lines = []
    for model in test["model"].unique():
        own = test[test["model"] == model]
        cells = [
            _seeds(part[(part["model"] == model) & (part["scaling"] == scaling)], metric)
            for _, part, scaling, metric in columns
        ]
        fitted = _seeds(rows[rows["model"] == model], "temperature")
        lines.append([words(model), *cells, fitted, f"{own['n'].iloc[0]:.0f}"])
    head = ["net", *(title for title, *_ in columns), "temperature", "n"]
    return [Sheet("Test images: mean over training seeds [95 % interval]", head, lines)]


def _seeds(rows: pd.DataFrame, metric: str) -> str:
    part = rows.loc[rows["metric"] == metric, ["value", "low", "high"]]
    if part.empty:
        return "–"
    return estimate(*over_seeds(metric, list(part.itertuples(index=False, name=None))))


def attacks(tables: Tables, dataset: str) -> list[Sheet]:
    """Success rate by attack and ε, beside the accuracy under noise of the same size."""
    rows = _of(tables["attacks"], dataset)
    rows = rows[rows["epsilon"] > 0]
    lines = []
    for (model, attack, epsilon), part in rows.groupby(["model", "attack", "epsilon"], sort=False):
        cells = [_cell(part, m) for m in ("success_rate", "accuracy", "noise_accuracy")]
        n = part.loc[part["metric"] == "success_rate", "n"]
        lines.append([words(model), words(attack), f"{epsilon:g}", *cells, f"{n.iloc[0]:.0f}"])
    head = ["net", "attack", "ε", "success rate", "accuracy", "accuracy under noise (control)", "n"]
    return [
        Sheet(
            "Attacks by size [95 % interval]; n counts images that the net gets right",
            head,
            lines,
            3,
        )
    ]


def uncertainty(tables: Tables, dataset: str) -> list[Sheet]:
    """What each estimator's predictions are worth on test."""
    rows = _of(tables["uncertainty"], dataset)
    rows = rows[rows["set"] == "test"]
    metrics = ["accuracy", "nll", "ece", "brier", "mean_entropy", "mean_mutual_information"]
    metrics = [metric for metric in metrics if metric in set(rows["metric"])]
    lines = [
        [words(model), words(estimator), *(_cell(part, metric) for metric in metrics)]
        for (model, estimator), part in rows.groupby(["model", "estimator"], sort=False)
    ]
    head = ["net", "estimator", *(words(metric) for metric in metrics)]
    title = "Estimators on test [95 % interval]; softmax, the single net, is the control"
    return [Sheet(title, head, lines, 2)]


def latent(tables: Tables, dataset: str) -> list[Sheet]:
    """Share of holes, and how uncertainty grows with the distance to the data."""
    rows = _of(tables["latent"], dataset)
    sheets = []
    for metric, title in (
        ("hole_share", "Holes: share of the off-data area that is more certain than the data"),
        ("distance_correlation", "Rank correlation of uncertainty and distance to the data"),
    ):
        part = rows[rows["metric"] == metric]
        measures = list(part["measure"].unique())
        lines = [
            [
                words(corpus),
                words(model),
                words(estimator),
                *(_cell(group[group["measure"] == measure], metric) for measure in measures),
            ]
            for (corpus, model, estimator), group in part.groupby(
                ["corpus", "model", "estimator"], sort=False
            )
        ]
        head = ["corpus", "net", "estimator", *(words(measure) for measure in measures)]
        sheets.append(Sheet(f"{title} [95 % interval]", head, lines, 3))
    return sheets


def attribution(tables: Tables, dataset: str) -> list[Sheet]:
    """Accuracy at study 001's share of 20 %, kept and deleted, first fill, by method and net."""
    rows = _of(tables["attribution"], dataset)
    top = rows[(rows["ranking"] == "descending") & (rows["metric"] == "accuracy")]
    at = top[(top["share"] - STUDY_SHARE).abs() < 1e-9]
    if at.empty:
        return []
    methods = sorted(at["method"].unique(), key=lambda name: name in CONTROLS)
    models, sheets = list(at["model"].unique()), []
    for mode, title in (("keep", "kept, the others"), ("delete", "deleted and")):
        fill = at["fill"].iloc[0]
        part = at[(at["mode"] == mode) & (at["fill"] == fill)]
        lines = []
        for method in methods:
            own = part[part["method"] == method]
            cells = [_cell(own[own["model"] == model], "accuracy") for model in models]
            lines.append([words(method), *cells, f"{own['n'].min():.0f}"])
        head = ["method", *(words(model) for model in models), "n"]
        title = (
            f"Accuracy with the top 20 % of the pixels {title} filled with {fill} [95 % interval]"
        )
        sheets.append(Sheet(title, head, lines))
    return sheets


def stability(tables: Tables, dataset: str) -> list[Sheet]:
    """Mean label change rate by image set, and the share of mutants that were rejected."""
    rows = _of(tables["stability"], dataset)
    rows = rows[rows["operator"].notna()]
    changes = rows[rows["metric"] == "label_change_rate"]
    sets = list(changes["set"].unique())
    lines = []
    for (model, operator), part in rows.groupby(["model", "operator"], sort=False):
        cells = [_cell(part[part["set"] == name], "label_change_rate") for name in sets]
        lines.append([words(model), words(operator), _cell(part, "rejection_rate"), *cells])
    head = ["net", "operator", "mutants rejected", *(describe(name) for name in sets)]
    return [Sheet("Label change rate by image set [95 % interval]", head, lines, 2)]


def detection(tables: Tables, dataset: str) -> list[Sheet]:
    """The best scores of each task by AUROC, and the control."""
    rows = _of(tables["detection"], dataset)
    rows = rows[~rows["score"].isin(EMPTY)]
    sheets = []
    for model, own in rows.groupby("model", sort=False):
        known = own[(own["metric"] == "auroc") & own["value"].notna()]
        lines = [line for task in tasks(known) for line in _best(own, *task)]
        head = ["task", "score", "AUROC", "gain over control", "AUPR", "FPR at 95 % TPR", "n"]
        title = f"{words(model)}: the {BEST} best scores of each task by AUROC, and the control"
        sheets.append(Sheet(f"{title} [95 % interval]", head, lines, 2))
    return sheets


def _best(rows: pd.DataFrame, task: str, images: str, positives: str) -> list[list[str]]:
    where = (rows["task"] == task) & (rows["set"] == images) & (rows["positives"] == positives)
    part = rows[where]
    auroc = part[part["metric"] == "auroc"].set_index("score")["value"]
    order = list(auroc.sort_values(ascending=False, kind="stable").index)
    chosen = order[:BEST] + ([CONTROL_SCORE] if CONTROL_SCORE not in order[:BEST] else [])
    what = "misclassified" if task == "misclassified" else f"{words(task)}: {describe(images)}"
    lines = []
    for score in chosen:
        own = part[part["score"] == score]
        cells = [_cell(own, m) for m in ("auroc", "auroc_gain", "aupr", "fpr95")]
        control = " (control)" if score == CONTROL_SCORE else ""
        name = ": ".join(words(each) for each in score.split(".")) + control
        lines.append([what, name, *cells, f"{own['n'].iloc[0]:.0f}"])
    return lines


def _of(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    return table[table["dataset"] == dataset]


def _cell(rows: pd.DataFrame, metric: str) -> str:
    """The one figure of ``metric`` among ``rows``, as text; a dash if there is none."""
    part = rows.loc[rows["metric"] == metric, ["value", "low", "high"]]
    return estimate(*part.iloc[0]) if len(part) else "–"


SHEETS: dict[str, Callable[[Tables, str], list[Sheet]]] = {
    "training": training,
    "attacks": attacks,
    "uncertainty": uncertainty,
    "latent": latent,
    "attribution": attribution,
    "stability": stability,
    "detection": detection,
}

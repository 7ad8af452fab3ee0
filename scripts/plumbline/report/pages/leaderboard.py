"""The leaderboard: a self-contained page with a sortable, filterable table of all scores.

Estimates are stored with four decimals, costs with two.
"""

import json
import math
from typing import Any

import pandas as pd

from plumbline.data.image_sets import ImageSetKey, keys_of
from plumbline.detection.columns import CONTROL
from plumbline.detection.leaderboard import EVERY, best
from plumbline.report.figures.detection import score_name, tasks
from plumbline.report.pages.templates import template
from plumbline.report.summary import estimate, number
from plumbline.report.tables import ReportTable, cell, count, of_dataset
from plumbline.report.wording import describe, words
from plumbline.storage.tables import POSITIVE

METRICS = {  # title, whether higher is better, explanation
    "auroc": ("AUROC", True, "probability that a suspicious image scores higher than another one"),
    "auroc_gain": ("gain", True, "AUROC minus the AUROC of the control on the same images"),
    "aupr": ("AUPR", True, "average precision; the chance level is the share of suspicious images"),
    "fpr95": ("FPR at 95 %", False, "false positive rate at a true positive rate of 95 %"),
    "aurc": (
        "AURC",
        False,
        "area under the risk-coverage curve: mean share of suspicious images among those accepted",
    ),
}
KEYS = ("dataset", "model", "task", "set", "positives")
SHOWN = 15  # scores shown in the table of mean ranks
BEST = 3  # scores per task in the table of replicates
OVER_NETS = ":nets"  # suffix of an architecture: mean over its nets
POSITIVES = {"all": "all", "successful": "successful ones"}
REPLICATED = (
    "Nets are trained with different seeds; each is attacked and mutated and has its own "
    "detectors. Over images: mean of the bootstrap intervals of the nets. Over images and nets: "
    "combined in quadrature with the t interval of the mean over nets. n is the smallest number "
    "of images of a net."
)


def content(leaderboard: pd.DataFrame) -> dict[str, Any]:
    """Content of the page, ready for JSON.

    ``names`` holds the values of each key with their labels, in the order of the table, and
    ``scores`` those of the scores.  Each row in ``rows`` holds an index into ``names`` for each
    of ``KEYS``, an index into ``scores``, the cost, the numbers of images, nets and suspicious
    images, and value, low and high of each metric (null if unknown).  Means over several nets
    come first.
    """
    own = leaderboard[leaderboard["metric"].isin(METRICS) & (leaderboard["model"] != EVERY)]
    joined = own[own["nets"] > 1]
    own = pd.concat([joined.assign(model=joined["model"] + OVER_NETS), own.drop(joined.index)])
    names = {key: list(own[key].unique()) for key in KEYS}
    scores = list(own["score"].unique())
    places = {key: {name: at for at, name in enumerate(found)} for key, found in names.items()}
    rows = []
    for (*keys, score), part in own.groupby([*KEYS, "score"], sort=False):
        figures = part.set_index("metric")[["value", "low", "high"]]
        figures = figures.reindex(list(METRICS)).to_numpy().ravel().tolist()
        first = part.iloc[0]
        place = [places[key][name] for key, name in zip(KEYS, keys, strict=True)]
        cost = _rounded(float(first["evaluations"]), 2)
        row = [
            *place,
            scores.index(score),
            cost,
            *(int(first[name]) for name in ("n", "nets", POSITIVE)),
        ]
        rows.append([*row, *(_rounded(each, 4) for each in figures)])
    distance = own[own["task"] == "ood"].drop_duplicates("set").set_index("set")["distance"]
    sets = keys_of(own)
    titles = {
        "dataset": names["dataset"],
        "model": [_net(each) for each in names["model"]],
        "task": [words(each) for each in names["task"]],
        "set": [_images(sets[each], distance.get(each)) for each in names["set"]],
        "positives": [POSITIVES.get(each, each) for each in names["positives"]],
    }
    return {
        "names": {key: list(zip(names[key], titles[key], strict=True)) for key in KEYS},
        "scores": [[score, score_name(score)] for score in scores],
        "control": scores.index(CONTROL),
        "metrics": [[name, title, high] for name, (title, high, _) in METRICS.items()],
        "rows": rows,
    }


def _net(name: str) -> str:
    net = name.removesuffix(OVER_NETS)
    return words(net) if net == name else f"{words(net)}, mean"


def _images(key: ImageSetKey, distance: str | None) -> str:
    return f"{describe(key)} ({distance})" if isinstance(distance, str) else describe(key)


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)


def rank_tables(leaderboard: pd.DataFrame, dataset: str, shown: int = SHOWN) -> list[ReportTable]:
    """The mean ranks for a dataset, or ``all``, with the tests; empty if nothing was ranked."""
    rows = of_dataset(leaderboard, dataset)
    ranks = rows[rows["metric"] == "mean_rank"]
    if ranks["value"].isna().all():
        return []
    whole = rows[rows["metric"].isin(("friedman", "friedman_p", "difference_to_control"))]
    figures = whole.set_index("metric")["value"]
    control = float(ranks.loc[ranks["score"] == CONTROL, "value"].iloc[0])
    band = figures["difference_to_control"]
    lines = [
        [
            score_name(each.score),
            estimate(each.value, each.low, each.high),
            "yes" if abs(each.value - control) > band else "no",
            f"{each.evaluations:.4g}",
        ]
        for each in best(ranks, shown).itertuples()
    ]
    known = ranks["value"].notna()
    note = (
        f"Friedman test: chi-squared {figures['friedman']:.1f}, p = {figures['friedman_p']:.2g}. "
        f"Scores differ from the control at the 5 % level by {band:.1f} ranks or more "
        "(Bonferroni-Dunn test). Both tests assume independent blocks, but these share nets and "
        "images."
    )
    if not known.all():
        left = ", ".join(score_name(each) for each in ranks.loc[~known, "score"])
        note += f" Not ranked, because some nets lack them: {left}."
    if (rows["nets"] > 1).any():
        note += " Nets of one architecture are averaged within each block."
    head = ["score", "mean rank", "differs from the control", "network evaluations"]
    blocks = int(ranks.loc[known, "n"].max())
    title = f"Mean rank among {known.sum()} scores over {blocks} blocks of net and task"
    return [ReportTable(f"{title} [95 % interval over the blocks]", head, lines, note=note)]


def replicated(leaderboard: pd.DataFrame, dataset: str, shown: int = BEST) -> list[ReportTable]:
    """Variation over training runs: AUROC of the ``shown`` best scores of each task and of the
    control, as means over nets of one architecture; empty without several such nets."""
    rows = of_dataset(leaderboard, dataset)
    rows = rows[rows["metric"].isin(("auroc", "auroc_gain"))]
    joined, singles = rows[rows["nets"] > 1], rows[rows["nets"] == 1]
    head = ["task", "score", "AUROC, over images", "over images and nets", "lowest to highest"]
    head += ["gain over control, over images and nets", "nets", "n"]
    tables = []
    for net, own in joined.groupby("architecture", sort=False):
        each, sets = singles[singles["architecture"] == net], keys_of(own)
        lines = [
            [f"{words(task)}: {describe(sets[images])}", *_replicated(part, each, score)]
            for task, images, positives in tasks(own)
            for part in [_of_task(own, task, images, positives)]
            for score in _best(part, shown)
        ]
        title = f"{words(net)}, several training runs: {shown} best scores per task, and control"
        tables.append(ReportTable(f"{title} [95 % interval]", head, lines, 2, REPLICATED))
    return tables


def _of_task(rows: pd.DataFrame, task: str, images: str, positives: str) -> pd.DataFrame:
    same = (rows["task"] == task) & (rows["set"] == images)
    return rows[same & (rows["positives"] == positives)]


def _best(rows: pd.DataFrame, shown: int) -> list[str]:
    """The ``shown`` scores with the highest AUROC, and the control."""
    order = rows[rows["metric"] == "auroc"].sort_values("value", ascending=False, kind="stable")
    names = list(order["score"])
    return [each for at, each in enumerate(names) if at < shown or each == CONTROL]


def _replicated(joined: pd.DataFrame, singles: pd.DataFrame, score: str) -> list[str]:
    """The line of one score; ``joined``: rows of one task, ``singles``: those of each net."""
    own = joined[joined["score"] == score]
    auroc = own[own["metric"] == "auroc"].iloc[0]
    each = singles[(singles["score"] == score) & (singles["metric"] == "auroc")]
    each = _of_task(each, auroc["task"], auroc["set"], auroc["positives"]).dropna(subset="low")
    alone = estimate(auroc["value"], each["low"].mean(), each["high"].mean())
    between = f"{number(each['value'].min())} to {number(each['value'].max())}"
    cells = [cell(own, "auroc"), between, cell(own, "auroc_gain")]
    return [score_name(score), alone, *cells, f"{auroc['nets']:.0f}", count(auroc)]


def render(leaderboard: pd.DataFrame, back: str) -> str:
    """The page; ``back`` links to the report."""
    found = content(leaderboard)
    data = json.dumps(found, separators=(",", ":")).replace("<", "\\u003c")
    orders = [
        {"dataset": "all datasets" if name == EVERY else name, "tables": own}
        for name in leaderboard["dataset"].unique()
        if (own := rank_tables(leaderboard, name))
    ]
    return template("leaderboard.html").render(
        back=back,
        data=data,
        datasets=[title for _, title in found["names"]["dataset"]],
        metrics=METRICS,
        orders=orders,
        replicated=bool((leaderboard["nets"] > 1).any()),
    )

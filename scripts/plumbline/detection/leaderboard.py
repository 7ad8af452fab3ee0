"""Comparison of all scores over many tasks: means over replicates, mean ranks, significance.

Replicates are nets of one architecture trained with different seeds.  They are evaluated on the
same images; their estimates are joined to one, with an interval over images and nets.

A block is an architecture on a dataset with one task.  Within a block the scores are ranked, 1 for
the best, with ties sharing ranks (Friedman 1937).  The test assumes that blocks are independent,
so replicates do not form further blocks but are averaged within a block.  Two scores differ
significantly if their mean ranks differ by more than the critical difference of Nemenyi's test; a
score differs from the control if they differ by more than the critical difference of Bonferroni
and Dunn's test, which is smaller because it makes fewer comparisons (Demšar 2006, section 3.2.2).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm, rankdata, studentized_range

from plumbline.detection.columns import CONTROL
from plumbline.metrics.intervals import LEVEL, joined_interval, mean_intervals
from plumbline.storage.tables import POSITIVE, Row, row

TASK = ["dataset", "task", "set", "positives"]
BLOCK = [TASK[0], "architecture", *TASK[1:]]
EVERY = "all"
LEAST = 2  # minimum number of blocks, and of scores, to order
GAINS = ("auroc_gain", "auroc_difference")  # lie in [-1, 1], all others in [0, 1]


@dataclass(frozen=True)
class Order:
    """The order of the ``scores`` by mean rank over the ``blocks``, the best first.

    ``ranks`` [B, S] are the ranks within each block.  ``left_out`` names the scores that are not
    available in all blocks.  ``statistic`` and ``p`` are those of Friedman's test.
    """

    scores: tuple[str, ...]
    ranks: np.ndarray
    blocks: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]
    statistic: float
    p: float


def single_nets(detection: pd.DataFrame, replicates: Mapping[str, str]) -> pd.DataFrame:
    """``detection`` with the columns ``architecture``, the net that the model is a replicate of
    (or itself), and ``nets``, the number of nets of an estimate: 1."""
    net = detection.columns.get_loc("model") + 1
    table = detection.assign(distance=detection["distance"].fillna(""))
    table.insert(net, "architecture", table["model"].replace(dict(replicates)))
    table.insert(net + 1, "nets", 1)
    return table


def over_nets(singles: pd.DataFrame) -> Iterator[Row]:
    """Rows of the estimates available for several nets of one architecture: means over the nets.

    ``singles`` are rows of :func:`single_nets`.  ``model`` is the architecture, ``nets`` the number
    of nets for which the estimate has an interval; nets with too few images are omitted.
    Intervals cover images and nets (:func:`joined_interval`) and are clipped to the range of the
    metric; ``n`` and ``n_positive`` are the smallest numbers of images, ``evaluations`` is the
    largest cost.
    """
    names = set(singles.loc[singles["model"] != singles["architecture"], "architecture"])
    known = singles[singles["architecture"].isin(names) & singles["low"].notna()]
    estimate = ["model", "nets", "evaluations", "value", "low", "high", "n", POSITIVE]
    keys = [name for name in singles.columns if name not in estimate]
    place = known.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    order = np.argsort(place, kind="stable")
    estimates, counts, costs = (
        known[names].to_numpy()
        for names in (["value", "low", "high"], ["n", POSITIVE], "evaluations")
    )
    records = known.to_dict("records")
    for part in np.split(order, np.flatnonzero(np.diff(place[order])) + 1):
        if len(part) > 1:
            own = records[part[0]]
            value, *ends = joined_interval(estimates[part])
            low, high = np.clip(ends, -1.0 if own["metric"] in GAINS else 0.0, 1.0).tolist()
            joined = {"value": value, "low": low, "high": high}
            joined |= dict(zip(("n", POSITIVE), counts[part].min(0).tolist(), strict=True))
            joined |= {"model": own["architecture"], "nets": len(part)}
            yield own | joined | {"evaluations": float(costs[part].max())}


def ranked_blocks(singles: pd.DataFrame) -> pd.DataFrame:
    """Gains in AUROC over the control, a row per block and a column per score; the control's are 0.

    ``singles`` are rows of :func:`single_nets`; gains of replicates are averaged, and a score
    that one of them lacks is unknown.  A score may be known for fewer images than another:
    against the control it is compared on its own.  Of the tasks, those enter that do not repeat
    each other: misclassified images, every out-of-distribution set, and of each attack the
    successful images of its largest ε.  A net is left out of a block in which a score of it has
    too few images for an interval.
    """
    rows = singles[singles["set"] != "calibration"]
    epsilon = rows["epsilon"]
    largest = epsilon.groupby([rows["attack"], rows["dataset"]]).transform("max")
    attacked = (rows["positives"] == "successful") & (epsilon.isna() | (epsilon == largest))
    rows = rows[(rows["task"] != "adversarial") | attacked]
    control = (rows["score"] == CONTROL) & (rows["metric"] == "auroc")
    gains = rows[(rows["metric"] == "auroc_gain") | control]
    net = [*BLOCK, "model"]
    few = gains.groupby(net)["low"].transform(lambda values: values.isna().any())
    gains = gains[~few]
    gains = gains.assign(value=gains["value"].where(gains["score"] != CONTROL, 0.0))
    blocks = gains.pivot(index=net, columns="score", values="value").groupby(level=BLOCK)
    return blocks.mean().where(blocks.count().eq(blocks.size(), axis=0))


def order(gains: pd.DataFrame) -> Order | None:
    """The order of the scores available in all blocks of ``gains``; None if there are too few."""
    complete = gains.columns[gains.notna().all()]
    left_out = tuple(sorted(set(gains.columns) - set(complete)))
    count, size = len(gains), len(complete)
    if min(count, size) < LEAST:
        return None
    ranks = rankdata(-gains[complete].to_numpy(), axis=1)
    place = np.argsort(ranks.mean(0), kind="stable")
    statistic, p = friedman(ranks)
    return Order(
        scores=tuple(complete[place]),
        ranks=ranks[:, place],
        blocks=tuple(gains.index),
        left_out=left_out,
        statistic=statistic,
        p=p,
    )


def friedman(ranks: np.ndarray) -> tuple[float, float]:
    """Friedman's chi-squared statistic of ``ranks`` [B, S], corrected for ties, and its p-value."""
    blocks, size = ranks.shape
    spread = ((ranks - (size + 1) / 2) ** 2).sum() / (size - 1)
    if spread == 0:
        return 0.0, 1.0
    statistic = blocks**2 * ((ranks.mean(0) - (size + 1) / 2) ** 2).sum() / spread
    return float(statistic), float(chi2.sf(statistic, size - 1))


def critical_difference(scores: int, blocks: int) -> float:
    """Nemenyi's critical difference of the mean ranks of ``scores`` over ``blocks`` at 5 %.

    q sqrt(k (k + 1) / (6 N)), where q is the quantile of the studentized range for k scores and
    infinitely many degrees of freedom, divided by sqrt(2).  Demšar 2006, section 3.2.2.
    """
    q = studentized_range.ppf(LEVEL, scores, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(scores * (scores + 1) / (6 * blocks)))


def difference_to_control(scores: int, blocks: int) -> float:
    """Bonferroni and Dunn's critical difference between a mean rank and that of the control at 5 %.

    As :func:`critical_difference`, where q is the two-sided normal quantile at 5 % divided by
    ``scores`` - 1 comparisons.
    """
    q = norm.isf((1 - LEVEL) / 2 / (scores - 1))
    return float(q * np.sqrt(scores * (scores + 1) / (6 * blocks)))


def rows(singles: pd.DataFrame, seed: int) -> Iterator[Row]:
    """Rows of the order on each dataset, and on ``all`` of them if there are several.

    ``singles`` are rows of :func:`single_nets`.  ``mean_rank`` of each score has a bootstrap
    interval over the blocks; a score that is left out has no value, and its ``n`` is the number of
    blocks in which it is available.  ``friedman``, ``friedman_p``, ``critical_difference`` and
    ``difference_to_control`` refer to all scores.  Otherwise ``n`` is the number of blocks.
    ``evaluations`` is the largest cost of a score over the nets.
    """
    gains = ranked_blocks(singles)
    costs = singles.groupby("score")["evaluations"].max()
    datasets = list(singles["dataset"].unique())
    for dataset in [*datasets, *([EVERY] if len(datasets) > 1 else [])]:
        own = gains if dataset == EVERY else gains[gains.index.get_level_values(0) == dataset]
        found = order(own.dropna(axis=1, how="all"))
        if found:
            yield from _rows(found, own, costs, dataset, seed)


def _rows(
    found: Order, gains: pd.DataFrame, costs: pd.Series, dataset: str, seed: int
) -> Iterator[Row]:
    keys = {"dataset": dataset, "model": EVERY, "architecture": EVERY, "task": EVERY}
    keys |= {"distance": "", "set": EVERY, "positives": EVERY}
    blocks, nan = len(found.blocks), float("nan")
    ranks = zip(found.scores, *mean_intervals(found.ranks, seed), strict=True)
    for score, mean, low, high in ranks:
        own = {**keys, "score": score, "evaluations": costs[score]}
        yield row("mean_rank", mean, low, high, blocks, **own)
    for score in found.left_out:
        known = int(gains[score].notna().sum())
        yield row("mean_rank", nan, nan, nan, known, **keys, score=score, evaluations=costs[score])
    size = len(found.scores)
    whole = {"friedman": found.statistic, "friedman_p": found.p}
    whole["critical_difference"] = critical_difference(size, blocks)
    whole["difference_to_control"] = difference_to_control(size, blocks)
    for metric, value in whole.items():
        yield row(metric, value, nan, nan, blocks, **keys, score="", evaluations=nan)


def best(ranks: pd.DataFrame, count: int, always: Sequence[str] = (CONTROL,)) -> pd.DataFrame:
    """The ``count`` rows with the lowest mean rank, and those of the scores in ``always``."""
    known = ranks[ranks["value"].notna()].sort_values("value", kind="stable")
    return known[(np.arange(len(known)) < count) | known["score"].isin(always)]

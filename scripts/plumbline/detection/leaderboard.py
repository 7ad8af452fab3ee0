"""One order of all scores over many tasks: mean ranks, and which of them differ.

A block is a net on a dataset with one task.  Within it the scores are ranked, 1 for the best, ties
sharing their rank (Friedman 1937).  Two scores differ if their mean ranks do by more than the
critical difference of Nemenyi's test; a score differs from the control if it does by more than
that of Bonferroni and Dunn's, which is smaller, because it asks less (Demšar 2006, section 3.2.2).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm, rankdata, studentized_range

from plumbline.detection.columns import CONTROL
from plumbline.statistics import LEVEL, mean_intervals
from plumbline.tables import Row, row

BLOCK = ["dataset", "model", "task", "set", "positives"]
EVERY = "all"
FEWEST = 2  # blocks, and scores, below which there is no order


@dataclass(frozen=True)
class Order:
    """Mean ranks [S] of the ``scores`` over the ``blocks``, the best first.

    ``ranks`` [B, S] are those within each block.  ``left_out`` names the scores that are not
    known in all blocks.  ``statistic`` and ``p`` are of Friedman's test.
    """

    scores: tuple[str, ...]
    ranks: np.ndarray
    blocks: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]
    statistic: float
    p: float


def ranked_blocks(detection: pd.DataFrame) -> pd.DataFrame:
    """Gains in AUROC over the control, a row per block and a column per score; the control's are 0.

    A score may be known for fewer images than another: against the control it is compared on
    its own.  Of the tasks, those enter that do not repeat each other: misclassified images,
    every out-of-distribution set, and of each attack the successful images of its largest ε.
    A block in which a score of the net has too few images is left out.
    """
    rows = detection[detection["set"] != "calibration"]
    epsilon = rows["set"].str.extract(r"^(?P<attack>.*)_eps(?P<size>[0-9.e-]+)$")
    size = epsilon["size"].astype(float)
    largest = size.groupby([epsilon["attack"], rows["dataset"]]).transform("max")
    attacked = (rows["positives"] == "successful") & (size.isna() | (size == largest))
    rows = rows[(rows["task"] != "adversarial") | attacked]
    control = (rows["score"] == CONTROL) & (rows["metric"] == "auroc")
    gains = rows[(rows["metric"] == "auroc_gain") | control]
    few = gains.groupby(BLOCK)["value"].transform(lambda values: values.isna().any())
    gains = gains[~few]
    gains = gains.assign(value=gains["value"].where(gains["score"] != CONTROL, 0.0))
    return gains.pivot(index=BLOCK, columns="score", values="value")


def order(gains: pd.DataFrame) -> Order | None:
    """The order of the scores that all blocks of ``gains`` have; None if there is too little."""
    complete = gains.columns[gains.notna().all()]
    left_out = tuple(sorted(set(gains.columns) - set(complete)))
    count, size = len(gains), len(complete)
    if min(count, size) < FEWEST:
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
    """Friedman's chi-squared of ``ranks`` [B, S], corrected for ties, and its p: how often equal
    scores would differ so much."""
    blocks, size = ranks.shape
    spread = ((ranks - (size + 1) / 2) ** 2).sum() / (size - 1)
    if spread == 0:
        return 0.0, 1.0
    statistic = blocks**2 * ((ranks.mean(0) - (size + 1) / 2) ** 2).sum() / spread
    return float(statistic), float(chi2.sf(statistic, size - 1))


def critical_difference(scores: int, blocks: int) -> float:
    """Nemenyi's critical difference of the mean ranks of ``scores`` over ``blocks`` at 5 %.

    q sqrt(k (k + 1) / (6 N)), q the quantile of the studentized range of k scores and infinitely
    many degrees of freedom, divided by the root of 2.  Demšar 2006, equation in section 3.2.2.
    """
    q = studentized_range.ppf(LEVEL, scores, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(scores * (scores + 1) / (6 * blocks)))


def difference_to_control(scores: int, blocks: int) -> float:
    """Bonferroni and Dunn's critical difference, at 5 %, of a mean rank and that of the control.

    The same with q the normal quantile, two-sided, at 5 % divided by ``scores`` - 1 comparisons.
    """
    q = norm.isf((1 - LEVEL) / 2 / (scores - 1))
    return float(q * np.sqrt(scores * (scores + 1) / (6 * blocks)))


def rows(detection: pd.DataFrame, seed: int) -> Iterator[Row]:
    """Rows of the order on each dataset, and on ``all`` of them if there are several.

    ``mean_rank`` of each score, with its bootstrap interval over the blocks, and without a value
    for a score that is left out, whose ``n`` counts the blocks that it has; ``friedman``,
    ``friedman_p``, ``critical_difference`` and ``difference_to_control`` of all scores together.
    Elsewhere ``n`` counts the blocks.  ``evaluations`` is a score's largest cost over the nets.
    """
    gains = ranked_blocks(detection)
    costs = detection.groupby("score")["evaluations"].max()
    datasets = list(detection["dataset"].unique())
    for dataset in [*datasets, *([EVERY] if len(datasets) > 1 else [])]:
        own = gains if dataset == EVERY else gains[gains.index.get_level_values(0) == dataset]
        found = order(own.dropna(axis=1, how="all"))
        if found:
            yield from _rows(found, own, costs, dataset, seed)


def _rows(
    found: Order, gains: pd.DataFrame, costs: pd.Series, dataset: str, seed: int
) -> Iterator[Row]:
    keys = {"dataset": dataset, "model": EVERY, "task": EVERY, "distance": "", "set": EVERY}
    keys["positives"] = EVERY
    blocks, nan = len(found.blocks), float("nan")
    for score, *figure in zip(found.scores, *mean_intervals(found.ranks, seed), strict=True):
        yield row("mean_rank", *figure, blocks, **keys, score=score, evaluations=costs[score])
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
    """The ``count`` rows of lowest mean rank, and those of the scores ``always`` named."""
    known = ranks[ranks["value"].notna()].sort_values("value", kind="stable")
    return known[(np.arange(len(known)) < count) | known["score"].isin(always)]

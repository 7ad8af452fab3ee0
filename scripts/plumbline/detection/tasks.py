"""Detection tasks: which images are suspicious, and the table of how well each score tells."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from plumbline.detection.scores import CONTROL
from plumbline.ranking import measure, resample
from plumbline.seeding import derive
from plumbline.statistics import interval, wilson
from plumbline.tables import Row, row

FEWEST = 2  # positives and negatives below which there is no figure
METRICS = ("auroc", "aupr", "fpr95")


@dataclass(frozen=True)
class Task:
    """Images, as keys (set, index), and which of them a detector should find suspicious."""

    name: str
    set: str
    positives: str
    keys: pd.MultiIndex
    positive: np.ndarray


def tasks(right: pd.Series) -> Iterator[Task]:
    """All tasks, from whether the net is right on each image, by (set, index).

    ``misclassified``: images of test, suspicious where the net is wrong.  ``adversarial``, for
    each adversarial set: images of test on which the net is right, and the images made from
    them, suspicious ``all`` or only the ``successful``, on which the net is wrong.  ``ood``, for
    each out-of-distribution set: images of test, and those of the set, suspicious.
    """
    test = right["test"]
    yield _task("misclassified", "test", "all", {"test": ~test})
    for name in right.index.unique("set"):
        if name in ("calibration", "test"):
            continue
        images = right[name]
        if name.startswith("ood_"):
            parts = {"test": _flag(test, False), name: _flag(images, True)}
            yield _task("ood", name, "all", parts)
            continue
        sources = test[test.index.isin(images.index) & test]
        images = images[images.index.isin(sources.index)]
        for which, found in (("all", images), ("successful", images[~images])):
            parts = {"test": _flag(sources, False), name: _flag(found, True)}
            yield _task("adversarial", name, which, parts)


def _flag(images: pd.Series, value: bool) -> pd.Series:
    return pd.Series(value, index=images.index)


def _task(name: str, of: str, positives: str, parts: dict[str, pd.Series]) -> Task:
    joined = pd.concat(parts, names=["set", "index"])
    return Task(name, of, positives, joined.index, joined.to_numpy(dtype=bool))


def judge(task: Task, scores: pd.DataFrame, seed: int, **keys: str) -> list[Row]:
    """Rows of one task: each score's figures on those of the task's images that have it.

    ``auroc_gain`` is the score's AUROC minus that of the control on the same images and in the
    same resamples; ``prevalence`` is the share of positives, the chance level of ``aupr``.
    ``n`` counts the images.  With fewer than ``FEWEST`` positives or negatives the figures are
    empty.  Intervals: 95 % bootstrap, drawn within positives and within negatives.
    """
    table = scores.reindex(task.keys)
    known = table.notna().to_numpy()
    keys = {**keys, "task": task.name, "set": task.set, "positives": task.positives}
    rows = []
    for images in np.unique(known.T[known.any(0)], axis=0):
        same = [name for name, each in zip(table, known.T, strict=True) if (each == images).all()]
        rows += _judge_same(table[images], same, task.positive[images], seed, keys)
    place = {name: i for i, name in enumerate(scores)}
    return sorted(rows, key=lambda each: place[each["score"]])


def _judge_same(
    table: pd.DataFrame, names: list[str], positive: np.ndarray, seed: int, keys: Row
) -> list[Row]:
    """Rows of the scores ``names``, which are known for the same images."""
    n, few = len(positive), min(positive.sum(), (~positive).sum()) < FEWEST
    rows = []
    if not few:
        counts = resample(positive, derive(seed, *keys.values(), n))
        # The first row is the images themselves, the others are resamples.
        counts = np.concatenate([np.ones((1, n), counts.dtype), counts])
        control = measure(table[CONTROL].to_numpy(), positive, counts)["auroc"]
    for name in names:
        gain = ("auroc_gain",) if name != CONTROL else ()
        samples = {each: np.full(1, np.nan) for each in (*METRICS, *gain)}
        if not few:
            samples = measure(table[name].to_numpy(), positive, counts)
            samples |= {each: samples["auroc"] - control for each in gain}
        for metric, each in samples.items():
            figure = (each[0], *interval(each[1:]))
            rows.append(row(metric, *figure, n, **keys, score=name))
        found = int(positive.sum())
        share = found / n if n else float("nan")
        rows.append(row("prevalence", share, *wilson(found, n), n, **keys, score=name))
    return rows


def calibration_errors(right: pd.Series, score: str, **keys: str) -> Row:
    """How many images of calibration the net gets wrong: what a fitted score learnt from."""
    wrong = ~right["calibration"]
    keys = {**keys, "task": "misclassified", "set": "calibration", "positives": "all"}
    nothing = float("nan")
    return row(
        "calibration_errors", float(wrong.sum()), nothing, nothing, len(wrong), **keys, score=score
    )

"""Detection tasks: which images are suspicious, and the table of how well each score tells."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from plumbline.detection.columns import CONTROL
from plumbline.detection.resampled import Resampled
from plumbline.ranking import resample
from plumbline.seeding import derive
from plumbline.statistics import LEVEL, wilson
from plumbline.tables import Row, row

FEWEST = 2  # positives and negatives below which there is no figure
METRICS = ("auroc", "aupr", "fpr95", "aurc")
GAIN = "auroc_gain"
COMPARED = (  # scores that study 000 compares
    ("ensemble.entropy", "mc_dropout.entropy"),
    ("ensemble.entropy", "ensemble.mutual_information"),
)


@dataclass(frozen=True)
class Task:
    """Images, as keys (set, index), and which of them a detector should find suspicious.

    ``distance`` is ``near`` or ``far`` out of distribution, else empty.
    """

    name: str
    set: str
    positives: str
    distance: str
    keys: pd.MultiIndex
    positive: np.ndarray


def tasks(right: pd.Series, near: Collection[str] = ()) -> Iterator[Task]:
    """All tasks, from whether the net is right on each image, by (set, index).

    ``misclassified``: images of test, suspicious where the net is wrong.  ``adversarial``, for
    each adversarial set: images of test on which the net is right, and the images made from
    them, suspicious ``all`` or only the ``successful``, on which the net is wrong.  ``ood``, for
    each out-of-distribution set: images of test, and those of the set, suspicious; the sets
    named in ``near`` are near, the others far.
    """
    test = right["test"]
    yield _task("misclassified", "test", "all", {"test": ~test})
    for name in right.index.unique("set"):
        if name in ("calibration", "test"):
            continue
        images = right[name]
        if name.startswith("ood_"):
            parts = {"test": _flag(test, False), name: _flag(images, True)}
            yield _task("ood", name, "all", parts, "near" if name in near else "far")
            continue
        sources = test[test.index.isin(images.index) & test]
        images = images[images.index.isin(sources.index)]
        for which, found in (("all", images), ("successful", images[~images])):
            parts = {"test": _flag(sources, False), name: _flag(found, True)}
            yield _task("adversarial", name, which, parts)


def _flag(images: pd.Series, value: bool) -> pd.Series:
    return pd.Series(value, index=images.index)


def _task(
    name: str, of: str, positives: str, parts: dict[str, pd.Series], distance: str = ""
) -> Task:
    joined = pd.concat(parts, names=["set", "index"])
    return Task(name, of, positives, distance, joined.index, joined.to_numpy(dtype=bool))


def judge(
    task: Task,
    scores: pd.DataFrame,
    seed: int,
    evaluations: Mapping[str, float] | None = None,
    **keys: str,
) -> list[Row]:
    """Rows of one task: each score's figures on those of the task's images that have it.

    ``auroc_gain`` is the score's AUROC minus that of the control on the same images and in the
    same resamples; ``auroc_difference`` likewise minus that of the score that the key ``against``
    names, of the pairs ``COMPARED``; ``prevalence`` is the share of positives, the chance level
    of ``aupr`` and ``aurc``.  ``n`` counts the images.  The key ``evaluations`` is what a score
    costs for an image.  With fewer than ``FEWEST`` positives or negatives the figures are empty.
    Intervals: 95 % bootstrap, drawn within positives and within negatives.
    """
    table = scores.reindex(task.keys)
    known = table.notna().to_numpy()
    keys = {**keys, "task": task.name, "distance": task.distance}
    keys |= {"set": task.set, "positives": task.positives}
    rows = []
    for images in np.unique(known.T[known.any(0)], axis=0):
        same = [name for name, each in zip(table, known.T, strict=True) if (each == images).all()]
        rows += _judge_same(table[images], same, task.positive[images], seed, keys)
    place = {name: i for i, name in enumerate(scores)}
    for each in rows:
        each["evaluations"] = (evaluations or {}).get(each["score"], float("nan"))
    return sorted(rows, key=lambda each: place[each["score"]])


def _judge_same(
    table: pd.DataFrame, names: list[str], positive: np.ndarray, seed: int, keys: Row
) -> list[Row]:
    """Rows of the scores ``names``, which are known for the same images."""
    n, found = len(positive), int(positive.sum())
    resampled = control = None
    if min(found, n - found) >= FEWEST:
        counts = resample(positive, derive(seed, *keys.values(), n))
        # The first row is the images themselves, the others are resamples.
        ones = np.ones((1, n), counts.dtype)
        resampled = Resampled(positive, np.concatenate([ones, counts]))
        control = resampled.measure(table[CONTROL].to_numpy())["auroc"]
    share = found / n if n else float("nan")
    rows, aurocs = [], {}
    for name in names:
        metrics = (*METRICS, GAIN) if name != CONTROL else METRICS
        figures = np.full((len(metrics), 3), np.nan)
        if resampled:
            samples = resampled.measure(table[name].to_numpy())
            samples[GAIN] = samples["auroc"] - control
            aurocs[name] = samples["auroc"]
            figures = _figures(np.stack([samples[metric] for metric in metrics]))
        own = {**keys, "score": name, "against": ""}
        for metric, figure in zip(metrics, figures, strict=True):
            rows.append(row(metric, *figure.tolist(), n, **own))
        rows.append(row("prevalence", share, *wilson(found, n), n, **own))
    for name, against in COMPARED:
        if {name, against} <= aurocs.keys():
            ((value, low, high),) = _figures((aurocs[name] - aurocs[against])[None])
            own = {**keys, "score": name, "against": against}
            rows.append(row("auroc_difference", float(value), float(low), float(high), n, **own))
    return rows


def _figures(samples: np.ndarray) -> np.ndarray:
    """Value and ends of the percentile interval, [K, 3], of ``samples`` [K, 1 + R]: the images
    themselves first, then the resamples.

    Images drawn twice stand side by side in a ranking, so that a low AUPR is higher in nearly
    all resamples: the interval is widened to the value where it would leave it out.
    """
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(samples[:, 1:], [tail, 1 - tail], axis=1)
    value = samples[:, 0]
    return np.stack([value, np.minimum(low, value), np.maximum(high, value)], 1)

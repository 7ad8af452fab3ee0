"""Detection tasks: which images are suspicious, and the table of how well scores detect them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from plumbline.data.image_sets import TEST, ImageSetKey
from plumbline.detection.columns import CONTROL
from plumbline.detection.resampled import Resampled
from plumbline.metrics.intervals import (
    DIFFERENCE,
    Estimate,
    auroc_estimate,
    ranked,
    wilson,
    with_whole,
)
from plumbline.metrics.ranking import resample
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row, row

ADVERSARIAL = "adversarial"
METRICS = ("auroc", "aupr", "fpr95", "aurc")
GAIN = "auroc_gain"
NOTHING = (float("nan"),) * 3
COMPARED = (  # scores that study 000 compares
    ("ensemble.entropy", "mc_dropout.entropy"),
    ("ensemble.entropy", "ensemble.mutual_information"),
)


@dataclass(frozen=True)
class Task:
    """Images, as keys (set, index), and which of them are ``positive``, that is suspicious.

    ``distance`` is ``near`` or ``far`` for out-of-distribution tasks, else empty.  An adversarial
    image and its source have the same index.
    """

    name: str
    images: ImageSetKey
    positives: str
    distance: str
    keys: pd.MultiIndex
    positive: np.ndarray

    @property
    def set(self) -> str:
        """Name of the image set compared with test, or test itself."""
        return self.images.name

    def only(self, images: np.ndarray) -> "Task":
        """The task restricted to the images in the mask ``images`` [N] bool."""
        return replace(self, keys=self.keys[images], positive=self.positive[images])

    @property
    def items(self) -> np.ndarray | None:
        """Identifiers that an adversarial image and its source share; None for other tasks."""
        return self.keys.get_level_values("index").to_numpy() if self.name == ADVERSARIAL else None


def tasks(
    right: pd.Series, sets: Mapping[str, ImageSetKey], near: Collection[str] = ()
) -> Iterator[Task]:
    """All tasks, given whether each prediction is ``right``, by (set, index).

    ``sets`` holds the key of each set.

    ``misclassified``: the images of test; positives are the misclassified ones.  ``adversarial``,
    for each adversarial set: the correctly classified images of test and the images made from
    them; positives are ``all`` of these or only the ``successful`` ones, which are misclassified.
    ``ood``, for each out-of-distribution set: the images of test and those of the set, the
    positives; sets of the datasets in ``near`` are near, the others far.
    """
    test = right[TEST.name]
    yield _task("misclassified", TEST, "all", {TEST.name: ~test})
    for name in right.index.unique("set"):
        images, key = right[name], sets[name]
        if key.kind == "out_of_distribution":
            parts = {TEST.name: _flag(test, False), name: _flag(images, True)}
            yield _task("ood", key, "all", parts, "near" if key.source in near else "far")
        if key.kind != ADVERSARIAL:
            continue
        sources = test[test.index.isin(images.index) & test]
        images = images[images.index.isin(sources.index)]
        for which, found in (("all", images), ("successful", images[~images])):
            parts = {TEST.name: _flag(sources, False), name: _flag(found, True)}
            yield _task(ADVERSARIAL, key, which, parts)


def _flag(images: pd.Series, value: bool) -> pd.Series:
    return pd.Series(value, index=images.index)


def _task(
    name: str, of: ImageSetKey, positives: str, parts: dict[str, pd.Series], distance: str = ""
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
    """Rows of one task: estimates of each score on the images of the task that have the score.

    ``auroc_gain`` is the AUROC of the score minus that of the control on the same images and
    resamples; ``auroc_difference`` is the AUROC minus that of the score in the column ``against``,
    for the pairs ``COMPARED``; ``prevalence`` is the share of positives, the chance level of
    ``aupr`` and ``aurc``.  ``n`` is the number of images, ``n_positive`` that of positives, and
    ``evaluations`` the cost of a score per image.  Without positives or negatives the estimates
    are empty; with fewer than ten of either they have no interval.  Intervals: 95 % bootstrap
    (:func:`plumbline.metrics.intervals.ranked`,
    :func:`plumbline.metrics.intervals.auroc_estimate`), stratified by positives and negatives,
    with adversarial images drawn together with their sources.
    """
    table = scores.reindex(task.keys)
    known = table.notna().to_numpy()
    job = *keys.values(), task.name, task.distance, task.set, task.positives
    keys = {**keys, "task": task.name, "distance": task.distance}
    keys |= {**task.images.columns(), "positives": task.positives}
    rows = []
    for images in np.unique(known.T[known.any(0)], axis=0):
        same = [name for name, each in zip(table, known.T, strict=True) if (each == images).all()]
        own = derive(seed, *job, int(images.sum()))
        rows += _judge_same(table[images], same, task.only(images), own, keys)
    place = {name: i for i, name in enumerate(scores)}
    for each in rows:
        each["evaluations"] = (evaluations or {}).get(each["score"], float("nan"))
    return sorted(rows, key=lambda each: place[each["score"]])


def draw(task: Task, seed: int) -> Resampled | None:
    """The images of a task and their resamples; None without positives or negatives."""
    if not 0 < task.positive.sum() < len(task.positive):
        return None
    return Resampled(task.positive, with_whole(resample(task.positive, seed, task.items)))


def gain(samples: np.ndarray, resampled: Resampled) -> Estimate:
    """A difference of two AUROCs on the same images and resamples, with its interval."""
    found = resampled.found
    return ranked(samples, found, resampled.total - found, DIFFERENCE)


def _judge_same(
    table: pd.DataFrame, names: list[str], task: Task, seed: int, keys: Row
) -> list[Row]:
    """Rows of the scores ``names``, which are available for all images of the task."""
    n, found = len(task.positive), int(task.positive.sum())
    share = found / n if n else float("nan")
    resampled = draw(task, seed)
    control = resampled.measure(table[CONTROL].to_numpy())["auroc"] if resampled else None
    rows, aurocs = [], {}
    for name in names:
        metrics = (*METRICS, GAIN) if name != CONTROL else METRICS
        estimates = dict.fromkeys(metrics, NOTHING)
        if resampled:
            samples = resampled.measure(table[name].to_numpy())
            aurocs[name] = samples["auroc"]
            estimates = {metric: ranked(samples[metric], found, n - found) for metric in METRICS}
            estimates["auroc"] = auroc_estimate(samples["auroc"], found, n - found)
            if name != CONTROL:
                estimates[GAIN] = gain(samples["auroc"] - control, resampled)
        own = {**keys, "score": name, "against": ""}
        rows += [row(metric, *estimates[metric], n, found, **own) for metric in metrics]
        rows.append(row("prevalence", share, *wilson(found, n), n, found, **own))
    for name, against in COMPARED:
        if resampled and {name, against} <= aurocs.keys():
            estimate = gain(aurocs[name] - aurocs[against], resampled)
            own = {**keys, "score": name, "against": against}
            rows.append(row("auroc_difference", *estimate, n, found, **own))
    return rows

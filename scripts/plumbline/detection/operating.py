"""Detectors at a threshold chosen on calibration, and their gains in AUROC."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from plumbline.data.image_sets import TEST, ImageSetKey
from plumbline.detection.columns import CONTROL
from plumbline.detection.fitting import CALIBRATION
from plumbline.detection.tasks import Task, draw, gain, tasks
from plumbline.metrics.intervals import auroc_estimate, wilson
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row, row

NOTHING = float("nan")
AGAINST = {"both": ("conductance", "lcr"), "all": ("softmax",)}  # comparisons on every task


def equal_recalls(scores: np.ndarray, wrong: np.ndarray) -> float:
    """Threshold at which the recall of wrong predictions (above it) is closest to the recall of
    correct predictions (at or below it), the rule of study 004.

    ``scores`` [N] and ``wrong`` [N] bool, with both kinds present.  The threshold is the midpoint
    between two scores.
    """
    order = np.sort(np.unique(scores))
    between = np.concatenate([[order[0] - 1], (order[1:] + order[:-1]) / 2, [order[-1]]])
    caught = 1 - np.searchsorted(np.sort(scores[wrong]), between, side="right") / wrong.sum()
    kept = np.searchsorted(np.sort(scores[~wrong]), between, side="right") / (~wrong).sum()
    return float(between[np.abs(caught - kept).argmin()])


def at_threshold(scores: np.ndarray, wrong: np.ndarray, threshold: float, **keys: str) -> list[Row]:
    """Rows on selective prediction that rejects predictions with a score above ``threshold``.

    ``recall_wrong`` is the share of wrong predictions that are rejected, ``recall_right`` that of
    correct ones that are accepted, ``detection_accuracy`` the share of all predictions for which
    the detector is right, ``coverage`` the share accepted, ``accuracy_accepted`` the accuracy of
    these.  Wilson intervals; ``n`` is the denominator of each share.
    """
    refused = scores > threshold
    shares = {
        "recall_wrong": (wrong & refused, wrong),
        "recall_right": (~wrong & ~refused, ~wrong),
        "detection_accuracy": (wrong == refused, np.ones_like(wrong)),
        "coverage": (~refused, np.ones_like(wrong)),
        "accuracy_accepted": (~wrong & ~refused, ~refused),
    }
    rows = []
    for metric, (hits, among) in shares.items():
        found, n = int(hits.sum()), int(among.sum())
        value = found / n if n else NOTHING
        rows.append(row(metric, value, *wilson(found, n), n, **keys))
    return rows


def judge_detectors(
    scores: pd.DataFrame,
    control: pd.Series,
    right: pd.Series,
    sets: Mapping[str, ImageSetKey],
    seed: int,
    **keys: str,
) -> Iterator[Row]:
    """Rows of the table: estimates of each detector, and of the control, on the same images.

    ``scores`` are the detectors', ``control`` the negated maximum probability, ``right`` whether
    the net is right, all by (set, index); ``sets`` has the key of each set.  Only images that
    every detector has scored count.  ``calibration_errors`` is how many wrong answers there were to
    learn from; ``n_positive`` counts those that an estimate compares with others.  ``auroc`` on
    calibration is out of fold.  ``auroc_gain`` on misclassified images is the AUROC minus that
    of the control, on the same images and resamples; ``auroc_difference``, on every task, that
    of the features named in ``AGAINST`` minus that of fewer features, the same detector.
    """
    known = scores.index[scores.notna().all(axis=1)] if len(scores.columns) else scores.index
    table = pd.concat([scores, control.rename(CONTROL)], axis=1).loc[known]
    right = right.loc[known]
    errors, n = int((~right[CALIBRATION]).sum()), len(right[CALIBRATION])
    keys = {**keys, "detector": "", "features": "", "task": "misclassified"}
    keys |= {**ImageSetKey(CALIBRATION).columns(), "positives": "all", "against": ""}
    yield row("calibration_errors", float(errors), NOTHING, NOTHING, n, **keys)
    if scores.columns.empty:
        return
    for name in table:
        here = {**keys, **_named(name)}
        yield from _worked(table[name], right, seed, here)
    for task in tasks(right, sets):
        yield from _gains(task, table, seed, keys)


def _named(column: str) -> dict[str, str]:
    detector, _, features = column.partition(".")
    return {"detector": detector, "features": features}


def _worked(scores: pd.Series, right: pd.Series, seed: int, keys: Mapping[str, str]) -> list[Row]:
    """The threshold and its metrics on calibration and test, with the AUROC."""
    threshold = equal_recalls(scores[CALIBRATION].to_numpy(), ~right[CALIBRATION].to_numpy())
    n = len(right[CALIBRATION])
    rows = [row("threshold", threshold, NOTHING, NOTHING, n, **keys)]
    for key in (ImageSetKey(CALIBRATION), TEST):
        name = key.name
        here, wrong = {**keys, **key.columns()}, ~right[name].to_numpy()
        own = scores[name].to_numpy()
        rows += at_threshold(own, wrong, threshold, **here)
        task = Task("misclassified", key, "all", "", right[[name]].index, wrong)
        if resampled := draw(task, derive(seed, name, len(wrong))):
            found = int(wrong.sum())
            estimate = auroc_estimate(resampled.measure(own)["auroc"], found, len(wrong) - found)
            rows.append(row("auroc", *estimate, len(wrong), found, **here))
    return rows


def _gains(task: Task, table: pd.DataFrame, seed: int, keys: Mapping[str, str]) -> Iterator[Row]:
    """Differences in AUROC on one task, on the images of the task that all detectors scored."""
    n, names = len(task.positive), (task.name, task.set, task.positives)
    resampled = draw(task, derive(seed, *names, n))
    if resampled is None:
        return
    table = table.loc[task.keys]
    known: dict[str, np.ndarray] = {}

    def auroc(name: str) -> np.ndarray:
        if name not in known:
            known[name] = resampled.measure(table[name].to_numpy())["auroc"]
        return known[name]

    where = {"task": task.name, **task.images.columns(), "positives": task.positives}
    for name in table:
        if name == CONTROL:
            continue
        named = _named(name)
        rivals = {
            each: f"{named['detector']}.{each}" for each in AGAINST.get(named["features"], ())
        }
        pairs = [("auroc_difference", against, rival) for against, rival in rivals.items()]
        if task.name == "misclassified":
            pairs.append(("auroc_gain", "max_probability", CONTROL))
        for metric, against, rival in pairs:
            estimate = gain(auroc(name) - auroc(rival), resampled)
            here = {**keys, **named, **where, "against": against}
            yield row(metric, *estimate, n, resampled.found, **here)

"""Estimates as a function of the number of passes, and of the number of nets in an ensemble."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from plumbline.metrics import classification
from plumbline.metrics.intervals import (
    Estimate,
    auroc_estimate,
    bootstrap_counts,
    bootstrap_estimate,
    jackknife_interval,
    student_interval,
    wilson,
    with_whole,
)
from plumbline.metrics.ranking import selective
from plumbline.storage.artefacts import Prediction
from plumbline.storage.tables import Row, row
from plumbline.uncertainty.measures import mean_probs, rankings

SUBSETS = 256  # maximum number of sets of nets; drawn at random if there are more
RANKED = ("entropy", "mutual_information")
BOUNDS = classification.BOUNDS | {"error_auroc": (0.0, 1.0)}
Key = tuple[str, str]


def by_samples(
    passes: Sequence[np.ndarray], labels: np.ndarray, sizes: Sequence[int], seed: int
) -> list[Row]:
    """Estimates of the first T passes of every net, for each T of ``sizes``.

    ``passes`` holds probabilities [S, N, K] for every training seed, with S at least the largest
    size.  There is a row for each seed (column ``seed``), without an interval, and one for
    ``all``: their mean with Student's 95 % interval over the ``n`` seeds.  For a single net there
    is only a row for ``all``, with a bootstrap interval over the N images (column ``over``).
    """
    rows: list[Row] = []
    for size in sizes:
        keys = {"vary": "samples", "size": size}
        if len(passes) == 1:
            rows += _of_one_net(passes[0][:size], labels, seed, **keys)
            continue
        each = [one(probs[:size], labels) for probs in passes]
        for metric, measure in each[0]:
            values = np.array([found[metric, measure] for found in each])
            metric_keys = {**keys, "measure": measure, "over": "seeds"}
            nothing = float("nan"), float("nan"), len(labels)
            rows += [row(metric, v, *nothing, **metric_keys, seed=i) for i, v in enumerate(values)]
            known = int((~np.isnan(values)).sum())
            estimate = _clipped(metric, student_interval(values))
            rows.append(row(metric, *estimate, known, **metric_keys, seed="all"))
    return rows


def _of_one_net(probs: np.ndarray, labels: np.ndarray, seed: int, **keys: Any) -> Iterator[Row]:
    """A row for each estimate of :func:`one` of ``probs`` [S, N, K], resampled over images."""
    n = len(labels)
    wrong = int((~classification.correct(mean_probs(probs), labels)).sum())
    for (metric, measure), samples in _sampled(probs, labels, bootstrap_counts(n, seed)).items():
        estimate, positive = bootstrap_estimate(samples), None
        if metric == "accuracy":
            estimate = estimate[0], *wilson(n - wrong, n)
        elif metric == "error_auroc":
            estimate, positive = auroc_estimate(samples, wrong, n - wrong), wrong
        metric_keys = {**keys, "measure": measure, "over": "images", "seed": "all"}
        yield row(metric, *_clipped(metric, estimate), n, positive, **metric_keys)


def by_members(
    nets: np.ndarray, labels: np.ndarray, sizes: Sequence[int], seed: int
) -> Iterator[Row]:
    """Estimates of ensembles of M of the ``nets`` [n, N, K], for each M of ``sizes`` up to n.

    The value is the mean over all sets of M nets (over ``SUBSETS`` random ones if there are more).
    The sets overlap, so the 95 % interval over training seeds is from the jackknife over nets.
    There is only one set of all n nets, without an interval.  ``n`` is the number of nets.
    """
    for size in sizes:
        if size > len(nets):
            continue
        sets = _sets(len(nets), size, np.random.default_rng(seed))
        found = [one(nets[list(each)], labels) for each in sets]
        keys = {"vary": "members", "size": size, "over": "seeds"}
        for metric, measure in found[0]:
            values = np.array([each[metric, measure] for each in found])
            estimate = _clipped(metric, _over_nets(values, sets, len(nets)))
            yield row(metric, *estimate, len(nets), **keys, measure=measure, seed="all")


def one(probs: np.ndarray, labels: np.ndarray) -> dict[Key, float]:
    """Accuracy, NLL, Brier score and ECE of the mean of ``probs`` [S, N, K], and the AUROC of
    entropy and mutual information for the detection of errors: (metric, measure) -> value.

    The AUROC is NaN without wrong or correct predictions.  With a single sample there is no mutual
    information.
    """
    found = _sampled(probs, labels, np.empty((0, len(labels)), np.int32))
    return {key: float(samples[0]) for key, samples in found.items()}


def _sampled(probs: np.ndarray, labels: np.ndarray, resamples: np.ndarray) -> dict[Key, np.ndarray]:
    """The estimates of :func:`one`, then those of each of ``resamples`` [R, N], [1 + R] each."""
    mean = mean_probs(probs)
    counts = with_whole(resamples)
    found = {(name, ""): v for name, v in classification.resampled(mean, labels, counts).items()}
    wrong = ~classification.correct(mean, labels)
    ranked = rankings(Prediction("", "", probs, labels, labels))
    for name in (each for each in RANKED if each in ranked):
        found["error_auroc", name] = selective(ranked[name], wrong, counts, ())["auroc"]
    return found


def _sets(n: int, size: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Distinct sets of ``size`` of ``n`` nets: all of them, or ``SUBSETS`` at random."""
    if comb(n, size) <= SUBSETS:
        return list(combinations(range(n), size))
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < SUBSETS:
        drawn[tuple(sorted(rng.choice(n, size, replace=False).tolist()))] = None
    return list(drawn)


def _clipped(metric: str, estimate: Estimate) -> Estimate:
    """The estimate with its interval clipped to the range of the metric."""
    value, low, high = estimate
    lowest, highest = BOUNDS[metric]
    # NaN ends come first in max and min, which then return NaN.
    return value, max(low, lowest), min(high, highest)


def _over_nets(values: np.ndarray, sets: Sequence[Sequence[int]], n: int) -> Estimate:
    """Mean of the ``values`` of ``sets`` of ``n`` nets, with its jackknife interval."""
    inside = np.array([[net in each for each in sets] for net in range(n)])
    without = [values[~has].mean() if (~has).any() else np.nan for has in inside]
    return jackknife_interval(float(values.mean()), np.array(without))

"""Table of the degradation test of all methods of one net: curves, areas, gains over controls.

**How to read it.**  For ``accuracy`` and ``area`` (the mean of the accuracy curve over the
shares), *higher* is better if the top of the ranking is kept and *lower* if it is deleted.  For
``log_odds_area`` (the mean drop of the log-odds over the shares, in nats) the opposite holds:
*lower* is better if the top is kept.  The sign of a ``gain`` is such that it is positive if the
method ranks better than the control, in either mode; gains are paired over the images that both
methods ranked.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from plumbline.attribution.degradation_result import MODES, RANKINGS, DegradationResult
from plumbline.errors import ArtefactError
from plumbline.metrics.intervals import mean_intervals, wilson
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row, row

CONTROLS = ("random", "intensity")  # rankings that do not use the net
RIVALS = ("lime", "kernel_shap")  # methods that study 001 compares with LRP
REFERENCE = "gradient"  # the method whose maps are the reference for noise
KEYS = ("dataset", "model", "method", "control", "ranking", "mode", "fill", "share")
GOOD = {"keep": 1, "delete": -1}  # the sign of a difference of accuracies that is a gain
Measure = tuple[str, dict[str, Any], np.ndarray]  # metric, key columns, values per image


def rows(results: Sequence[DegradationResult], seed: int) -> list[Row]:
    """Tidy rows for all methods of one dataset and net, in their order.

    For each method: ``clean_accuracy``; ``accuracy`` for each ranking, mode, fill and share;
    ``area`` and ``log_odds_area`` for each curve; ``total_variation`` and ``sparsity`` of its
    maps.  Relative to each of ``CONTROLS`` and ``RIVALS``, for the descending ranking:
    ``accuracy_gain`` at each share, ``area_gain``, ``log_odds_area_gain``.  Relative to
    ``REFERENCE``: ``total_variation_difference`` and ``sparsity_difference``, the method minus
    the reference.  The column ``control`` names the other method.  A control that was not
    tested has no rows.

    Intervals: Wilson's for accuracies, otherwise a bootstrap over images, with the same
    resamples for all estimates on equally many images.  If a method and its control agree on
    every image, the bootstrap interval of an accuracy gain would have zero width; its ends are
    then plus and minus the upper Wilson bound for 0 of n images that differ.
    """
    by_name = {result.method: result for result in results}
    table: list[Row] = []
    for result in results:
        others = [name for name in CONTROLS + RIVALS if name in by_name and name != result.method]
        table += _accuracies(result)
        table += _means(result, [*_measures(result)], seed)
        for name in others:
            table += _means(result, [*_gains(result, by_name[name])], seed)
        if REFERENCE in by_name and result.method != REFERENCE:
            table += _means(result, [*_differences(result, by_name[REFERENCE])], seed)
    return table


def _keys(result: DegradationResult, **keys: Any) -> dict[str, Any]:
    names = {"dataset": result.dataset, "model": result.model, "method": result.method}
    return {name: (names | keys).get(name, "") for name in KEYS}


def _accuracies(result: DegradationResult) -> Iterator[Row]:
    yield _accuracy("clean_accuracy", result.clean, _keys(result))
    for curve, position in _curves(result):
        for share, right in zip(result.shares, result.right[position].T, strict=True):
            yield _accuracy("accuracy", right, _keys(result, **curve, share=share))


def _accuracy(metric: str, right: np.ndarray, keys: dict[str, Any]) -> Row:
    n = len(right)
    return row(metric, float(right.mean()), *wilson(int(right.sum()), n), n, **keys)


def _curves(result: DegradationResult) -> Iterator[tuple[dict[str, str], tuple[int, int, int]]]:
    """Every curve: its keys, and its position in the arrays."""
    for r, ranking in enumerate(RANKINGS):
        for m, mode in enumerate(MODES):
            for f, fill in enumerate(result.fills):
                yield {"ranking": ranking, "mode": mode, "fill": fill}, (r, m, f)


def _measures(result: DegradationResult) -> Iterator[Measure]:
    for curve, position in _curves(result):
        yield "area", curve, result.right[position].mean(1)
        yield "log_odds_area", curve, result.drop[position].mean(1, dtype=np.float64)
    yield "total_variation", {}, result.total_variation
    yield "sparsity", {}, result.sparsity


def _gains(result: DegradationResult, control: DegradationResult) -> Iterator[Measure]:
    n = _common(result, control)
    for curve, position in _curves(result):
        if curve["ranking"] != RANKINGS[0]:
            continue
        sign, keys = GOOD[curve["mode"]], {**curve, "control": control.method}
        gain = sign * (result.right[position][:n].astype(float) - control.right[position][:n])
        for share, values in zip(result.shares, gain.T, strict=True):
            yield "accuracy_gain", {**keys, "share": share}, values
        yield "area_gain", keys, gain.mean(1)
        drop = result.drop[position][:n].astype(float) - control.drop[position][:n]
        yield "log_odds_area_gain", keys, -sign * drop.mean(1)


def _differences(result: DegradationResult, reference: DegradationResult) -> Iterator[Measure]:
    n, keys = _common(result, reference), {"control": reference.method}
    for measure in ("total_variation", "sparsity"):
        difference = getattr(result, measure)[:n] - getattr(reference, measure)[:n]
        yield f"{measure}_difference", keys, difference


def _common(result: DegradationResult, other: DegradationResult) -> int:
    """Number of images, counted from the first, that both methods ranked."""
    n = min(len(result.index), len(other.index))
    same = (result.fills, result.shares) == (other.fills, other.shares)
    if not (same and (result.index[:n] == other.index[:n]).all()):
        raise ArtefactError(f"{result.method} and {other.method} differ in fills, shares or images")
    return n


def _means(result: DegradationResult, measures: Sequence[Measure], seed: int) -> list[Row]:
    """A row for each measure: the mean over its images, with its interval."""
    values = np.stack([per_image for _, _, per_image in measures], axis=1)
    n = len(values)
    mean, low, high = mean_intervals(values, derive(seed, n))
    shares = np.array([metric in ("accuracy_gain", "area_gain") for metric, *_ in measures])
    all_equal = shares & ~values.any(0)
    low[all_equal], high[all_equal] = -wilson(0, n)[1], wilson(0, n)[1]
    return [
        row(metric, float(mean[i]), float(low[i]), float(high[i]), n, **_keys(result, **keys))
        for i, (metric, keys, _) in enumerate(measures)
    ]

"""Estimates that summarise maps of uncertainty over a two-dimensional latent space.

This module does not use torch: a map consists of arrays of measures at decoded grid points.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from plumbline.latent.grids import Chart
from plumbline.metrics.intervals import (
    Estimate,
    bootstrap_counts,
    bootstrap_estimate,
    mean_interval,
    with_whole,
)
from plumbline.storage.tables import Row, row

Measures = Mapping[str, np.ndarray]

# Measures that are mapped, and whether a high value means high certainty.
MAPPED = {"entropy": False, "mutual_information": False, "max_probability": True}


def uncertain(values: np.ndarray, high_is_certain: bool) -> np.ndarray:
    """``values`` of a measure with the sign for which a high value means uncertain."""
    return -values if high_is_certain else values


def grid_rows(chart: Chart, cells: Measures, seed: int, **keys: Any) -> Iterator[Row]:
    """Rows of one estimator on one grid; ``cells`` holds its measures at the grid points."""
    on = int(chart.on_data.sum())
    counts = {"median_on_data": on, "distance_correlation": len(chart.cells)}
    for measure, certain in MAPPED.items():
        estimates_of_measure = estimates(
            cells[measure], chart.distance, chart.on_data, seed, high_is_certain=certain
        )
        for metric, estimate in estimates_of_measure.items():
            n = counts.get(metric, len(chart.cells) - on)
            yield row(metric, *estimate, n, **keys, measure=measure)


def blur_rows(images: Measures, decoded: Measures, seed: int, **keys: Any) -> Iterator[Row]:
    """Rows of the control for the decoder's blur, for one estimator.

    ``images`` and ``decoded`` hold its measures on the test images and on their reconstructions.
    ``reconstruction_difference`` is the paired difference of ``mean_on_reconstructions`` and
    ``mean_on_images``: what the decoder's blur adds to a measure off the data, it adds on the
    data as well.
    """
    for measure in MAPPED:
        before, after = images[measure], decoded[measure]
        for metric, values in (
            ("mean_on_images", before),
            ("mean_on_reconstructions", after),
            ("reconstruction_difference", after - before),
        ):
            estimate = mean_interval(values, seed)
            yield row(metric, *estimate, len(values), **keys, measure=measure)


def estimates(
    values: np.ndarray,
    distance: np.ndarray,
    on_data: np.ndarray,
    seed: int,
    *,
    high_is_certain: bool = False,
) -> dict[str, Estimate]:
    """Estimates of one measure on one map: metric -> (value, low, high).

    ``values``, ``distance`` and ``on_data`` [cells].

    - ``median_on_data``, ``median_off_data``: medians of the measure;
    - ``hole_share``: share of the cells off the data that are less uncertain than the median
      cell on the data (called holes by Smith and Gal 2018); ideally 0, and 0.5 if the measure
      does not distinguish the two;
    - ``distance_correlation``: Spearman's rank correlation of uncertainty and distance.

    Uncertainty is the measure, or its negative if ``high_is_certain``.  The intervals are from a
    bootstrap over cells.  Neighbouring cells are similar, so the intervals are too narrow: they
    cover the choice of cells, not other VAEs or nets.  NaN if there are no cells of a kind.
    """
    uncertainty = uncertain(values, high_is_certain)
    counts = with_whole(bootstrap_counts(len(values), seed))
    samples = {
        "median_on_data": _median(values[on_data], counts[:, on_data]),
        "median_off_data": _median(values[~on_data], counts[:, ~on_data]),
        "hole_share": hole_shares(uncertainty, on_data, counts),
        "distance_correlation": _spearman(uncertainty, distance, counts),
    }
    shares = {"hole_share": int((~on_data).sum())}
    return {name: bootstrap_estimate(each, shares.get(name)) for name, each in samples.items()}


def hole_shares(uncertainty: np.ndarray, on_data: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The ``hole_share`` of :func:`estimates` in each resample of cells, [R].

    ``uncertainty`` and ``on_data`` [cells]; ``counts`` [R, cells] gives how often each cell is
    drawn.
    """
    off = counts[:, ~on_data]
    threshold = _median(uncertainty[on_data], counts[:, on_data])
    with np.errstate(invalid="ignore"):  # 0 / 0 gives the intended NaN
        below = off * (uncertainty[~on_data] < threshold[:, None])
        return np.where(np.isnan(threshold), np.nan, below.sum(1) / off.sum(1))


def _median(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Median of ``values`` [N] in each resample of ``counts`` [R, N], [R]."""
    if not len(values):
        return np.full(len(counts), np.nan)
    order = np.argsort(values, kind="stable")
    cumulative, values = 2 * counts[:, order].cumsum(1), values[order]
    total = cumulative[:, -1:] / 2
    lower, upper = (cumulative >= total).argmax(1), (cumulative > total).argmax(1)
    return np.where(total[:, 0] > 0, (values[lower] + values[upper]) / 2, np.nan)


def _spearman(first: np.ndarray, second: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Rank correlation of ``first`` and ``second`` [N] in each resample, [R]."""
    total = counts.sum(1)
    ranks = [_midranks(each, counts) - (total[:, None] + 1) / 2 for each in (first, second)]
    covariance, *variances = (
        (counts * one * other).sum(1)
        for one, other in (ranks, (ranks[0], ranks[0]), (ranks[1], ranks[1]))
    )
    with np.errstate(invalid="ignore"):  # 0 / 0 where all values are equal
        return covariance / np.sqrt(variances[0] * variances[1])


def _midranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Ranks from 1 of ``values`` [N] in each resample, with ties sharing ranks, [R, N]."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.add.reduceat(counts[:, order], starts, axis=1)
    return (sizes.cumsum(1) - (sizes - 1) / 2)[:, group]

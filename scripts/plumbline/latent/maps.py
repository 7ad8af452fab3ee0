"""Maps of uncertainty over a two-dimensional latent space, and figures that sum them up.

No torch here: a map is arrays of measures that somebody computed on decoded grid points.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from plumbline.statistics import bootstrap_counts, interval, mean_interval
from plumbline.tables import Row, row

Measures = dict[str, np.ndarray]
Figure = tuple[float, float, float]

# Measures that are mapped, and whether a high value means certain.
MAPPED = {"entropy": False, "mutual_information": False, "max_probability": True}
NEAR = 0.95  # quantile of the data's own distances that still counts as on the data


@dataclass(frozen=True)
class Chart:
    """A square grid in latent space and where the data lie in it.

    ``axis`` [P] holds the values of both latent dimensions, ascending.  ``cells`` [P * P, 2]
    are the grid points row by row: the row is the second dimension, the column the first, so
    that ``values.reshape(P, P)`` is drawn rightly with ``origin="lower"``.  ``distance``
    [P * P] is that of each cell to the nearest code of the data; a cell within ``radius`` is
    on the data.
    """

    axis: np.ndarray
    cells: np.ndarray
    distance: np.ndarray
    radius: float

    @property
    def on_data(self) -> np.ndarray:
        """Which cells are on the data, bool [P * P]."""
        return self.distance <= self.radius

    def square(self, values: np.ndarray) -> np.ndarray:
        """Values of the cells as a map [P, P]."""
        return values.reshape(len(self.axis), len(self.axis))


def chart(codes: np.ndarray, extent: float, points: int) -> Chart:
    """A grid of ``points`` x ``points`` (at least 2 each) over [-extent, extent]².

    ``codes`` [N, 2] are the data.  The radius is the 95 % quantile of the distances of codes
    to their own nearest neighbour, or one step of the grid if that is larger.
    """
    axis = np.linspace(-extent, extent, points)
    first, second = np.meshgrid(axis, axis)
    cells = np.stack([first.ravel(), second.ravel()], 1)
    tree = cKDTree(codes)
    distance, _ = tree.query(cells)
    neighbours, _ = tree.query(codes, k=2)  # the nearest is the code itself
    radius = max(np.quantile(neighbours[:, 1], NEAR), axis[1] - axis[0])
    return Chart(axis, cells, distance, float(radius))


def table(
    grid: Chart, cells: Measures, images: Measures, decoded: Measures, seed: int, **keys: Any
) -> Iterator[Row]:
    """Rows of one estimator on one map.

    ``cells``, ``images`` and ``decoded`` are its measures of the grid points, of the test
    images and of their reconstructions.  The last two (``mean_on_images``,
    ``mean_on_reconstructions``) are the control: whatever the decoder's blur adds to a
    measure, it adds on the data too.
    """
    for measure, certain in MAPPED.items():
        here = {**keys, "measure": measure}
        found = figures(cells[measure], grid.distance, grid.on_data, seed, high_is_certain=certain)
        on = int(grid.on_data.sum())
        counts = {"median_on_data": on, "distance_correlation": len(grid.cells)}
        for metric, figure in found.items():
            yield row(metric, *figure, counts.get(metric, len(grid.cells) - on), **here)
        for metric, of in (("images", images), ("reconstructions", decoded)):
            values = of[measure]
            yield row(f"mean_on_{metric}", *mean_interval(values, seed), len(values), **here)


def figures(
    values: np.ndarray,
    distance: np.ndarray,
    on_data: np.ndarray,
    seed: int,
    *,
    high_is_certain: bool = False,
) -> dict[str, Figure]:
    """Figures of one measure on one map: metric -> (value, low, high).

    ``values``, ``distance`` and ``on_data`` [cells].

    - ``median_on_data``, ``median_off_data``: medians of the measure;
    - ``hole_share``: share of the cells off the data that are less uncertain than the median
      cell on the data (Smith and Gal 2018 call such places holes); 0 is wanted, 0.5 would be
      a map that does not tell the two apart;
    - ``distance_correlation``: Spearman's rank correlation of uncertainty and distance.

    Uncertainty is the measure, or its negative where ``high_is_certain``.  The intervals are
    of a bootstrap over cells.  Neighbouring cells resemble each other, so they are too narrow:
    they tell of the choice of cells, not of another VAE or net.  NaN where no cell counts.
    """
    uncertainty = -values if high_is_certain else values
    # The first "resample" has every cell once: it gives the value itself.
    whole = np.ones((1, len(values)), dtype=np.int32)
    counts = np.concatenate([whole, bootstrap_counts(len(values), seed)])
    off = counts[:, ~on_data]
    threshold = _median(uncertainty[on_data], counts[:, on_data])
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is meant
        below = off * (uncertainty[~on_data] < threshold[:, None])
        holes = np.where(np.isnan(threshold), np.nan, below.sum(1) / off.sum(1))
    samples = {
        "median_on_data": _median(values[on_data], counts[:, on_data]),
        "median_off_data": _median(values[~on_data], off),
        "hole_share": holes,
        "distance_correlation": _spearman(uncertainty, distance, counts),
    }
    return {name: (float(each[0]), *interval(each[1:])) for name, each in samples.items()}


def _median(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Median of ``values`` [N], each taken as often as ``counts`` [R, N] says, [R]."""
    if not len(values):
        return np.full(len(counts), np.nan)
    order = np.argsort(values, kind="stable")
    reached, values = 2 * counts[:, order].cumsum(1), values[order]
    total = reached[:, -1:] / 2
    lower, upper = (reached >= total).argmax(1), (reached > total).argmax(1)
    return np.where(total[:, 0] > 0, (values[lower] + values[upper]) / 2, np.nan)


def _spearman(first: np.ndarray, second: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Rank correlation of ``first`` and ``second`` [N] in each of the resamples, [R]."""
    total = counts.sum(1)
    ranks = [_midranks(each, counts) - (total[:, None] + 1) / 2 for each in (first, second)]
    covariance, *variances = (
        (counts * one * other).sum(1)
        for one, other in (ranks, (ranks[0], ranks[0]), (ranks[1], ranks[1]))
    )
    with np.errstate(invalid="ignore"):  # 0 / 0 where all values are equal
        return covariance / np.sqrt(variances[0] * variances[1])


def _midranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Ranks from 1 of ``values`` [N], taken as often as ``counts`` says, ties shared, [R, N]."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.add.reduceat(counts[:, order], starts, axis=1)
    return (sizes.cumsum(1) - (sizes - 1) / 2)[:, group]

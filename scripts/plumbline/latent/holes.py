"""Holes of a map: places off the data where a net is surer than on them (Smith and Gal 2018)."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import ndimage

from plumbline.latent.maps import MAPPED, uncertain
from plumbline.metrics.intervals import RESAMPLES, interval, mean_intervals, wilson
from plumbline.storage.artefacts import save_arrays
from plumbline.storage.tables import Row, row

DESCRIBED = 20  # largest regions of each estimator and measure that are decoded
TABLED = 5  # of these that have rows of their own
NEAREST = 5  # training images shown beside each
SAMPLED = 500  # training images whose nearest neighbours say how near data lie
CHUNK = 4096  # training images compared at once

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Regions:
    """Connected holes of one map, ranked by area.

    ``number`` [P, P] int32 is 0 where there is no hole, 1 in the largest region.  Of the R
    largest regions, at most 20: ``cell`` [R] int64 is the most certain cell as a flat position
    in the grid, ``area`` [R] int64 counts the cells.
    """

    number: np.ndarray
    cell: np.ndarray
    area: np.ndarray


def holes(values: np.ndarray, on_data: np.ndarray, *, high_is_certain: bool) -> np.ndarray:
    """Cells off the data that are less uncertain than the median cell on the data, bool.

    ``values`` of a measure and ``on_data`` have any one shape.  Without a cell on the data
    there is nothing to compare with, so there are no holes.
    """
    uncertainty = uncertain(values, high_is_certain)
    if not on_data.any():
        return np.zeros(on_data.shape, bool)
    return ~on_data & (uncertainty < np.median(uncertainty[on_data]))


def regions(hole: np.ndarray, prediction: np.ndarray, uncertainty: np.ndarray) -> Regions:
    """Connected regions of ``hole``, bool [P, P], each of cells that the net gives one class.

    ``prediction`` and ``uncertainty`` [P, P].  Cells that share a side are connected.  Regions
    of equal area are ranked by their first cell, equally certain cells likewise.
    """
    labelled = np.zeros(hole.shape, np.int64)
    for answer in np.unique(prediction[hole]):
        found = ndimage.label(hole & (prediction == answer))[0]
        labelled[found > 0] = found[found > 0] + labelled.max()
    names, first, area = np.unique(labelled, return_index=True, return_counts=True)
    names, first, area = (each[names > 0] for each in (names, first, area))
    order = np.lexsort((first, -area))
    rank = np.zeros(labelled.max() + 1, np.int32)
    rank[names[order]] = np.arange(1, len(order) + 1)
    number = rank[labelled]
    kept = range(1, min(len(order), DESCRIBED) + 1)
    inside = (np.where(number == each, uncertainty, np.inf).argmin() for each in kept)
    return Regions(number, np.array(list(inside), np.int64), area[order][:DESCRIBED])


def all_regions(arrays: Arrays, estimators: list[str]) -> dict[str, Regions]:
    """Regions of the linear grid of a LatentMap, by ``{estimator}.{measure}``."""
    found = {}
    for estimator in estimators:
        prediction = arrays[f"linear.{estimator}.prediction"]
        for measure, certain in MAPPED.items():
            values = arrays[f"linear.{estimator}.{measure}"]
            hole = holes(values, arrays["linear.on_data"], high_is_certain=certain)
            found[f"{estimator}.{measure}"] = regions(hole, prediction, uncertain(values, certain))
    return found


def nearest(
    images: np.ndarray, data: np.ndarray, count: int, skip: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` images of ``data`` that are nearest to each of ``images``, by L2.

    ``images`` [R, C, H, W] float32 and ``data`` [N, C, H, W], uint8 or float32, are compared
    pixel by pixel in [0, 1].  ``skip`` [R] names an image of ``data`` that does not count for
    each.  Positions in ``data`` int64 [R, count], nearest first, and distances float64.
    """
    wanted = images.reshape(len(images), math.prod(images.shape[1:])).astype(np.float64)
    best: np.ndarray = np.empty((len(images), 0))
    places: np.ndarray = np.empty((len(images), 0), np.int64)
    for start in range(0, len(data), CHUNK):
        part = data[start : start + CHUNK].reshape(-1, wanted.shape[1]).astype(np.float64)
        part = part / 255 if data.dtype == np.uint8 else part
        here = np.broadcast_to(start + np.arange(len(part)), (len(images), len(part)))
        squares = (part**2).sum(1) - 2 * wanted @ part.T + (wanted**2).sum(1, keepdims=True)
        if skip is not None:
            squares[here == skip[:, None]] = np.inf
        best, places = np.concatenate([best, squares], 1), np.concatenate([places, here], 1)
        order = np.argsort(best, axis=1, kind="stable")[:, :count]
        best, places = (np.take_along_axis(each, order, 1) for each in (best, places))
    return places, np.sqrt(np.maximum(best, 0))


def data_distances(data: np.ndarray, seed: int) -> np.ndarray:
    """Distance of at most 500 images of ``data``, chosen at random, to the nearest other one."""
    chosen = np.random.default_rng(seed).permutation(len(data))[:SAMPLED]
    images: np.ndarray = data[chosen].astype(np.float32)
    images = images / 255 if data.dtype == np.uint8 else images
    return nearest(images, data, 1, skip=chosen)[1][:, 0]


def looked_at(found: Mapping[str, Regions]) -> np.ndarray:
    """Every cell that some region is shown by, once, ascending."""
    return np.unique(np.concatenate([each.cell for each in found.values()]))


def shown(
    arrays: Arrays,
    found: Mapping[str, Regions],
    cells: np.ndarray,
    images: np.ndarray,
    train: np.ndarray,
) -> dict[str, dict[str, np.ndarray]]:
    """What :func:`save` writes of each region beside its number, cell and area.

    ``arrays`` are those of the LatentMap, ``images`` [M, C, H, W] the decoded ``cells`` [M],
    which are ascending and hold those of all regions, ``train`` [N, C, H, W] the training set.
    """
    order, distance = nearest(images, train, NEAREST)
    axis = arrays["linear.axis"]
    parts = {}
    for key, each in found.items():
        estimator, place = key.split(".")[0], np.searchsorted(cells, each.cell)
        prediction = arrays[f"linear.{estimator}.prediction"].ravel()
        probability = arrays[f"linear.{estimator}.max_probability"].ravel()
        parts[key] = {
            "code": np.stack([axis[each.cell % len(axis)], axis[each.cell // len(axis)]], 1),
            "class": prediction[each.cell],
            "probability": probability[each.cell],
            "image": images[place],
            "nearest": order[place],
            "nearest_distance": distance[place],
        }
    return parts


def table(
    arrays: Arrays,
    found: Mapping[str, Regions],
    parts: Mapping[str, Arrays],
    data: np.ndarray,
    classes: Sequence[str],
    seed: int,
    **keys: Any,
) -> Iterator[Row]:
    """Rows on the regions of one map.

    Of each estimator's and measure's 5 largest ``region``, with the ``class`` it is given:

    - ``region_share``: its share of the off-data cells;
    - ``novelty``: distance of its decoded cell to the nearest training image, in units of the
      median distance of a training image to the nearest other one (``data`` [N] are these
      distances); above 1 it is farther from the data than they are from each other.

    Of each ``class`` and of ``all``, with no region named:

    - ``class_hole_share``: share of the off-data cells that are a hole given this class;
    - ``unseen_hole_share``: the same, but only of those among the 20 largest regions that have
      a novelty above 1.

    The intervals of the shares take cells as independent.  Neighbours resemble each other, and a
    region is made of neighbours, so they are too narrow: they tell of the choice of cells, not of
    another VAE or net.
    """
    off = ~arrays["linear.on_data"]
    typical = _medians(data, seed)
    for key, each in found.items():
        estimator, measure = key.split(".")
        here, part = {**keys, "estimator": estimator, "measure": measure}, parts[key]
        novelty = part["nearest_distance"][:, 0] / typical[0]
        for number in range(min(len(each.cell), TABLED)):
            own = {**here, "region": number + 1, "class": classes[part["class"][number]]}
            count, n = int(each.area[number]), int(off.sum())
            yield row("region_share", count / n, *wilson(count, n), n, **own)
            ratio = part["nearest_distance"][number, 0] / typical
            yield row("novelty", ratio[0], *interval(ratio[1:]), len(data), **own)
        given = arrays[f"linear.{estimator}.prediction"][off]
        hole = each.number[off] > 0
        unseen = np.isin(each.number[off], np.flatnonzero(novelty > 1) + 1)
        answers = {"all": given >= 0}
        answers |= {name: given == number for number, name in enumerate(classes)}
        kinds = {"class_hole_share": hole, "unseen_hole_share": unseen}
        wanted = list(product(answers, kinds))
        cells = np.stack([answers[name] & kinds[metric] for name, metric in wanted], 1)
        shares = (
            np.transpose(mean_intervals(cells, seed))
            if len(cells)
            else np.full((len(wanted), 3), np.nan)
        )
        for (name, metric), (mean, low, high) in zip(wanted, shares, strict=True):
            own = {**here, "region": "", "class": name}
            yield row(metric, mean, low, high, len(cells), **own)


def _medians(values: np.ndarray, seed: int) -> np.ndarray:
    """Median of ``values`` [N], then of each of its resamples."""
    draws = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    return np.concatenate([[np.median(values)], np.median(values[draws], axis=1)])


def save(
    path: str | os.PathLike,
    found: Mapping[str, Regions],
    shown: Mapping[str, Arrays],
    axis: np.ndarray,
    metadata: dict[str, Any],
) -> None:
    """Write the artefact Holes atomically.

    ``axis`` [P] is that of the linear grid.  For each ``{estimator}.{measure}`` there are
    these arrays, the cell being the most certain of its region; R is at most 20 and may be 0:

    - ``{key}.region`` [P, P] int32: region number of each cell of the linear grid, rows along
      the second latent dimension as in the LatentMap; 0 none, 1 the largest;
    - ``{key}.cell`` [R] int64: the cell, row * P + column;
    - ``{key}.code`` [R, 2] float64: its point in latent space;
    - ``{key}.area`` [R] int64: cells of the region;
    - ``{key}.class`` [R] int64: the class that the net gives to all of the region;
    - ``{key}.probability`` [R] float64: the largest mean probability at the cell;
    - ``{key}.image`` [R, C, H, W] float32 in [0, 1]: the decoded cell;
    - ``{key}.nearest`` [R, 5] int64: positions in the training set of the nearest images;
    - ``{key}.nearest_distance`` [R, 5] float64: their distances (L2, pixels in [0, 1]).

    ``metadata`` has dataset, corpus, model, estimators, and ``data_distance``: the median
    distance of a training image to the nearest other one.
    """
    arrays = {"axis": axis}
    for key, each in found.items():
        arrays |= {f"{key}.region": each.number, f"{key}.cell": each.cell, f"{key}.area": each.area}
        arrays |= {f"{key}.{name}": values for name, values in shown[key].items()}
    save_arrays(path, "Holes", arrays, metadata)

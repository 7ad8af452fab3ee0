"""Holes of a latent map: regions off the data where a net is more certain than on the data
(Smith and Gal 2018)."""

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

DESCRIBED = 20  # number of largest regions per estimator and measure that are decoded
TABLED = 5  # number of these that have rows in the table
NEAREST = 5  # number of nearest training images shown beside each
SAMPLED = 500  # training images whose nearest neighbours give the typical distance
CHUNK = 4096  # training images compared at once

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Regions:
    """Connected holes of one map, ranked by area.

    ``number`` [P, P] int32 is the region of each cell: 0 for no hole, 1 for the largest region.
    For the R largest regions, at most 20, ``cell`` [R] int64 is the flat index of the most
    certain cell in the grid, and ``area`` [R] int64 the number of cells.
    """

    number: np.ndarray
    cell: np.ndarray
    area: np.ndarray


def holes(values: np.ndarray, on_data: np.ndarray, *, high_is_certain: bool) -> np.ndarray:
    """Cells off the data that are less uncertain than the median cell on the data, bool.

    ``values`` of a measure and ``on_data`` have the same shape.  If no cell is on the data there
    are no holes.
    """
    uncertainty = uncertain(values, high_is_certain)
    if not on_data.any():
        return np.zeros(on_data.shape, bool)
    return ~on_data & (uncertainty < np.median(uncertainty[on_data]))


def regions(hole: np.ndarray, prediction: np.ndarray, uncertainty: np.ndarray) -> Regions:
    """Connected regions of ``hole``, bool [P, P], each of cells with the same predicted class.

    ``prediction`` and ``uncertainty`` [P, P].  Cells that share a side are connected.  Among
    regions of equal area, and among equally certain cells, the first comes first.
    """
    labelled = np.zeros(hole.shape, np.int64)
    for predicted in np.unique(prediction[hole]):
        of_class = ndimage.label(hole & (prediction == predicted))[0]
        labelled[of_class > 0] = of_class[of_class > 0] + labelled.max()
    names, first, area = np.unique(labelled, return_index=True, return_counts=True)
    names, first, area = (values[names > 0] for values in (names, first, area))
    order = np.lexsort((first, -area))
    rank = np.zeros(labelled.max() + 1, np.int32)
    rank[names[order]] = np.arange(1, len(order) + 1)
    number = rank[labelled]
    kept = range(1, min(len(order), DESCRIBED) + 1)
    inside = (np.where(number == region, uncertainty, np.inf).argmin() for region in kept)
    return Regions(number, np.array(list(inside), np.int64), area[order][:DESCRIBED])


def all_regions(arrays: Arrays, estimators: list[str]) -> dict[str, Regions]:
    """Regions of the linear grid of a LatentMap, by ``{estimator}.{measure}``."""
    by_key = {}
    for estimator in estimators:
        prediction = arrays[f"linear.{estimator}.prediction"]
        for measure, certain in MAPPED.items():
            values = arrays[f"linear.{estimator}.{measure}"]
            hole = holes(values, arrays["linear.on_data"], high_is_certain=certain)
            by_key[f"{estimator}.{measure}"] = regions(hole, prediction, uncertain(values, certain))
    return by_key


def nearest(
    images: np.ndarray, data: np.ndarray, count: int, skip: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` images of ``data`` with the smallest L2 distance to each of ``images``.

    ``images`` [R, C, H, W] float32 and ``data`` [N, C, H, W], uint8 or float32, are compared as
    pixels in [0, 1].  ``skip`` [R] is the position of one image of ``data`` to ignore for each
    image.  Returns positions in ``data``, int64 [R, count], nearest first, and the distances,
    float64 [R, count].
    """
    pixels = images.reshape(len(images), math.prod(images.shape[1:])).astype(np.float64)
    best: np.ndarray = np.empty((len(images), 0))
    positions: np.ndarray = np.empty((len(images), 0), np.int64)
    for start in range(0, len(data), CHUNK):
        part = data[start : start + CHUNK].reshape(-1, pixels.shape[1]).astype(np.float64)
        part = part / 255 if data.dtype == np.uint8 else part
        candidates = np.broadcast_to(start + np.arange(len(part)), (len(images), len(part)))
        squares = (part**2).sum(1) - 2 * pixels @ part.T + (pixels**2).sum(1, keepdims=True)
        if skip is not None:
            squares[candidates == skip[:, None]] = np.inf
        best, positions = (
            np.concatenate([best, squares], 1),
            np.concatenate([positions, candidates], 1),
        )
        order = np.argsort(best, axis=1, kind="stable")[:, :count]
        best, positions = (np.take_along_axis(values, order, 1) for values in (best, positions))
    return positions, np.sqrt(np.maximum(best, 0))


def data_distances(data: np.ndarray, seed: int) -> np.ndarray:
    """Distance of each of at most 500 random images of ``data`` to the nearest other image."""
    chosen = np.random.default_rng(seed).permutation(len(data))[:SAMPLED]
    images: np.ndarray = data[chosen].astype(np.float32)
    images = images / 255 if data.dtype == np.uint8 else images
    return nearest(images, data, 1, skip=chosen)[1][:, 0]


def representative_cells(found: Mapping[str, Regions]) -> np.ndarray:
    """The distinct cells that represent any region, ascending."""
    return np.unique(np.concatenate([regions.cell for regions in found.values()]))


def shown(
    arrays: Arrays,
    found: Mapping[str, Regions],
    cells: np.ndarray,
    images: np.ndarray,
    train: np.ndarray,
) -> dict[str, dict[str, np.ndarray]]:
    """The arrays that :func:`save` writes for each region in addition to number, cell and area.

    ``arrays`` are those of the LatentMap; ``images`` [M, C, H, W] are the decoded ``cells`` [M],
    which are ascending and include those of all regions; ``train`` [N, C, H, W] is the training
    set.
    """
    order, distance = nearest(images, train, NEAREST)
    axis = arrays["linear.axis"]
    parts = {}
    for key, regions in found.items():
        estimator, position = key.split(".")[0], np.searchsorted(cells, regions.cell)
        prediction = arrays[f"linear.{estimator}.prediction"].ravel()
        probability = arrays[f"linear.{estimator}.max_probability"].ravel()
        columns, rows = regions.cell % len(axis), regions.cell // len(axis)
        parts[key] = {
            "code": np.stack([axis[columns], axis[rows]], 1),
            "class": prediction[regions.cell],
            "probability": probability[regions.cell],
            "image": images[position],
            "nearest": order[position],
            "nearest_distance": distance[position],
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

    For the 5 largest regions of each estimator and measure (column ``region``, with the predicted
    ``class``):

    - ``region_share``: the region's share of the cells off the data;
    - ``novelty``: distance of its decoded cell to the nearest training image, in units of the
      median distance of a training image to the nearest other one (``data`` [N] holds these
      distances); above 1, the decoded image is farther from the data than these are from each
      other.

    For each ``class`` and for ``all``, with an empty ``region``:

    - ``class_hole_share``: share of the cells off the data that are holes predicted as this class;
    - ``unseen_hole_share``: the same, restricted to those of the 20 largest regions whose novelty
      is above 1.

    The intervals of the shares treat cells as independent.  Neighbouring cells are similar, so
    the intervals are too narrow: they cover the choice of cells, not other VAEs or nets.
    """
    off = ~arrays["linear.on_data"]
    typical = _medians(data, seed)
    for key, regions in found.items():
        estimator, measure = key.split(".")
        of_map = {**keys, "estimator": estimator, "measure": measure}
        nearest_distance = parts[key]["nearest_distance"][:, 0]
        names = [classes[number] for number in parts[key]["class"]]
        yield from _region_rows(
            regions, int(off.sum()), nearest_distance, typical, len(data), names, **of_map
        )
        novel = np.flatnonzero(nearest_distance / typical[0] > 1) + 1
        number = regions.number[off]
        kinds = {"class_hole_share": number > 0, "unseen_hole_share": np.isin(number, novel)}
        predicted = arrays[f"linear.{estimator}.prediction"][off]
        yield from _class_rows(kinds, predicted, classes, seed, **of_map)


def _region_rows(
    regions: Regions,
    off: int,
    nearest_distance: np.ndarray,
    typical: np.ndarray,
    n: int,
    names: Sequence[str],
    **keys: Any,
) -> Iterator[Row]:
    """Share of the ``off`` cells off the data, and novelty, of each of the largest regions.

    ``nearest_distance`` [R] is that of each region's decoded cell to the training images,
    ``typical`` [1 + resamples] that of one of ``n`` training images to the others, and ``names``
    [R] are the predicted classes.
    """
    for number in range(min(len(regions.cell), TABLED)):
        of_region = {**keys, "region": number + 1, "class": names[number]}
        count = int(regions.area[number])
        yield row("region_share", count / off, *wilson(count, off), off, **of_region)
        ratio = nearest_distance[number] / typical
        yield row("novelty", ratio[0], *interval(ratio[1:]), n, **of_region)


def _class_rows(
    kinds: Mapping[str, np.ndarray],
    predicted: np.ndarray,
    classes: Sequence[str],
    seed: int,
    **keys: Any,
) -> Iterator[Row]:
    """Shares of each of ``kinds`` of the cells off the data [N], over all classes and by class."""
    of_class = {"all": predicted >= 0}
    of_class |= {name: predicted == number for number, name in enumerate(classes)}
    wanted = list(product(of_class, kinds))
    cells = np.stack([of_class[name] & kinds[metric] for name, metric in wanted], 1)
    shares = (
        np.transpose(mean_intervals(cells, seed))
        if len(cells)
        else np.full((len(wanted), 3), np.nan)
    )
    for (name, metric), (mean, low, high) in zip(wanted, shares, strict=True):
        yield row(metric, mean, low, high, len(cells), **keys, region="", **{"class": name})


def _medians(values: np.ndarray, seed: int) -> np.ndarray:
    """Median of ``values`` [N], followed by that of each resample, [1 + R]."""
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

    ``axis`` [P] is that of the linear grid.  For each ``{estimator}.{measure}`` there are the
    following arrays, where the cell is the most certain one of its region and R is from 0 to 20:

    - ``{key}.region`` [P, P] int32: region number of each cell of the linear grid, with rows
      along the second latent dimension as in the LatentMap; 0 for none, 1 for the largest;
    - ``{key}.cell`` [R] int64: the cell, row * P + column;
    - ``{key}.code`` [R, 2] float64: its point in latent space;
    - ``{key}.area`` [R] int64: number of cells of the region;
    - ``{key}.class`` [R] int64: the predicted class of the whole region;
    - ``{key}.probability`` [R] float64: the largest mean probability at the cell;
    - ``{key}.image`` [R, C, H, W] float32 in [0, 1]: the decoded cell;
    - ``{key}.nearest`` [R, 5] int64: positions in the training set of the nearest images;
    - ``{key}.nearest_distance`` [R, 5] float64: their distances (L2, pixels in [0, 1]).

    ``metadata`` has dataset, corpus, model, estimators, and ``data_distance``: the median
    distance of a training image to the nearest other one.
    """
    arrays = {"axis": axis}
    for key, regions in found.items():
        arrays[f"{key}.region"] = regions.number
        arrays |= {f"{key}.cell": regions.cell, f"{key}.area": regions.area}
        arrays |= {f"{key}.{name}": values for name, values in shown[key].items()}
    save_arrays(path, "Holes", arrays, metadata)

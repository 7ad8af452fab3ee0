"""Grids over a two-dimensional latent space, and where the encoded data lie on them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import ndtri
from scipy.stats import gaussian_kde

from plumbline.errors import InputError

NEIGHBOURS = 10
INSIDE = 0.95  # of the codes lie where the density is at least the level
CODES = 5000  # that the density is estimated from: each cell costs as many steps


@dataclass(frozen=True)
class Contour:
    """Density of encoded data, and the ``level`` at which its contour encloses 95 % of them."""

    density: gaussian_kde
    level: float


@dataclass(frozen=True)
class Chart:
    """A square grid in latent space and where the data lie in it.

    ``axis`` [P] holds the values of both latent dimensions, ascending.  ``cells`` [P * P, 2]
    are the grid points row by row: the row is the second dimension, the column the first, so
    that ``values.reshape(P, P)`` is drawn rightly with ``origin="lower"``.  ``density`` [P * P]
    is that of the data, ``distance`` [P * P] the mean distance to the 10 nearest codes of the
    data.  ``on_data``, bool [P * P], are the cells within the contour of 95 %.
    """

    axis: np.ndarray
    cells: np.ndarray
    density: np.ndarray
    distance: np.ndarray
    on_data: np.ndarray

    def square(self, values: np.ndarray) -> np.ndarray:
        """Values of the cells as a map [P, P]."""
        return values.reshape(len(self.axis), len(self.axis))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The chart's part of a LatentMap, by ``{name}.axis`` and so on."""
        maps = {"density": self.density, "distance": self.distance, "on_data": self.on_data}
        squares = {f"{name}.{key}": self.square(values) for key, values in maps.items()}
        return {f"{name}.axis": self.axis} | squares


def linear(extent: float, points: int) -> np.ndarray:
    """``points`` values at equal steps from -``extent`` to ``extent``."""
    return np.linspace(-extent, extent, points)


def quantile(points: int) -> np.ndarray:
    """Quantiles (i + 1/2) / ``points`` of N(0, 1): cells that are equally likely in the prior."""
    return ndtri((np.arange(points) + 0.5) / points)


def points(axis: np.ndarray) -> np.ndarray:
    """The points of the grid over ``axis`` [P] squared, [P * P, 2], as :class:`Chart` has them."""
    first, second = np.meshgrid(axis, axis)
    return np.stack([first.ravel(), second.ravel()], 1)


def contour(codes: np.ndarray) -> Contour:
    """Gaussian kernel density of ``codes`` [N, 2] with the bandwidth of Scott's rule.

    More than 5000 codes are thinned out evenly.  The level is the 5 % quantile of the density
    at the codes themselves.  Raises :class:`InputError` if all codes are alike.
    """
    chosen = codes[np.linspace(0, len(codes) - 1, min(len(codes), CODES)).astype(int)].T
    try:
        density = gaussian_kde(chosen)
    except np.linalg.LinAlgError:
        raise InputError(
            "the VAE encodes all training images alike: raise latent.vae.epochs"
        ) from None
    return Contour(density, float(np.quantile(density(chosen), 1 - INSIDE)))


def chart(codes: np.ndarray, axis: np.ndarray, around: Contour) -> Chart:
    """The grid over ``axis`` squared, and where ``codes`` [N, 2], with their contour, lie on it."""
    cells = points(axis)
    density = around.density(cells.T)
    neighbours = np.arange(1, min(NEIGHBOURS, len(codes)) + 1)
    distance, _ = cKDTree(codes).query(cells, k=neighbours)
    return Chart(axis, cells, density, distance.mean(1), density >= around.level)


def charts(codes: np.ndarray, extent: float, points: int) -> Mapping[str, Chart]:
    """Both grids of a LatentMap: ``linear`` reaches to ``extent``, ``quantile`` is even in the
    prior; ``points`` along each side."""
    around = contour(codes)
    axes = {"linear": linear(extent, points), "quantile": quantile(points)}
    return {name: chart(codes, axis, around) for name, axis in axes.items()}


def landmarks(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Three points worth decoding, [3, 2]: the median code of the first class, that of the class
    whose median is nearest to it, and what lies half-way between (second of the three)."""
    classes = np.unique(labels)
    medians = np.stack([np.median(codes[labels == each], axis=0) for each in classes])
    away = np.linalg.norm(medians - medians[0], axis=1)
    other = medians[np.argsort(away)[min(1, len(medians) - 1)]]
    return np.stack([medians[0], (medians[0] + other) / 2, other])

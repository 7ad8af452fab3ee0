"""Grids over a two-dimensional latent space, and the location of the encoded data on them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import ndtri
from scipy.stats import gaussian_kde

from plumbline.errors import InputError

NEIGHBOURS = 10
INSIDE = 0.95  # share of the codes where the density is at least the level
CODES = 5000  # maximum number of codes for the density estimate; cost per cell is proportional


@dataclass(frozen=True)
class Contour:
    """Density of the encoded data, and the ``level`` whose contour encloses 95 % of them."""

    density: gaussian_kde
    level: float


@dataclass(frozen=True)
class Chart:
    """A square grid in latent space and the location of the data on it.

    ``axis`` [P] holds the values of both latent dimensions, ascending.  ``cells`` [P * P, 2] are
    the grid points row by row: the row is the second dimension, the column the first, so that
    ``values.reshape(P, P)`` is drawn correctly with ``origin="lower"``.  ``density`` [P * P] is
    the density of the data, ``distance`` [P * P] the mean distance to the 10 nearest codes of
    the data.  ``on_data`` [P * P] bool marks the cells within the 95 % contour.
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
        """Arrays of the chart for a LatentMap, named ``{name}.axis`` etc."""
        maps = {"density": self.density, "distance": self.distance, "on_data": self.on_data}
        squares = {f"{name}.{key}": self.square(values) for key, values in maps.items()}
        return {f"{name}.axis": self.axis} | squares


def linear(extent: float, points: int) -> np.ndarray:
    """``points`` equally spaced values from -``extent`` to ``extent``."""
    return np.linspace(-extent, extent, points)


def quantile(points: int) -> np.ndarray:
    """Quantiles (i + 1/2) / ``points`` of N(0, 1): cells with equal probability in the prior."""
    return ndtri((np.arange(points) + 0.5) / points)


def points(axis: np.ndarray) -> np.ndarray:
    """All points of the square grid over ``axis`` [P], [P * P, 2], ordered as in :class:`Chart`."""
    first, second = np.meshgrid(axis, axis)
    return np.stack([first.ravel(), second.ravel()], 1)


def contour(codes: np.ndarray) -> Contour:
    """Gaussian kernel density of ``codes`` [N, 2] with the bandwidth of Scott's rule.

    At most 5000 evenly spaced codes are used.  The level is the 5 % quantile of the density at
    these codes.  Raises :class:`InputError` if all codes are equal.
    """
    chosen = codes[np.linspace(0, len(codes) - 1, min(len(codes), CODES)).astype(int)].T
    try:
        density = gaussian_kde(chosen)
    except np.linalg.LinAlgError:
        raise InputError(
            "the VAE encodes all training images alike: increase latent.vae.epochs"
        ) from None
    return Contour(density, float(np.quantile(density(chosen), 1 - INSIDE)))


def chart(codes: np.ndarray, axis: np.ndarray, around: Contour) -> Chart:
    """The square grid over ``axis`` with the location of ``codes`` [N, 2] and their contour."""
    cells = points(axis)
    density = around.density(cells.T)
    neighbours = np.arange(1, min(NEIGHBOURS, len(codes)) + 1)
    distance, _ = cKDTree(codes).query(cells, k=neighbours)
    return Chart(axis, cells, density, distance.mean(1), density >= around.level)


def charts(codes: np.ndarray, extent: float, points: int) -> Mapping[str, Chart]:
    """Both grids of a LatentMap with ``points`` points along each side: ``linear`` extends to
    ``extent``; the cells of ``quantile`` have equal probability in the prior."""
    around = contour(codes)
    axes = {"linear": linear(extent, points), "quantile": quantile(points)}
    return {name: chart(codes, axis, around) for name, axis in axes.items()}


def landmarks(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Three points to decode, [3, 2]: the median code of the first class, the midpoint, and the
    median code of the class whose median is nearest to that of the first."""
    classes = np.unique(labels)
    medians = np.stack([np.median(codes[labels == label], axis=0) for label in classes])
    away = np.linalg.norm(medians - medians[0], axis=1)
    other = medians[np.argsort(away)[min(1, len(medians) - 1)]]
    return np.stack([medians[0], (medians[0] + other) / 2, other])

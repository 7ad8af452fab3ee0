"""What one estimator says over a latent space: its part of a LatentMap and of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from plumbline.latent.grids import Chart
from plumbline.latent.maps import MAPPED, blur_rows, grid_rows
from plumbline.latent.streaming import CHUNK, Measured, decoded, streamed
from plumbline.latent.vae import Vae
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row

KEPT = (*MAPPED, "prediction")


@dataclass(frozen=True)
class Place:
    """A latent space and what is looked at in it.

    ``grids`` by name; ``images`` [N, C, H, W] of the test set and their ``codes`` [N, 2];
    ``points`` [Q, 2] are starred.
    """

    vae: Vae
    grids: Mapping[str, Chart]
    images: Tensor
    codes: np.ndarray
    points: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """What a LatentMap holds of the place itself."""
        images = np.concatenate([each.numpy() for each in decoded(self.vae, self.points)])
        found = {"points.code": self.points, "points.image": images}
        for name, grid in self.grids.items():
            found |= grid.arrays(name)
        return found


def over_grids(
    vae: Vae,
    grids: Mapping[str, Chart],
    estimator: str,
    predict: Callable[..., Tensor],
    measure: Callable[[np.ndarray], Measured],
    seed: int,
    **keys: Any,
) -> tuple[dict[str, np.ndarray], list[Row]]:
    """The part of :func:`survey` that the grids give."""
    arrays: dict[str, np.ndarray] = {}
    rows: list[Row] = []
    for name, grid in grids.items():
        own = derive(derive(seed, estimator), name)
        cells = streamed(decoded(vae, grid.cells), predict, measure, own)
        rows += grid_rows(grid, cells, seed, grid=name, **keys, estimator=estimator)
        arrays |= {f"{name}.{estimator}.{each}": grid.square(cells[each]) for each in KEPT}
    return arrays, rows


def survey(
    place: Place,
    estimator: str,
    predict: Callable[..., Tensor],
    measure: Callable[[np.ndarray], Measured],
    seed: int,
    **keys: Any,
) -> tuple[dict[str, np.ndarray], list[Row]]:
    """Arrays ``{grid}.{estimator}.{measure}`` [P, P], ``points.{estimator}.{measure}`` [Q], rows.

    ``predict`` and ``measure`` as in :func:`streamed`; of what is measured, the mapped measures
    and ``prediction`` are kept.  The draws follow from ``seed`` and ``estimator``, the resamples
    of the intervals from ``seed`` alone.
    """
    arrays, rows = over_grids(place.vae, place.grids, estimator, predict, measure, seed, **keys)
    own = derive(seed, estimator)

    def look(images: Any, name: str) -> Measured:
        return streamed(images, predict, measure, derive(own, name))

    images = look(place.images.split(CHUNK), "images")
    blurred = look(decoded(place.vae, place.codes), "images")
    rows += blur_rows(images, blurred, seed, **keys, estimator=estimator)
    starred = look(decoded(place.vae, place.points), "points")
    return arrays | {f"points.{estimator}.{each}": starred[each] for each in KEPT}, rows

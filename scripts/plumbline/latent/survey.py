"""Measures of one estimator over a latent space: its part of a LatentMap and of the table."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from plumbline.config.latent import GridOptions
from plumbline.latent import closeness
from plumbline.latent.grids import Chart, charts, landmarks
from plumbline.latent.maps import MAPPED, blur_rows, grid_rows
from plumbline.latent.streaming import CHUNK, Measured, decoded, streamed
from plumbline.latent.vae import Vae
from plumbline.runtime.seeding import derive
from plumbline.storage.tables import Row

KEPT = (*MAPPED, "prediction")


@dataclass(frozen=True)
class LatentSpace:
    """A latent space and the points in it to evaluate.

    ``grids`` by name; ``images`` [N, C, H, W] of the test set and their ``codes`` [N, 2];
    ``points`` [Q, 2] are the landmarks marked by stars in figures.
    """

    vae: Vae
    grids: Mapping[str, Chart]
    images: Tensor
    codes: np.ndarray
    points: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a LatentMap that do not depend on an estimator."""
        images = np.concatenate([chunk.numpy() for chunk in decoded(self.vae, self.points)])
        arrays = {"points.code": self.points, "points.image": images}
        for name, grid in self.grids.items():
            arrays |= grid.arrays(name)
        return arrays


def over_grids(
    vae: Vae,
    grids: Mapping[str, Chart],
    estimator: str,
    predict: Callable[..., Tensor],
    measure: Callable[[np.ndarray], Measured],
    seed: int,
    **keys: Any,
) -> tuple[dict[str, np.ndarray], list[Row]]:
    """The part of :func:`survey` that concerns the grids."""
    arrays: dict[str, np.ndarray] = {}
    rows: list[Row] = []
    for name, grid in grids.items():
        grid_seed = derive(derive(seed, estimator), name)
        cells = streamed(decoded(vae, grid.cells), predict, measure, grid_seed)
        rows += grid_rows(grid, cells, seed, grid=name, **keys, estimator=estimator)
        arrays |= {f"{name}.{estimator}.{key}": grid.square(cells[key]) for key in KEPT}
    return arrays, rows


def survey(
    space: LatentSpace,
    estimator: str,
    predict: Callable[..., Tensor],
    measure: Callable[[np.ndarray], Measured],
    seed: int,
    **keys: Any,
) -> tuple[dict[str, np.ndarray], list[Row]]:
    """Arrays ``{grid}.{estimator}.{measure}`` [P, P], ``points.{estimator}.{measure}`` [Q], rows.

    ``predict`` and ``measure`` as in :func:`streamed`; the mapped measures and ``prediction`` are
    kept.  Random draws depend on ``seed`` and ``estimator``, bootstrap resamples on ``seed`` only.
    """
    arrays, rows = over_grids(space.vae, space.grids, estimator, predict, measure, seed, **keys)
    estimator_seed = derive(seed, estimator)

    def measure_images(images: Any, name: str) -> Measured:
        return streamed(images, predict, measure, derive(estimator_seed, name))

    images = measure_images(space.images.split(CHUNK), "images")
    blurred = measure_images(decoded(space.vae, space.codes), "images")
    rows += blur_rows(images, blurred, seed, **keys, estimator=estimator)
    landmarks = measure_images(decoded(space.vae, space.points), "points")
    return arrays | {f"points.{estimator}.{key}": landmarks[key] for key in KEPT}, rows


def survey_all(
    spaces: Iterable[tuple[Vae, Mapping[str, np.ndarray]]],
    images: Tensor,
    predicts: Mapping[str, Callable[..., Tensor]],
    measure: Callable[[np.ndarray], Measured],
    options: GridOptions,
    *,
    starred: Sequence[Sequence[float]],
    attacked: bool,
    seed: int,
    **keys: Any,
) -> Iterator[tuple[dict[str, np.ndarray], list[Row]]]:
    """Arrays of the LatentMap and rows of the table for each of the VAEs of one corpus.

    ``spaces`` gives each VAE with its artefact Codes, ``predicts`` an estimator by name.  The
    first VAE is evaluated in full (:func:`survey`), with ``starred`` points or, if there are
    none, the landmarks of the training images; the others, which show the variation between VAEs,
    on the linear grid only.  If the corpus has the net's own adversarial images (``attacked``),
    the rows on their codes are added.
    """
    for number, (vae, codes) in enumerate(spaces):
        grids = charts(codes["train"], options.extent, options.points)
        if number == 0:
            stars = np.array(starred or landmarks(codes["train"], codes["train_labels"]))
            space = LatentSpace(vae, grids, images, codes["test"], stars)
            evaluate, arrays, vae_seed = partial(survey, space), space.arrays(), seed
        else:
            grids = {"linear": grids["linear"]}
            evaluate, arrays = partial(over_grids, vae, grids), grids["linear"].arrays("linear")
            vae_seed = derive(seed, f"vae{number}")
        rows: list[Row] = []
        for name, predict in predicts.items():
            estimator_arrays, estimator_rows = evaluate(name, predict, measure, vae_seed, **keys)
            arrays |= estimator_arrays
            rows += estimator_rows
        if attacked:
            rows += closeness.table(*closeness.paired(codes), seed, **keys)
        yield arrays, [row | {"seed": number} for row in rows]

"""Steadiness of explanations over random passes: the artefact Spread and its measures."""

import os
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from plumbline.attribution.correlation import rank_correlation
from plumbline.metrics.intervals import mean_interval
from plumbline.storage.artefacts import load_arrays, save_arrays
from plumbline.storage.tables import Row, row

STEADY = 2.0  # signal-to-noise ratio above which a pixel's relevance counts as steady
NORMAL_MEDIAN = 0.6744897501960817  # median of the absolute value of a standard normal number
ARRAYS = ("relevance", "mean", "deviation", "target", "probability", "uncertainty", "index")


@dataclass(frozen=True)
class Spread:
    """Relevance of every pixel over random passes, summed over channels.

    ``name`` is the name of the entry in the configuration; ``source`` (dropout or noise),
    ``samples`` and ``level`` describe the passes.  ``mean`` and ``deviation`` [N, 1, H, W] are
    taken over the passes; ``relevance`` [N, 1, H, W] is that of one pass without dropout or
    noise.  ``target`` [N] is the explained class, ``probability`` [N] its predicted probability,
    ``uncertainty`` [N] in [0, 1] that of an evidential net (NaN for other nets), ``index`` [N]
    the source image.

    Raises ``ValueError`` if a map is not finite.
    """

    name: str
    source: str
    samples: int
    level: float
    relevance: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    target: np.ndarray
    probability: np.ndarray
    uncertainty: np.ndarray
    index: np.ndarray

    def __post_init__(self) -> None:
        for name in ARRAYS[:3]:
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{self.name}: {name} is not finite")

    def save(self, path: str | os.PathLike) -> None:
        """Write the artefact to ``path`` atomically."""
        metadata = {k: v for k, v in vars(self).items() if k not in ARRAYS}
        save_arrays(path, "Spread", {name: getattr(self, name) for name in ARRAYS}, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read ``path``; raises :class:`ArtefactError` if the file is damaged."""
        arrays, metadata = load_arrays(path, "Spread")
        fields: dict[str, Any] = {**metadata, **arrays}
        return cls(**fields)


def signal_to_noise(spread: Spread) -> np.ndarray:
    """|mean| / deviation of each pixel, [N, 1, H, W].

    Infinite where only the deviation is 0, NaN where both are 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(spread.mean) / spread.deviation


def measures(spread: Spread) -> dict[str, np.ndarray]:
    """Measures of the steadiness of each image's explanation, [N] each, by name.

    - ``signal_to_noise``: median over the pixels with non-zero relevance in at least one pass;
    - ``steady_share``: share of the absolute mean relevance in pixels whose signal-to-noise
      ratio is above 2;
    - ``rank_correlation``: between the mean map and the map without dropout or noise;
    - ``uncertainty``, for evidential nets only.

    If relevance is zero in all passes, the first two are 0.
    """
    n = len(spread.mean)
    ratio = signal_to_noise(spread).reshape(n, -1)
    ratio[np.isnan(ratio).all(1)] = 0.0
    size = np.abs(spread.mean.reshape(n, -1).astype(np.float64))
    total, steady = size.sum(1), np.where(ratio > STEADY, size, 0.0).sum(1)
    values = {
        "signal_to_noise": np.nanmedian(ratio, axis=1),
        "steady_share": np.divide(steady, total, out=np.zeros(n), where=total > 0),
        "rank_correlation": rank_correlation(
            spread.relevance.reshape(n, -1), spread.mean.reshape(n, -1)
        ),
    }
    if not np.isnan(spread.uncertainty).any():
        values["uncertainty"] = spread.uncertainty
    return values


def rows(spread: Spread, seed: int, reference: Spread | None = None, /, **keys: Any) -> list[Row]:
    """Tidy rows: means of :func:`measures` over images, with a bootstrap interval over images.

    The control of ``signal_to_noise`` is ``chance_signal_to_noise``, its value for relevance
    that is normal noise around 0.  With a ``reference`` on the same images there are also paired
    differences, ``spread`` minus ``reference``, as metrics that end in ``_gain``.
    """
    values, n = measures(spread), len(spread.mean)
    chance = NORMAL_MEDIAN / spread.samples**0.5
    table = [row(metric, *mean_interval(v, seed), n, **keys) for metric, v in values.items()]
    table.append(row("chance_signal_to_noise", chance, chance, chance, n, **keys))
    if reference is not None:
        for metric, reference_values in measures(reference).items():
            gain = mean_interval(values[metric] - reference_values, seed)
            table.append(row(f"{metric}_gain", *gain, n, **keys))
    return table

"""How steady an explanation is over random passes: the artefact Spread and its estimates."""

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

    ``name`` is the entry's in the configuration; ``source`` (dropout or noise), ``samples`` and
    ``level`` say what varied.  ``mean`` and ``deviation`` [N, 1, H, W] are over the passes,
    ``relevance`` [N, 1, H, W] is that of one pass without dropout or noise.  ``target`` [N] is
    the class that is explained, ``probability`` [N] the net's for it, ``uncertainty`` [N] in
    [0, 1] the evidence that an evidential net misses (NaN for others), ``index`` [N] the
    source image.
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
        """Write atomically."""
        metadata = {k: v for k, v in vars(self).items() if k not in ARRAYS}
        save_arrays(path, "Spread", {name: getattr(self, name) for name in ARRAYS}, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read; raises :class:`ArtefactError` if the file is not sound."""
        arrays, metadata = load_arrays(path, "Spread")
        fields: dict[str, Any] = {**metadata, **arrays}
        return cls(**fields)


def signal_to_noise(spread: Spread) -> np.ndarray:
    """|mean| / deviation of each pixel, [N, 1, H, W].

    Infinite where the deviation is 0 and the mean is not, NaN where both are.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.abs(spread.mean) / spread.deviation


def measures(spread: Spread) -> dict[str, np.ndarray]:
    """How steady the explanation of each image is, values [N].

    - ``signal_to_noise``: median over the pixels that have any relevance in any pass;
    - ``steady_share``: share of the absolute mean relevance that lies in pixels whose
      signal-to-noise ratio is above 2;
    - ``rank_correlation``: of the mean map with the map of one pass without dropout or noise;
    - ``uncertainty``, of evidential nets alone.

    Where no pass gives any relevance, the first two are 0.
    """
    n = len(spread.mean)
    ratio = signal_to_noise(spread).reshape(n, -1)
    ratio[np.isnan(ratio).all(1)] = 0.0
    size = np.abs(spread.mean.reshape(n, -1).astype(np.float64))
    total, steady = size.sum(1), np.where(ratio > STEADY, size, 0.0).sum(1)
    found = {
        "signal_to_noise": np.nanmedian(ratio, axis=1),
        "steady_share": np.divide(steady, total, out=np.zeros(n), where=total > 0),
        "rank_correlation": rank_correlation(
            spread.relevance.reshape(n, -1), spread.mean.reshape(n, -1)
        ),
    }
    if not np.isnan(spread.uncertainty).any():
        found["uncertainty"] = spread.uncertainty
    return found


def rows(spread: Spread, seed: int, reference: Spread | None = None, /, **keys: Any) -> list[Row]:
    """Tidy rows: means over images of :func:`measures`, with a bootstrap interval over images.

    The control of ``signal_to_noise`` is ``chance_signal_to_noise``, what it would be for
    relevance that is normal noise around 0.  With a ``reference`` on the same images there are
    the paired differences to it, own minus reference, as metrics that end in ``_gain``.
    """
    own, n = measures(spread), len(spread.mean)
    chance = NORMAL_MEDIAN / spread.samples**0.5
    table = [row(metric, *mean_interval(values, seed), n, **keys) for metric, values in own.items()]
    table.append(row("chance_signal_to_noise", chance, chance, chance, n, **keys))
    if reference is not None:
        for metric, values in measures(reference).items():
            gain = mean_interval(own[metric] - values, seed)
            table.append(row(f"{metric}_gain", *gain, n, **keys))
    return table

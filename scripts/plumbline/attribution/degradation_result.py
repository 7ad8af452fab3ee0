"""The artefact of the degradation test of one method: a prediction for every degraded image."""

import os
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from plumbline.storage.artefacts import load_arrays, save_arrays

RANKINGS = ("descending", "ascending")
MODES = ("keep", "delete")
ARRAYS = ("right", "drop", "clean", "total_variation", "sparsity", "index")


@dataclass(frozen=True)
class DegradationResult:
    """Predictions for the degraded images of one attribution, and measures of its maps.

    ``right`` [2, 2, F, N, S] bool, indexed by ``RANKINGS``, ``MODES``, ``fills``, image and
    ``shares``: whether the degraded image is still classified correctly.  ``drop`` float32 has
    the same shape: the decrease of the log-odds of the explained class, in nats.  ``clean`` [N]
    bool: whether the original image is classified correctly.  ``total_variation`` and
    ``sparsity`` [N] are those of :mod:`plumbline.attribution.map_measures`.  ``index`` [N]
    identifies the source image.
    """

    dataset: str
    model: str
    method: str
    fills: tuple[str, ...]
    shares: tuple[float, ...]
    right: np.ndarray
    drop: np.ndarray
    clean: np.ndarray
    total_variation: np.ndarray
    sparsity: np.ndarray
    index: np.ndarray

    def __post_init__(self) -> None:
        shape = len(RANKINGS), len(MODES), len(self.fills), len(self.index), len(self.shares)
        for name in ("right", "drop"):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must be {shape}, not {getattr(self, name).shape}")
        if any(len(getattr(self, name)) != len(self.index) for name in ARRAYS[2:]):
            raise ValueError("clean, total_variation, sparsity and index differ in length")

    def save(self, path: str | os.PathLike) -> None:
        """Write the artefact to ``path`` atomically."""
        metadata: dict[str, Any] = {"dataset": self.dataset, "model": self.model}
        metadata["method"] = self.method
        metadata |= {"fills": self.fills, "shares": self.shares}
        save_arrays(
            path, "DegradationResult", {name: getattr(self, name) for name in ARRAYS}, metadata
        )

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read ``path``; raises :class:`ArtefactError` if the file is damaged."""
        arrays, metadata = load_arrays(path, "DegradationResult")
        lists = {name: tuple(metadata.pop(name)) for name in ("fills", "shares")}
        fields: dict[str, Any] = {**metadata, **lists, **arrays}
        return cls(**fields)

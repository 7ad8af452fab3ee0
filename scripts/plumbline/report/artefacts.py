"""Artefacts of the latent stage for figures: arrays and metadata."""

import os
from dataclasses import dataclass
from typing import Any, Self

from plumbline.storage.artefacts import Arrays, load_arrays


@dataclass(frozen=True)
class NamedArrays:
    """The ``arrays`` of an artefact by name, and its metadata ``about``."""

    arrays: Arrays
    about: dict[str, Any]

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read an artefact of the kind named like the class; raises the errors of
        :func:`load_arrays`."""
        return cls(*load_arrays(path, cls.__name__))


class Codes(NamedArrays):
    """Encoded images of one corpus."""


class LatentMap(NamedArrays):
    """Uncertainty of one net over the latent space of one corpus."""


class Holes(NamedArrays):
    """Holes of a map: cells off the data where the net is certain."""


class Interpolation(NamedArrays):
    """Uncertainty of one net along interpolations between test images."""

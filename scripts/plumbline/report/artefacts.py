"""The artefacts of latent space as figures read them: arrays, and metadata about them."""

import os
from dataclasses import dataclass
from typing import Any, Self

from plumbline.storage.artefacts import Arrays, load_arrays


@dataclass(frozen=True)
class NamedArrays:
    """The ``arrays`` of an artefact by name, and its metadata ``about`` them."""

    arrays: Arrays
    about: dict[str, Any]

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read an artefact of the kind that the class is named after; raises as
        :func:`load_arrays`."""
        return cls(*load_arrays(path, cls.__name__))


class Codes(NamedArrays):
    """Encoded images of one corpus."""


class LatentMap(NamedArrays):
    """Uncertainty of one net over the latent space of one corpus."""


class Holes(NamedArrays):
    """Where a map is sure off the data."""


class Interpolation(NamedArrays):
    """Ways between two test images, as one net sees them."""

"""All images of one source, and their division into ImageSets."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from plumbline.data.pixels import to_bytes, to_channels, to_size
from plumbline.data.splits import divide
from plumbline.errors import InputError
from plumbline.storage.artefacts import ImageSet

INDEX = (
    "position in the source, counted from 0 through the official training part "
    "and on through the official test part"
)


@dataclass(frozen=True)
class Wanted:
    """Options for reading a source.

    ``size`` in pixels and ``channels`` are None for unchanged images; ``seed`` is for sources that
    crop images at random.  ``resize`` is the size of the shorter side of a photograph before the
    central ``size`` pixels are cropped, None for ``size``.  If ``skip``, unreadable photographs
    are omitted, otherwise they are rejected.
    """

    size: int | None
    channels: int | None
    seed: int
    resize: int | None = None
    skip: bool = False


@dataclass(frozen=True)
class Pool:
    """All images of a source, in the source's order.

    ``images`` [N, C, H, W] are uint8, or float32 in [0, 1]; ``labels`` [N] int64 are indices into
    ``classes``, -1 for no class.  The last ``official_test`` images are the official test set of
    the source.  ``skipped`` are the names of unreadable images, which are omitted.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...] = ()
    official_test: int = 0
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        highest = int(self.labels.max(initial=-1))
        if highest >= len(self.classes):
            raise InputError(f"there is a label {highest}, but only {len(self.classes)} classes")

    @property
    def provenance(self) -> dict[str, Any]:
        """The meaning of ``index``, the ranges of the official parts, and the skipped images."""
        n, official = len(self.images), self.official_test
        parts = {"train": [0, n - official], "test": [n - official, n]} if official else {}
        if self.skipped:
            index = f"{INDEX}, without what was skipped"
            return {"index": index, "parts": parts, "skipped": self.skipped}
        return {"index": INDEX, "parts": parts}


def make_sets(
    pool: Pool,
    name: str,
    *,
    size: int | None,
    channels: int | None,
    images: int | None,
    shares: dict[str, float],
    seed: int,
    provenance: dict,
    shares_of: str = "train",
) -> dict[str, ImageSet]:
    """The sets train, val, calibration and test of the dataset ``name``.

    The sets are disjoint.  An official test set becomes ``test``, in its order; all other sets are
    stratified by class and in random order.  ``index`` numbers the images of the whole source,
    beginning with the official training part, so that it is unique.  The provenance contains the
    ranges of the parts: ``index`` minus ``parts.test[0]`` is the position in the official test
    file.  ``size``, ``channels``, ``images``, ``shares`` and ``shares_of`` are as in the
    configuration, where the last two are ``splits`` and ``splits_of``.

    Raises :class:`InputError` if the images are not square or too few for the splits.
    """
    if size is None and pool.images.shape[2] != pool.images.shape[3]:
        height, width = pool.images.shape[2:]
        raise InputError(f"images are {height} × {width} pixels; nets need squares: set a size")
    try:
        which = divide(pool.labels, pool.official_test, images, shares, seed, shares_of)
    except InputError as error:
        raise InputError(f"{error}: see data.sources.{name}.splits, which may be 0") from None
    provenance = provenance | pool.provenance | {"seed": seed}
    return {
        split: ImageSet(
            name=name,
            images=to_bytes(to_size(to_channels(pool.images[index], channels), size)),
            labels=pool.labels[index],
            index=index,
            classes=pool.classes,
            provenance=provenance | {"split": split},
        )
        for split, index in which.items()
    }

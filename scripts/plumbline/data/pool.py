"""All images of one source before they are divided, and their division into ImageSets."""

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
    """What a source needs to know that cannot be read at just any size.

    ``size`` in pixels and ``channels`` are None for "as they are"; ``seed`` is for sources
    that cut images at random places.  ``resize`` is what the shorter side of a photograph is
    brought to before the middle ``size`` pixels are cut out, None for ``size``.  With ``skip``,
    photographs that cannot be read are left out; else they are refused.
    """

    size: int | None
    channels: int | None
    seed: int
    resize: int | None = None
    skip: bool = False


@dataclass(frozen=True)
class Pool:
    """Every image of a source, in the source's order.

    ``images`` [N, C, H, W] are uint8, or float32 in [0, 1]; ``labels`` [N] int64 are numbers
    of ``classes``, -1 where there is none.  The last ``official_test`` images are the test
    set that the source itself sets apart.  ``skipped`` are the names of images that could not be
    read and are not among them.
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
        """What ``index`` counts, where the official parts begin and end, and what was skipped."""
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

    The sets have no image in common.  An official test set is ``test``, in its order; all
    other sets are stratified by class and in random order.  ``index`` counts through the
    whole source, the official training part first, so that it is unique; the provenance says
    where the parts begin, so ``index`` minus ``parts.test[0]`` is the position in the official
    test file.  ``size``, ``channels``, ``images``, ``shares`` and ``shares_of`` are as in the
    configuration, the last two as ``splits`` and ``splits_of``.

    Raises :class:`InputError` if the images are not square or too few for the splits.
    """
    if size is None and pool.images.shape[2] != pool.images.shape[3]:
        height, width = pool.images.shape[2:]
        raise InputError(f"images are {height} × {width} pixels; nets need squares: give a size")
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

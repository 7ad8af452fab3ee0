"""Which test images are explained."""

from collections.abc import Sequence

import numpy as np

from plumbline.errors import InputError


def gallery(
    labels: np.ndarray, *, per_class: int, classes: int, images: Sequence[int], seed: int
) -> np.ndarray:
    """Positions of the images of the gallery, in the order in which they are shown.

    ``images`` if there are any, else ``per_class`` images at most of each of the first
    ``classes`` classes that occur in ``labels`` [N], drawn at random by ``seed``, class by class.

    Raises :class:`InputError` for a position beyond the last image.
    """
    if images:
        if max(images) >= len(labels):
            raise InputError(
                f"attribution.gallery.images: {max(images)}, but test has {len(labels)} images"
            )
        return np.array(images, dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    shown = [order[labels[order] == each][:per_class] for each in np.unique(labels)[:classes]]
    return np.concatenate([np.empty(0, np.int64), *shown])


def explained(total: int, count: int, shown: np.ndarray) -> np.ndarray:
    """Positions of all explained images: the first ``count`` of ``total``, then those of
    ``shown`` that are not among them."""
    first = np.arange(min(count, total))
    return np.concatenate([first, shown[~np.isin(shown, first)]])

"""Selection of the test images to explain."""

from collections.abc import Sequence

import numpy as np

from plumbline.errors import InputError


def gallery(
    labels: np.ndarray, *, per_class: int, classes: int, images: Sequence[int], seed: int
) -> np.ndarray:
    """Positions of the images shown in the gallery, in order.

    ``images`` if not empty; otherwise, for each of the first ``classes`` classes in ``labels``
    [N], at most ``per_class`` images drawn at random by ``seed``.

    Raises :class:`InputError` for a position beyond the last image.
    """
    if images:
        if max(images) >= len(labels):
            raise InputError(
                f"attribution.gallery.images: {max(images)}, but test has {len(labels)} images"
            )
        return np.array(images, dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    shown = [order[labels[order] == label][:per_class] for label in np.unique(labels)[:classes]]
    return np.concatenate([np.empty(0, np.int64), *shown])


def explained(total: int, count: int, shown: np.ndarray) -> np.ndarray:
    """Positions of all images to explain: the first ``count`` of ``total``, then those of
    ``shown`` that are not among them."""
    first = np.arange(min(count, total))
    return np.concatenate([first, shown[~np.isin(shown, first)]])

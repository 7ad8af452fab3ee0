"""Target probabilities of extra images that a net is to be uncertain of."""

from dataclasses import replace

import numpy as np

from plumbline.storage.artefacts import ImageSet

UNCERTAIN = "uncertain"  # the class of extra images, where they have one of their own


def with_targets(train: ImageSet, count: int, target: str) -> tuple[ImageSet, np.ndarray]:
    """The training set, and the target probabilities of ``count`` extra images, [count, K].

    With ``target`` ``soft`` every class has the same probability.  With ``class`` the target is
    an additional class, which is added to the training set's classes without images.
    """
    known = len(train.classes)
    if target == "soft":
        return train, np.full((count, known), 1 / known, np.float32)
    targets = np.zeros((count, known + 1), np.float32)
    targets[:, -1] = 1
    return replace(train, classes=(*train.classes, UNCERTAIN)), targets

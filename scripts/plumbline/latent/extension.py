"""Extending the training set by decoded codes: where they are drawn, what is to be answered.

Study 000 proposes to decode the holes of a map, where a net is sure of what is far from the data,
and to put these images aside.  Here they are drawn, and as many from anywhere off the data as a
control; a net is trained to be uncertain of them.  No torch: pixels are decoded elsewhere.
"""

from dataclasses import replace

import numpy as np

from plumbline.storage.artefacts import ImageSet

ARMS = ("none", "random", "holes")  # what further images come from; the first two are controls
UNCERTAIN = "uncertain"


def draw(where: np.ndarray, axis: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Codes [count, 2] drawn uniformly over the cells that ``where`` [P, P] marks.

    The cell of a grid point is the square of one step of ``axis`` [P] around it; rows are the
    second dimension, columns the first.  Without a marked cell there are no codes, [0, 2].
    """
    rows, columns = np.nonzero(where)
    if not len(rows):
        return np.empty((0, 2))
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(rows), size=count)
    centres = np.stack([axis[columns[chosen]], axis[rows[chosen]]], 1)
    return centres + rng.uniform(-0.5, 0.5, (count, 2)) * (axis[1] - axis[0])


def inside(where: np.ndarray, axis: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Whether each of ``codes`` [N, 2], none beyond the grid, lies in a cell that is marked."""
    places = np.rint((codes - axis[0]) / (axis[1] - axis[0])).astype(int)
    columns, rows = places.clip(0, len(axis) - 1).T
    return where[rows, columns]


def with_targets(train: ImageSet, count: int, target: str) -> tuple[ImageSet, np.ndarray]:
    """The training set, and what is to be answered for ``count`` further images, [count, K].

    ``target`` is ``soft``: every class with the same probability; or ``class``: one class more,
    of which the training set then knows but has no image.
    """
    known = len(train.classes)
    if target == "soft":
        return train, np.full((count, known), 1 / known, np.float32)
    targets = np.zeros((count, known + 1), np.float32)
    targets[:, -1] = 1
    return replace(train, classes=(*train.classes, UNCERTAIN)), targets


def without_extra(probs: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of the first ``classes`` classes, [..., classes], from those of all.

    The probability of the class "uncertain", if there is one, is shared out evenly: an image
    that surely belongs to it has the largest entropy, as one that is answered by soft labels.
    The most probable of the others stays the most probable.
    """
    rest = probs[..., classes:].sum(-1, keepdims=True)
    return probs[..., :classes] + rest / classes

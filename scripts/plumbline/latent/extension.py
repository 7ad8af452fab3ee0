"""Extension of the training set by decoded codes: sampling of codes, and training targets.

Study 000 proposes to decode the holes of a latent map, where a net is certain although the data
are far away, and to treat these images separately.  Here codes are drawn from the holes, and as
many from anywhere off the data as a control; a net is trained to be uncertain about the decoded
images.  This module does not use torch: codes are decoded elsewhere.
"""

import numpy as np


def draw(where: np.ndarray, axis: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Codes [count, 2] drawn uniformly from the cells marked in ``where`` [P, P].

    The cell of a grid point is the square around it whose side is one step of ``axis`` [P]; rows
    are the second dimension, columns the first.  If no cell is marked the result is [0, 2].
    """
    rows, columns = np.nonzero(where)
    if not len(rows):
        return np.empty((0, 2))
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(rows), size=count)
    centres = np.stack([axis[columns[chosen]], axis[rows[chosen]]], 1)
    return centres + rng.uniform(-0.5, 0.5, (count, 2)) * (axis[1] - axis[0])


def inside(where: np.ndarray, axis: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Whether each of ``codes`` [N, 2], all within the grid, lies in a marked cell, [N] bool."""
    cells = np.rint((codes - axis[0]) / (axis[1] - axis[0])).astype(int)
    columns, rows = cells.clip(0, len(axis) - 1).T
    return where[rows, columns]


def without_extra(probs: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of the first ``classes`` classes, [..., classes], from those of all classes.

    The probability of the class "uncertain", if there is one, is distributed evenly, so that an
    image that certainly belongs to it has maximal entropy, as with soft targets.  The most
    probable of the other classes remains the most probable.
    """
    rest = probs[..., classes:].sum(-1, keepdims=True)
    return probs[..., :classes] + rest / classes

"""Patches of the two colour photographs that come with scikit-learn.

A temple (china.jpg) and a flower (flower.jpg), 427 × 640 pixels each, cut into squares that do
not overlap: 660 in all.  They have no class: they are for use as out-of-distribution images.
"""

import numpy as np
import sklearn
from sklearn.datasets import load_sample_images

from plumbline.data.manifest import File, Manifest
from plumbline.data.obtain import Obtained, Places
from plumbline.data.pool import Pool, Wanted

SIDE = 28  # pixels


def obtain(places: Places) -> Obtained:
    """Describe the photographs."""
    origin = f"scikit-learn {sklearn.__version__}"
    return Obtained(
        tuple(File.of_array(array, name, origin) for name, array in _photographs().items())
    )


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """All patches, [N, 3, 28, 28], row by row; ``wanted.seed`` shifts the grid of the cuts."""
    photographs = _photographs()
    for name, photograph in photographs.items():
        manifest.verify_array(name, photograph)
    rng = np.random.default_rng(wanted.seed)
    patches = np.concatenate([_cut(each, rng) for each in photographs.values()])
    return Pool(patches, np.full(len(patches), -1, np.int64))


def _cut(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Squares of a photograph [H, W, 3], from a random corner on."""
    rows, columns = photograph.shape[0] // SIDE, photograph.shape[1] // SIDE
    top = rng.integers(photograph.shape[0] - rows * SIDE + 1)
    left = rng.integers(photograph.shape[1] - columns * SIDE + 1)
    area = photograph[top : top + rows * SIDE, left : left + columns * SIDE]
    squares = area.reshape(rows, SIDE, columns, SIDE, 3).transpose(0, 2, 4, 1, 3)
    return squares.reshape(-1, 3, SIDE, SIDE)


def _photographs() -> dict[str, np.ndarray]:
    bunch = load_sample_images()
    return dict(zip(map(_name, bunch.filenames), bunch.images, strict=True))


def _name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]

"""Images of noise: every pixel uniform on 0 to 255, as study 001 puts before its Bayesian net.

They have no class: they are for use as out-of-distribution images, far from any other.
"""

import numpy as np

from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Obtained, Places
from plumbline.data.pool import Pool, Wanted
from plumbline.errors import InputError

COUNT = 1000  # images; study 001: 100


def obtain(places: Places) -> Obtained:
    """There is no file: the images follow from the seed alone."""
    return Obtained(())


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """All images, [1000, C, size, size]: ``channels`` of ``wanted``, grey if not given."""
    if wanted.size is None:
        raise InputError(f"the uniform_noise {manifest.dataset} needs a size")
    shape = COUNT, wanted.channels or 1, wanted.size, wanted.size
    images = np.random.default_rng(wanted.seed).integers(0, 256, shape, np.uint8)
    return Pool(images, np.full(COUNT, -1, np.int64))

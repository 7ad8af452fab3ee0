"""1,797 handwritten digits of 8 × 8 pixels, included in scikit-learn.

E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998: the test part, scanned from forms and reduced to 17 levels.
"""

import numpy as np
import sklearn
from sklearn.datasets import load_digits

from plumbline.data.manifest import File, Manifest
from plumbline.data.obtain import Obtained, Places
from plumbline.data.pool import Pool, Wanted

IMAGES, LABELS = "digits.images", "digits.target"
LEVELS = 16


def obtain(places: Places) -> Obtained:
    """Describe the two arrays."""
    origin = f"scikit-learn {sklearn.__version__}"
    return Obtained(tuple(File.of_array(array, name, origin) for name, array in _arrays().items()))


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """The scans, with levels 0 to 16 scaled to 0 to 255."""
    arrays = _arrays()
    for name, array in arrays.items():
        manifest.verify_array(name, array)
    scans = np.rint(arrays[IMAGES] * (255 / LEVELS)).astype(np.uint8)
    return Pool(scans[:, None], arrays[LABELS].astype(np.int64), tuple("0123456789"))


def _arrays() -> dict[str, np.ndarray]:
    bunch = load_digits()
    return {IMAGES: bunch.images, LABELS: bunch.target}

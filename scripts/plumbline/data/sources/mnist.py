"""MNIST: 60,000 and, as official test set, 10,000 handwritten digits of 28 × 28 pixels.

Y. LeCun, C. Cortes and C. Burges.
"""

from plumbline.data.idx import read_both
from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Obtained, Places, idx_files, obtain_file
from plumbline.data.pool import Pool, Wanted

FOLDER = "MNIST"


def obtain(places: Places) -> Obtained:
    """Get the four files that torchvision lists."""
    remotes, _ = idx_files(FOLDER)
    return Obtained(tuple(obtain_file(each, places) for each in remotes), tuple("0123456789"))


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """Training and test images, byte by byte as they are published."""
    return read_both(manifest, FOLDER, manifest.classes)

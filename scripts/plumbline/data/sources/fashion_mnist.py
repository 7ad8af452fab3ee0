"""Fashion-MNIST: 60,000 and, as official test set, 10,000 articles of 28 × 28 pixels.

H. Xiao, K. Rasul and R. Vollgraf, arXiv:1708.07747.
"""

from plumbline.data.idx import read_both
from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Obtained, Places, idx_files, obtain_file
from plumbline.data.pool import Pool, Wanted

FOLDER = "FashionMNIST"


def obtain(places: Places) -> Obtained:
    """Get the four files that torchvision lists."""
    remotes, classes = idx_files(FOLDER)
    return Obtained(tuple(obtain_file(each, places) for each in remotes), classes)


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """Training and test images, byte by byte as they are published."""
    return read_both(manifest, FOLDER, manifest.classes)

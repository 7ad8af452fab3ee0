"""Fashion-MNIST: 60,000 training and 10,000 official test images of articles, 28 × 28 pixels.

H. Xiao, K. Rasul and R. Vollgraf, arXiv:1708.07747.
"""

from plumbline.data.idx import read_both
from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Obtained, Places, idx_files, obtain_file
from plumbline.data.pool import Pool, Wanted

FOLDER = "FashionMNIST"


def obtain(places: Places) -> Obtained:
    """Obtain the four files listed by torchvision."""
    remotes, classes = idx_files(FOLDER)
    return Obtained(tuple(obtain_file(each, places) for each in remotes), classes)


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """Training and test images as published, byte by byte."""
    return read_both(manifest, FOLDER, manifest.classes)

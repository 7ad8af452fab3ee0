"""notMNIST: 10,000 letters A to J of many typefaces, 28 × 28 pixels.

Y. Bulatov, 2011, in the idx form of davidflanagan/notMNIST-to-MNIST, of which this is the test
part.  It has no published checksums and must be in the mirror, as ``notMNIST/raw/*.gz``.
"""

from plumbline.data.idx import read_pair
from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Obtained, Places, Remote, obtain_file
from plumbline.data.pool import Pool, Wanted

FOLDER = "notMNIST"
FILES = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


def obtain(places: Places) -> Obtained:
    """Get the two files from the mirror."""
    files = tuple(obtain_file(Remote(f"{FOLDER}/raw/{name}"), places) for name in FILES)
    return Obtained(files, tuple("ABCDEFGHIJ"))


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """All images as one pool: with these nets are tested, not trained."""
    images, labels = read_pair(manifest, FOLDER, "t10k")
    return Pool(images, labels, manifest.classes)

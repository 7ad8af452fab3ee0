"""CIFAR-10: 50,000 training and 10,000 official test images in colour, 32 × 32 pixels.

A. Krizhevsky, Learning multiple layers of features from tiny images, 2009.
"""

import io
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from plumbline.data.manifest import Manifest
from plumbline.data.obtain import Obtained, Places, Remote, obtain_file
from plumbline.data.pool import Pool, Wanted
from plumbline.errors import InputError
from plumbline.storage.files import climbs_out

ARCHIVE, FOLDER = "cifar-10-python.tar.gz", "cifar-10-batches-py"
TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST, META = "test_batch", "batches.meta"

RECONSTRUCT = np.empty(0).__reduce__()[0]
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
"""Names that the pickles need in addition to lists, text and numbers: arrays of NumPy 1 and 2."""


def obtain(places: Places) -> Obtained:
    """Obtain the archive listed by torchvision."""
    from plumbline.runtime.torchvision_import import import_torchvision

    known = import_torchvision().datasets.CIFAR10
    return Obtained((obtain_file(Remote(known.filename, (known.url,), known.tgz_md5), places),))


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """The five training batches, then the test batch.

    Raises :class:`InputError` if the archive does not have the official format.
    """
    batches = _unpack(manifest.path(ARCHIVE))
    missing = [name for name in (*TRAIN, TEST, META) if name not in batches]
    if missing:
        raise InputError(f"{ARCHIVE}: {', '.join(missing)} not found in {FOLDER}")
    try:
        parts = [np.asarray(batches[name]["data"]) for name in (*TRAIN, TEST)]
        labels = [np.asarray(batches[name]["labels"], np.int64) for name in (*TRAIN, TEST)]
        images = np.concatenate(parts).reshape(-1, 3, 32, 32)
        classes = tuple(map(str, batches[META]["label_names"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{ARCHIVE}: not in the form of CIFAR-10 ({error!r})") from None
    if images.dtype != np.uint8 or len(images) != sum(map(len, labels)):
        raise InputError(f"{ARCHIVE}: not in the form of CIFAR-10")
    return Pool(images, np.concatenate(labels), classes, official_test=len(parts[-1]))


def _unpack(path: Path) -> dict[str, Any]:
    """Content of every batch by name, read from the archive without unpacking it to disk."""
    names = {f"{FOLDER}/{name}": name for name in (*TRAIN, TEST, META)}
    try:
        with tarfile.open(path, "r:gz") as archive:
            batches = {}
            for member in archive:
                _check_member(member, path)
                wanted = member.isfile() and member.name in names
                if wanted and (content := archive.extractfile(member)):
                    batches[names[member.name]] = unpickle(content.read(), member.name)
            return batches
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a readable tar.gz archive ({error})") from None


def _check_member(member: tarfile.TarInfo, path: Path) -> None:
    """Raise :class:`InputError` for a member that is not a file or folder inside the archive."""
    if climbs_out(member.name) or not (member.isfile() or member.isdir()):
        raise InputError(f"{path}: refused: {member.name!r} is a link or lies outside its folder")


def unpickle(content: bytes, name: str) -> Any:
    """Load a pickle of arrays, lists, text and numbers; text of Python 2 is decoded as Latin-1.

    Raises :class:`InputError` naming the file if it needs anything else, because unpickling can
    otherwise execute arbitrary code.
    """
    try:
        return _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except Exception as error:  # a damaged pickle can raise almost anything
        raise InputError(f"{name}: not a readable pickle ({error})") from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise InputError(f"refused: it needs {module}.{name}")
        return ALLOWED[module, name]

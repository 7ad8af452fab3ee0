"""Your own images as arrays in one ``.npz`` file.

One pool: ``x`` and ``y`` (or ``images`` and ``labels``); without labels, all have none.  With an
official test set: ``x_train``, ``y_train``, ``x_test``, ``y_test``.  Images are [N, H, W],
[N, H, W, C] or [N, C, H, W] with one or three channels, uint8 or floats in [0, 1]; labels are
whole numbers from 0, or -1 for none.  ``classes``, texts, may name the classes, if the
configuration does not.
"""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from plumbline.data.manifest import File, Manifest
from plumbline.data.obtain import Obtained, Places
from plumbline.data.pool import Pool, Wanted
from plumbline.errors import InputError
from plumbline.storage.files import climbs_out

ONE_POOL = (("x", "y"), ("images", "labels"))
OFFICIAL = ("x_train", "y_train", "x_test", "y_test")
NAME = "own.npz"
MOST_CLASSES = 100_000


def obtain(places: Places) -> Obtained:
    """Describe the file."""
    if places.path is None or not places.path.is_file():
        raise InputError(f"path: no file {places.path}")
    return Obtained((File.on_disk(places.path, NAME, "own file"),), places.classes)


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """Read the arrays; raises :class:`InputError` naming the file and the array at fault."""
    path = manifest.path(NAME)
    arrays = _load(path)
    try:
        if all(name in arrays for name in OFFICIAL):
            pairs = [_pair(arrays, "x_train", "y_train"), _pair(arrays, "x_test", "y_test")]
        else:
            pairs = [_pair(arrays, *_one_pool(arrays))]
        images = _join([images for images, _ in pairs])
        labels = np.concatenate([labels for _, labels in pairs])
        classes = _classes(manifest.classes or arrays.get("classes"), labels)
        return Pool(images, labels, classes, sum(len(y) for _, y in pairs[1:]))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            raise InputError(f"{path}: a single array; save several with numpy.savez")
        with content:
            if strange := [name for name in content.files if climbs_out(name)]:
                raise InputError(f"{path}: refused: {strange[0]!r} lies outside its folder")
            return {name: content[name] for name in content.files}
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a readable npz file of plain arrays ({error})") from None


def _one_pool(arrays: dict[str, np.ndarray]) -> tuple[str, str]:
    for images, labels in ONE_POOL:
        if images in arrays:
            return images, labels
    raise InputError(
        f"holds {', '.join(arrays) or 'nothing'}; needed are x and y, or images and labels, "
        f"or {', '.join(OFFICIAL)}"
    )


def _pair(arrays: dict[str, np.ndarray], x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    images = _images(arrays[x], x)
    labels = arrays.get(y, np.full(len(images), -1))
    if labels.dtype.kind not in "iu":
        raise InputError(f"{y} must be whole numbers, not {labels.dtype}")
    if labels.shape != (len(images),):
        raise InputError(f"{y} has shape {labels.shape} for {len(images)} images")
    if len(labels) and labels.min() < -1:
        raise InputError(f"{y} has the label {labels.min()}; allowed are 0 and above, -1 for none")
    return images, labels.astype(np.int64)


def _images(array: np.ndarray, name: str) -> np.ndarray:
    """Images [N, C, H, W], uint8 or float32 in [0, 1]."""
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise InputError(f"{name} must be uint8, or floats in [0, 1], not {array.dtype}")
    if not array.size:
        raise InputError(f"{name} is empty, its shape is {array.shape}")
    if array.dtype.kind == "f" and not (array.min() >= 0 and array.max() <= 1):
        raise InputError(f"{name} has floats in [{array.min()}, {array.max()}], not in [0, 1]")
    array = _channels_first(array, name)
    return np.ascontiguousarray(array if array.dtype == np.uint8 else array.astype(np.float32))


def _channels_first(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim == 3:
        return array[:, None]
    last = array.ndim == 4 and array.shape[3] in (1, 3)
    first = array.ndim == 4 and array.shape[1] in (1, 3)
    if last == first:
        raise InputError(
            f"{name} has shape {array.shape}; allowed are [N, H, W], [N, H, W, C] and "
            "[N, C, H, W] with C of 1 or 3"
        )
    return array.transpose(0, 3, 1, 2) if last else array


def _join(images: list[np.ndarray]) -> np.ndarray:
    if len({each.shape[1:] for each in images}) > 1 or len({each.dtype for each in images}) > 1:
        raise InputError("x_train and x_test differ in shape or type")
    return np.concatenate(images)


def _classes(given: Sequence[str] | np.ndarray | None, labels: np.ndarray) -> tuple[str, ...]:
    count = int(labels.max()) + 1
    if count > MOST_CLASSES:
        raise InputError(f"the label {count - 1} is no class number")
    names = tuple(str(each) for each in (range(count) if given is None else given))
    if len(names) < count:
        raise InputError(f"classes has {len(names)} names for {count} classes")
    return names

"""The idx file format of MNIST and similar datasets."""

import gzip
import os
import zlib

import numpy as np

from plumbline.data.manifest import Manifest
from plumbline.data.pool import Pool
from plumbline.errors import InputError

UNSIGNED_BYTES = 8


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """Read a gzipped idx file of unsigned bytes.

    The format: two zero bytes, the type, the number of dimensions, each dimension as a
    big-endian 32-bit integer, the values (http://yann.lecun.com/exdb/mnist).

    Raises :class:`InputError` naming the file if it is truncated or has another format.
    """
    try:
        with gzip.open(path) as handle:
            content = handle.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a readable gzip file ({error})") from None
    dimensions = content[3] if len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if content[:2] != b"\0\0" or content[2:3] != bytes([UNSIGNED_BYTES]) or len(content) < start:
        raise InputError(f"{path}: not an idx file of unsigned bytes")
    shape = tuple(int(each) for each in np.frombuffer(content, ">u4", dimensions, offset=4))
    values = np.frombuffer(content, np.uint8, offset=start)
    if values.size != np.prod(shape, dtype=np.int64):
        raise InputError(f"{path}: {values.size} values, but its header declares {shape}")
    return values.reshape(shape)


def read_pair(manifest: Manifest, folder: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images [N, 1, H, W] uint8 and labels [N] int64 of ``part``, ``train`` or ``t10k``.

    Raises :class:`InputError` if the two files do not belong together.
    """
    images = read_idx(manifest.path(f"{folder}/raw/{part}-images-idx3-ubyte.gz"))
    labels = read_idx(manifest.path(f"{folder}/raw/{part}-labels-idx1-ubyte.gz"))
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise InputError(
            f"{folder}, {part}: images {images.shape} and labels {labels.shape} do not match"
        )
    return images[:, None], labels.astype(np.int64)


def read_both(manifest: Manifest, folder: str, classes: tuple[str, ...]) -> Pool:
    """The training files, followed by the t10k files as the official test set."""
    train, test = read_pair(manifest, folder, "train"), read_pair(manifest, folder, "t10k")
    if train[0].shape[2:] != test[0].shape[2:]:
        raise InputError(f"{folder}: training and test images differ in size")
    return Pool(
        images=np.concatenate([train[0], test[0]]),
        labels=np.concatenate([train[1], test[1]]),
        classes=classes,
        official_test=len(test[0]),
    )

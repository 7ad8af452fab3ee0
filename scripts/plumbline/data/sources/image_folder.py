"""The user's own images in a folder: one folder per class, or a text file with the classes.

Images may lie at any depth below the folder of a class.  A folder of images without subfolders has
no classes, unless ``labels`` gives the class number of every image.
"""

import struct
import sys
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from plumbline.data.manifest import File, Manifest
from plumbline.data.obtain import Obtained, Places
from plumbline.data.own import SUFFIXES, own_files, read_labels
from plumbline.data.pixels import fitted, middle
from plumbline.data.pool import Pool, Wanted
from plumbline.errors import InputError
from plumbline.runtime.progress import progress

GREY = {"1", "L", "LA"}
USABLE = {*GREY, "P", "PA", "RGB", "RGBA", "RGBX"}
"""Pillow's modes for greyscale and RGB with at most 8 bits."""

LABELS = "labels"  # in the manifest; images have a suffix
DAMAGED = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, MemoryError, struct.error, zlib.error),
)
"""Exceptions raised by Pillow's readers for damaged files."""


class BrokenImageError(InputError):
    """An image that cannot be used."""


def obtain(places: Places) -> Obtained:
    """Describe every image, and the file of labels if given."""
    folder = places.path
    if folder is None or not folder.is_dir():
        raise InputError(f"path: no folder {folder}")
    paths = own_files(folder)
    if not paths:
        raise InputError(f"{folder}: no images in it (recognised by {', '.join(SUFFIXES)})")
    names = [Path(path).relative_to(folder).as_posix() for path in paths]
    if places.labels:
        classes = _labelled(places.labels, names, places.classes)
        paths, names = [*paths, str(places.labels)], [*names, LABELS]
    else:
        classes = _classes(folder, names)
    files = (
        File.on_disk(path, name, "own file")
        for path, name in progress(list(zip(paths, names, strict=True)), "images described")
    )
    return Obtained(tuple(files), classes)


def _labelled(path: Path, names: list[str], classes: tuple[str, ...]) -> tuple[str, ...]:
    """``classes``, or class numbers as text; raises :class:`InputError` if an image has no label.

    Labels of images that do not exist are allowed: the folder may contain part of a dataset.
    """
    labels = read_labels(path)
    absent = [name for name in names if name not in labels]
    if absent:
        raise InputError(f"{path}: no line for {absent[0]} ({len(absent)} images have none)")
    highest = max(labels[name] for name in names)
    if classes and highest >= len(classes):
        raise InputError(f"{path}: there is a label {highest}, but only {len(classes)} classes")
    return classes or tuple(map(str, range(highest + 1)))


def _classes(folder: Path, names: list[str]) -> tuple[str, ...]:
    """Names of the folders, if any; raises :class:`InputError` if images lie beside folders."""
    parts = [PurePosixPath(name).parts for name in names]
    loose = [each[0] for each in parts if len(each) == 1]
    classes = sorted({each[0] for each in parts if len(each) > 1})
    if loose and classes:
        raise InputError(f"{folder}: {loose[0]} lies beside folders, so its class is unknown")
    held = {each.name for each in folder.iterdir() if each.is_dir() and each.name[0] != "."}
    empty = sorted(held - set(classes))
    if empty:
        raise InputError(f"{folder / empty[0]}: no images in it")
    return tuple(classes)


def read(manifest: Manifest, wanted: Wanted) -> Pool:
    """Decode all images: resize the shorter side, and crop the central ``wanted.size`` pixels.

    If ``wanted.channels`` is None they are in colour, unless all are greyscale.  Transparency is
    ignored.  With ``wanted.skip``, images that cannot be used are omitted and listed on standard
    error.

    Raises :class:`InputError` naming the image that cannot be used, or a class without images.
    """
    if wanted.size is None:
        raise InputError(f"the image_folder {manifest.dataset} needs a size")
    files = [file for file in manifest.files if file.name != LABELS]
    channels = wanted.channels or _channels(files)
    images = np.empty((len(files), channels, wanted.size, wanted.size), np.uint8)
    used: list[File] = []
    skipped: list[str] = []
    for file in progress(files, "images"):
        try:
            pixels = _decode(file.place, wanted.resize or wanted.size, wanted.size, channels)
        except BrokenImageError as error:
            if not wanted.skip:
                key = f"data.sources.{manifest.dataset}.broken"
                raise InputError(f"{error}; or omit such images with {key}: skip") from None
            print(f"skipped: {error}", file=sys.stderr, flush=True)
            skipped.append(file.name)
        else:
            images[len(used)] = pixels
            used.append(file)
    labels = _labels(manifest, used)
    return Pool(images[: len(used)], labels, manifest.classes, skipped=tuple(skipped))


def _channels(files: Sequence[File]) -> int:
    """1 if all images that can be opened are greyscale, else 3."""
    modes = set()
    for file in files:
        try:
            with _open(file.place) as image:
                modes.add(image.mode)
        except BrokenImageError:
            continue  # rejected or skipped when its pixels are read
    return 1 if modes and modes <= GREY else 3


def _labels(manifest: Manifest, files: Sequence[File]) -> np.ndarray:
    """Class numbers [N] of ``files``; raises :class:`InputError` if a folder has no usable one."""
    if not files:
        raise InputError(f"the image_folder {manifest.dataset}: no image in it can be used")
    if any(file.name == LABELS for file in manifest.files):
        places = read_labels(manifest.path(LABELS))
        return np.array([places[file.name] for file in files], np.int64)
    folders = [PurePosixPath(file.name).parts[0] for file in files]
    if empty := sorted(set(manifest.classes) - set(folders)):
        raise InputError(f"{manifest.dataset}: no image in the folder {empty[0]} can be used")
    places = {name: label for label, name in enumerate(manifest.classes)}
    return np.array([places.get(name, -1) for name in folders], np.int64)


def _open(path: Path) -> Image.Image:
    """Open an image and read its header, but not its pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BrokenImageError(f"{path}: too large an image ({error})") from None
    except DAMAGED as error:
        raise BrokenImageError(f"{path}: not a readable image ({error})") from None


def _decode(path: Path, shorter: int, size: int, channels: int) -> np.ndarray:
    """One image [C, size, size], oriented according to its EXIF data."""
    with _open(path) as image:
        if image.mode not in USABLE:
            fault = "more than 8 bits per channel" if image.mode[0] in "IF" else "not in RGB"
            raise BrokenImageError(f"{path}: {fault} ({image.mode}); convert it")
        try:
            image = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
        except DAMAGED as error:
            raise BrokenImageError(f"{path}: not a readable image ({error})") from None
    height, width = fitted(image.height, image.width, shorter)
    left, top = middle(width, size), middle(height, size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)))
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)

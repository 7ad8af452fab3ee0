"""Your own images in a folder: one folder per class, or a text file that tells the classes.

Below a class's folder images may lie at any depth.  A folder of images without folders in it
has no classes, unless ``labels`` gives the class number of every image.
"""

import warnings
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from plumbline.data.manifest import File, Manifest
from plumbline.data.obtain import Obtained, Places
from plumbline.data.own import SUFFIXES, own_files, read_labels
from plumbline.data.pixels import fitted, middle
from plumbline.data.pool import Pool, Wanted
from plumbline.errors import InputError
from plumbline.progress import progress

GREY = {"1": 1, "L": 1, "LA": 1}
LABELS = "labels"  # in the manifest; images have a suffix


def obtain(places: Places) -> Obtained:
    """Describe every image, and the file of the labels where there is one."""
    folder = places.path
    if folder is None or not folder.is_dir():
        raise InputError(f"path: no folder {folder}")
    paths = own_files(folder)
    if not paths:
        raise InputError(f"{folder}: no images in it (known by {', '.join(SUFFIXES)})")
    names = [Path(path).relative_to(folder).as_posix() for path in paths]
    if places.labels:
        classes = _labelled(places.labels, names, places.classes)
        paths, names = [*paths, places.labels], [*names, LABELS]
    else:
        classes = _classes(folder, names)
    files = (
        File.on_disk(path, name, "own file")
        for path, name in progress(list(zip(paths, names, strict=True)), "images described")
    )
    return Obtained(tuple(files), classes)


def _labelled(path: Path, names: list[str], classes: tuple[str, ...]) -> tuple[str, ...]:
    """``classes``, or the class numbers; :class:`InputError` if an image has no label.

    Labels of images that are not there are allowed: the folder may hold a part of a set.
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
    """Names of the folders, or none; :class:`InputError` if images lie beside folders."""
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
    """Decode all images: the shorter side resized, the middle ``wanted.size`` pixels cut out.

    With ``wanted.channels`` of None they are in colour, unless all are grey.  Transparency is
    dropped.  Raises :class:`InputError` naming the image that cannot be read.
    """
    if wanted.size is None:
        raise InputError(f"the image_folder {manifest.dataset} needs a size")
    files = [file for file in manifest.files if file.name != LABELS]
    paths = [Path(file.path) for file in files]
    channels = wanted.channels or max(GREY.get(_open(path).mode, 3) for path in paths)
    images = np.empty((len(paths), channels, wanted.size, wanted.size), np.uint8)
    for i, path in enumerate(progress(paths, "images")):
        images[i] = _decode(path, wanted.resize or wanted.size, wanted.size, channels)
    if len(files) < len(manifest.files):
        places = read_labels(manifest.path(LABELS))
        labels = [places[file.name] for file in files]
    else:
        places = {name: label for label, name in enumerate(manifest.classes)}
        labels = [places.get(PurePosixPath(file.name).parts[0], -1) for file in files]
    return Pool(images, np.array(labels, np.int64), manifest.classes)


def _open(path: Path) -> Image.Image:
    """Open an image: its head is read, its pixels are not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path}: too large an image ({error})") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{path}: not a readable image ({error})") from None


def _decode(path: Path, shorter: int, size: int, channels: int) -> np.ndarray:
    """One image [C, size, size] as it is meant to be seen, turned as its camera noted."""
    with _open(path) as image:
        if image.mode[0] in "IF":
            raise InputError(f"{path}: more than 8 bits per channel ({image.mode}); convert it")
        try:
            image = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"{path}: not a readable image ({error})") from None
    height, width = fitted(image.height, image.width, shorter)
    left, top = middle(width, size), middle(height, size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)))
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)

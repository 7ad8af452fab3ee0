"""The user's own files given in the configuration: images, labels, class names."""

import os
import re
from collections import Counter
from pathlib import Path

from plumbline.errors import InputError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def own_files(path: str | os.PathLike | None) -> list[str]:
    """``path`` itself if it is a file; if it is a folder, all images in it at any depth, sorted.

    Images are recognised by their suffix, ignoring case; hidden files are ignored.  The list is
    empty if ``path``, which may be relative to the mirror, does not exist.
    """
    if path is None or not os.path.exists(path):
        return []
    path = Path(path)
    if not path.is_dir():
        return [str(path)]
    return sorted(
        str(each)
        for each in path.rglob("*")
        if each.suffix.lower() in SUFFIXES
        and each.is_file()
        and not any(part.startswith(".") for part in each.relative_to(path).parts)
    )


def read_labels(path: Path) -> dict[str, int]:
    """Class numbers by image from lines such as ``cats/1.jpeg 3``.

    Raises :class:`InputError` with the first line that has another format.
    """
    labels = {}
    for number, line in enumerate(_lines(path), start=1):
        name, _, label = line.rpartition(" ")
        if not (name.strip() and label.isdecimal()):
            raise InputError(f"{path}, line {number}: {line!r} is not a file name and class number")
        labels[name.strip()] = int(label)
    return labels


def read_classes(path: Path) -> tuple[str, ...]:
    """Class names, one per line, in the order of their numbers.

    A WordNet number before a name and synonyms after a comma, as in ImageNet's list, are removed.
    Names that are then not unique get their class number appended.

    Raises :class:`InputError` if the file cannot be read or is empty.
    """
    names = [re.sub(r"^n\d{8} ", "", line).split(",")[0].strip() for line in _lines(path)]
    if not names:
        raise InputError(f"{path}: no class names in it")
    count = Counter(names)
    return tuple(f"{name} ({i})" if count[name] > 1 else name for i, name in enumerate(names))


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable text file ({error})") from None
    return [line.rstrip() for line in text.splitlines() if line.strip()]

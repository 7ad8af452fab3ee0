"""The user's own files, as a source of images names them."""

import os
from pathlib import Path

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def own_files(path: str | os.PathLike | None) -> list[str]:
    """``path`` itself if it is a file; if a folder, all images in it at any depth, sorted.

    Images are known by their suffix, in small or capital letters; hidden files are left out.
    """
    if path is None:
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

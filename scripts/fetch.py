"""Obtain the files of one dataset, verify them, and list them in a manifest."""

import argparse
import os
from pathlib import Path

from plumbline.config.data import Origin
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help="name of the dataset")
    parser.add_argument(
        "--mirror",
        type=Path,
        default=os.environ.get("PLUMBLINE_MIRROR") or None,
        help="folder to search first; the variable PLUMBLINE_MIRROR has the same effect",
    )
    parser.add_argument(
        "--downloads", type=Path, default="downloads", help="folder for downloaded files"
    )
    parser.add_argument("--out", required=True, help="manifest to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.manifest import Manifest
    from plumbline.data.obtain import Places
    from plumbline.data.own import read_classes
    from plumbline.errors import InputError
    from plumbline.registry import SOURCES
    from plumbline.storage.files import located, unreadable

    if fault := unreadable(args.mirror):
        raise InputError(f"--mirror (or PLUMBLINE_MIRROR): {fault}")
    origin = args.options
    own = {key: located(path, args.mirror) for key, path in origin.own_paths.items()}
    classes = read_classes(own.pop("classes")) if origin.class_file else origin.classes or ()
    places = Places(args.downloads, args.mirror, classes=classes, **own)
    obtained = SOURCES.load(origin.kind)(places)
    Manifest(args.dataset, origin.kind, obtained.files, obtained.classes).save(args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, Origin)

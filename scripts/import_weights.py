"""Import pretrained weights as a Classifier for one dataset."""

import argparse
import os
from pathlib import Path

from plumbline.config.training import GivenWeights
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="architecture, a module in plumbline.models")
    parser.add_argument("--entry", help="file.py:Name of a user-supplied architecture")
    parser.add_argument(
        "--images", required=True, help="ImageSet that defines image shape and classes"
    )
    parser.add_argument(
        "--mirror",
        type=Path,
        default=os.environ.get("PLUMBLINE_MIRROR") or None,
        help="folder to search before downloading",
    )
    parser.add_argument(
        "--downloads", type=Path, default="downloads", help="folder for downloaded files"
    )
    parser.add_argument("--out", required=True, help="Classifier to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.obtain import Places, obtain_weights
    from plumbline.errors import InputError
    from plumbline.models.classifier import Architecture
    from plumbline.storage.artefacts import ImageSet
    from plumbline.training.imported_weights import classifier_with, read_weights

    given, images = args.options, ImageSet.load(args.images)
    _, channels, size, _ = images.images.shape
    shape = {"channels": channels, "size": size, "classes": len(images.classes)}
    places = Places(args.downloads, args.mirror, Path(given.path) if given.path else None)
    file = obtain_weights(given.url, given.sha256, places)
    architecture = Architecture(args.model, shape | given.network, entry=args.entry)
    weights = read_weights(file.place)
    try:
        classifier = classifier_with(weights, architecture, images.classes, given.mean, given.std)
    except InputError as error:
        raise InputError(f"{file.path}: {error}") from None
    classifier.record = {"weights": file.name, "sha256": file.sha256, "origin": file.origin}
    classifier.save(args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, GivenWeights)

"""Compute one detection score for every image of all image sets, and its cost."""

import argparse
import json
from typing import Any

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--score", required=True, help="name of the score in the configuration")
    parser.add_argument("--method", required=True, help="its module in detection/scores")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument(
        "--classifiers",
        nargs="+",
        required=True,
        help="Classifier, then the members of its ensemble",
    )
    parser.add_argument(
        "--train", nargs="*", default=[], help="ImageSet of training images, if the score needs it"
    )
    parser.add_argument(
        "--vae", nargs="*", default=[], help="VAE of the training images, if the score needs it"
    )
    parser.add_argument("--sets", nargs="+", required=True, help="ImageSets")
    parser.add_argument(
        "--names", nargs="+", required=True, help="name of each set, in the same order"
    )
    parser.add_argument(
        "--minimal", nargs="*", default=[], help="attacks that minimize the perturbation (no ε)"
    )
    parser.add_argument(
        "--out", required=True, help="Parquet of scores to write, one row per image"
    )
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import parse_all
    from plumbline.detection.material import Material, score_sets
    from plumbline.latent.vae import Vae
    from plumbline.models.classifier import Classifier
    from plumbline.registry import SCORES
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import write_parquet

    device = setup(args.device, args.threads)
    classifiers = [Classifier.load(path, device) for path in args.classifiers]
    needed: dict[str, Any] = {
        "train": next((ImageSet.load(path) for path in args.train), None),
        "vae": next((Vae.load(path, device) for path in args.vae), None),
    }
    material = Material(classifiers[0], members=tuple(classifiers), **needed)
    keys = parse_all(args.names, args.minimal).values()
    sets = {key: ImageSet.load(path) for key, path in zip(keys, args.sets, strict=True)}
    function = SCORES.load(args.method)
    write_parquet(args.out, score_sets(function, material, sets, args.seed, args.score, **args.set))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Compute the predictions of one uncertainty estimator on every image set."""

import argparse
import json

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--estimator", required=True, help="name of the estimator in the configuration"
    )
    parser.add_argument("--method", required=True, help="its module in uncertainty/estimators")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument(
        "--temperature",
        nargs="*",
        default=[],
        help="CSV of temperatures from evaluate.py, for temperature scaling",
    )
    parser.add_argument("--classifiers", nargs="+", required=True, help="nets of several seeds")
    parser.add_argument("--sets", nargs="+", required=True, help="ImageSets")
    parser.add_argument(
        "--names", nargs="+", required=True, help="name of each set, in the same order"
    )
    parser.add_argument("--out", required=True, help="Predictions of all sets, to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from plumbline.models.classifier import Classifier
    from plumbline.registry import ESTIMATORS
    from plumbline.runtime.progress import progress
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, save_predictions
    from plumbline.uncertainty.prediction import Estimator

    device = setup(args.device, args.threads)
    classifiers = [Classifier.load(path, device) for path in args.classifiers]
    for table in args.temperature:
        classifiers = scaled(classifiers, table)
    concentration = None
    if ESTIMATORS.defines(args.method, "concentration"):
        concentration = ESTIMATORS.load(args.method, "concentration")
    estimator = Estimator(args.estimator, ESTIMATORS.load(args.method), args.set, concentration)
    files = progress(list(zip(args.names, args.sets, strict=True)), "image sets")
    save_predictions(
        args.out,
        [
            estimator.prediction(classifiers, name, ImageSet.load(path), args.seed)
            for name, path in files
        ],
    )


def scaled(classifiers: list, table: str) -> list:
    """The nets with logits divided by the temperature in the corresponding row of ``table``."""
    from plumbline.storage.tables import read_frame
    from plumbline.training.temperature import with_temperature

    temperatures = read_frame([table])["value"][: len(classifiers)]
    return [with_temperature(*pair) for pair in zip(classifiers, temperatures, strict=True)]


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

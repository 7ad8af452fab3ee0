"""Put every image set before a net and keep what one estimator says about each."""

import argparse
import json

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--estimator", required=True, help="name of the estimator's entry")
    parser.add_argument("--method", required=True, help="its module of uncertainty/estimators")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument(
        "--temperature",
        nargs="*",
        default=[],
        help="CSV of calibrate.py, if logits are to be divided by it",
    )
    parser.add_argument("--classifiers", nargs="+", required=True, help="nets of several seeds")
    parser.add_argument("--sets", nargs="+", required=True, help="ImageSets")
    parser.add_argument("--names", nargs="+", required=True, help="a name for each of them")
    parser.add_argument("--out", required=True, help="Predictions to write, of all sets")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import numpy as np
    import torch

    from plumbline.models.classifier import Classifier
    from plumbline.registry import ESTIMATORS
    from plumbline.runtime.progress import progress
    from plumbline.runtime.seeding import derive
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet, Prediction, save_predictions

    device = setup(args.device, args.threads)
    classifiers = [Classifier.load(path, device) for path in args.classifiers]
    for table in args.temperature:
        classifiers = scaled(classifiers, table)
    predict = ESTIMATORS.load(args.method)
    concentration = None
    if ESTIMATORS.defines(args.method, "concentration"):
        concentration = ESTIMATORS.load(args.method, "concentration")
    predictions = []
    pairs = list(zip(args.names, args.sets, strict=True))
    for name, path in progress(pairs, "image sets"):
        images = ImageSet.load(path)
        pixels = torch.from_numpy(images.images)
        # A seed of its own, so that a set's answers do not depend on which others there are.
        probs = predict(classifiers, pixels, seed=derive(args.seed, name), **args.set).numpy()
        alpha = concentration(classifiers, pixels).numpy() if concentration else None
        # Class 3 of another dataset is not class 3 of this net.
        same = images.classes == classifiers[0].classes
        labels = images.labels if same else np.full(len(images), -1)
        predictions.append(Prediction(args.estimator, name, probs, labels, images.index, alpha))
    save_predictions(args.out, predictions)


def scaled(classifiers: list, table: str) -> list:
    """The nets with their logits divided by the temperature in their row of ``table``."""
    from plumbline.storage.tables import read_frame
    from plumbline.training.temperature import with_temperature

    temperatures = read_frame([table])["value"][: len(classifiers)]
    return [with_temperature(*pair) for pair in zip(classifiers, temperatures, strict=True)]


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Fit the temperature of every seed's net on the calibration images."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifiers", nargs="+", required=True, help="Classifiers, seed 0 first")
    parser.add_argument("--calibration", required=True, help="ImageSet to fit on")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--out", required=True, help="CSV, a row per seed")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.models.classifier import Classifier, logits
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import row, write_csv
    from plumbline.training.temperature import temperature_interval

    device = setup(args.device, args.threads)
    images = ImageSet.load(args.calibration)
    labels = torch.from_numpy(images.labels)
    rows = []
    for number, path in enumerate(args.classifiers):
        answers = logits(Classifier.load(path, device), images.images)
        figure = temperature_interval(answers, labels, args.seed)
        keys = {"dataset": args.dataset, "model": args.model, "seed": number}
        rows.append(row("temperature", *figure, len(images), **keys))
    write_csv(args.out, rows)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

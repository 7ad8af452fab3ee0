"""Fit the temperature of the net of every seed on the calibration split, and evaluate the net on
every split with and without temperature scaling."""

import argparse
from pathlib import Path

from plumbline.runtime import cli

MOST = 10_000  # images of a split at most; enough for the intervals, as train can be much larger


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifiers", nargs="+", required=True, help="Classifiers, seed 0 first")
    parser.add_argument("--calibration", required=True, help="ImageSet to fit the temperatures on")
    parser.add_argument(
        "--sets", nargs="+", required=True, help="ImageSets to evaluate, named after their files"
    )
    parser.add_argument("--dataset", required=True, help="key in the tables")
    parser.add_argument("--model", required=True, help="key in the tables")
    parser.add_argument(
        "--temperature-seed", type=int, default=0, help="seed of the bootstrap of the temperature"
    )
    parser.add_argument(
        "--temperature", required=True, help="CSV of temperatures to write, one row per seed"
    )
    parser.add_argument(
        "--out", required=True, help="CSV of accuracy, NLL, Brier score and ECE to write"
    )
    parser.add_argument(
        "--reliability", required=True, help="CSV of the reliability diagrams to write"
    )
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    import torch

    from plumbline.models.classifier import Classifier, logits
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import Row, read_frame, row, write_csv
    from plumbline.training.evaluation import evaluation_rows, reliability_rows
    from plumbline.training.temperature import temperature_interval

    device = setup(args.device, args.threads)
    sets = {Path(path).stem: ImageSet.load(path).select(slice(MOST)) for path in args.sets}
    calibration = ImageSet.load(args.calibration)
    labels = torch.from_numpy(calibration.labels)
    names = {"dataset": args.dataset, "model": args.model}
    fitted: list[Row] = []
    for number, path in enumerate(args.classifiers):
        answers = logits(Classifier.load(path, device), calibration.images)
        found = temperature_interval(answers, labels, args.temperature_seed)
        fitted.append(row("temperature", *found, len(labels), **names, seed=number))
    write_csv(args.temperature, fitted)
    temperatures = read_frame([args.temperature])[
        "value"
    ]  # rounded as in the table, like all other readers
    rows: list[Row] = []
    diagrams: list[Row] = []
    for number, path in enumerate(args.classifiers):
        classifier = Classifier.load(path, device)
        for name, images in sets.items():
            answers = logits(classifier, images.images)
            for scaling, by in (("raw", 1.0), ("temperature", temperatures[number])):
                probs = (answers / by).softmax(1).numpy()
                keys = {**names, "seed": number, "scaling": scaling, "split": name}
                rows += evaluation_rows(probs, images, args.seed, **keys)
                diagrams += reliability_rows(probs, images, **keys)
    write_csv(args.out, rows)
    write_csv(args.reliability, diagrams)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Fit detectors of misclassification on the calibration split and score every image set."""

import argparse
from typing import TYPE_CHECKING

from plumbline.config.detection import DetectorOptions
from plumbline.runtime import cli

if TYPE_CHECKING:
    from plumbline.detection.fitting import Method


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--predictions", required=True, help="Predictions of a single deterministic net"
    )
    parser.add_argument(
        "--label-changes",
        nargs="+",
        required=True,
        help="label change rates of each operator, Parquet",
    )
    parser.add_argument("--conductance", required=True, help="conductance of each image")
    parser.add_argument(
        "--minimal", nargs="*", default=[], help="attacks that minimize the perturbation (no ε)"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument(
        "--out", required=True, help="Parquet of scores to write, one row per image"
    )
    parser.add_argument("--table", required=True, help="CSV to write")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of folds, detectors and bootstrap"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import parse_all
    from plumbline.detection import columns, features, operating
    from plumbline.detection.fitting import score_all
    from plumbline.runtime.torch_setup import setup
    from plumbline.storage.artefacts import load_arrays, load_predictions
    from plumbline.storage.tables import read_parquet, write_csv, write_parquet

    setup("cpu", args.threads)
    predictions = load_predictions(args.predictions)
    sets = parse_all(predictions, args.minimal)
    sets = {name: key for name, key in sets.items() if key.kind != "shifted"}
    predictions = {name: predictions[name] for name in sets}
    arrays, metadata = load_arrays(args.conductance, "Conductance")
    right, softmax = features.right(predictions), features.softmax_features(predictions)
    scores = score_all(
        features.conductance_features(arrays, metadata["blocks"]),
        columns.label_change_scores([read_parquet(path) for path in args.label_changes]),
        softmax,
        right,
        {name: method(name, options) for name, options in args.options.methods.items()},
        by_block=args.options.by_block,
        folds=args.options.folds,
        seed=args.seed,
    )
    keys = {"dataset": args.dataset, "model": args.model}
    rows = operating.judge_detectors(scores, -softmax["top1"], right, sets, args.seed, **keys)
    write_csv(args.table, rows)
    write_parquet(args.out, columns.detector_columns(scores, sets))


def method(name: str, options: dict) -> "Method":
    """What the configuration names, with its options."""
    from functools import partial

    from plumbline.detection.fitting import Method
    from plumbline.registry import DETECTORS

    fit = partial(DETECTORS.load(name), **options)
    if not DETECTORS.defines(name, "combine"):
        return Method(fit, fit)
    return Method(fit, partial(DETECTORS.load(name, "combine"), **options))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, DetectorOptions)

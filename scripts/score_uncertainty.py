"""Compute uncertainty scores per image and tables of estimates from all predictions.

One table is of selective prediction: the share of images that each estimator rejects, and its
accuracy on those that it accepts.
"""

import argparse

from plumbline.config.uncertainty import RefusalOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--predictions", nargs="+", required=True, help="Predictions of each estimator"
    )
    parser.add_argument(
        "--minimal", nargs="*", default=[], help="attacks that minimize the perturbation (no ε)"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap")
    parser.add_argument(
        "--scores", required=True, help="Parquet of scores to write, one row per image"
    )
    parser.add_argument("--out", required=True, help="CSV of the estimates to write")
    parser.add_argument(
        "--refusal-seed", type=int, default=0, help="seed of the bootstrap of selective prediction"
    )
    parser.add_argument("--refusal", required=True, help="CSV of selective prediction to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import TEST, parse_all
    from plumbline.runtime.progress import progress
    from plumbline.runtime.seeding import derive
    from plumbline.storage.artefacts import load_predictions
    from plumbline.storage.tables import Row, write_csv, write_parquet
    from plumbline.uncertainty import refusal
    from plumbline.uncertainty.estimates import CONTROL, rises, rows
    from plumbline.uncertainty.measures import scores

    keys = {"dataset": args.dataset, "model": args.model}
    files = [load_predictions(path) for path in args.predictions]
    table, predictions = [], []
    # Sets in the outer loop: all estimates on a set share their bootstrap resamples.
    sets = parse_all(files[0], args.minimal)
    for name, key in progress(list(sets.items()), "image sets"):
        here = [estimator[name] for estimator in files]
        control = next(each for each in here if each.estimator == CONTROL)
        for each, estimator in zip(here, files, strict=True):
            table += rows(each, control, key, derive(args.seed, name), **keys)
            if key.made_from_test:
                source = estimator[TEST.name]
                table += rises(each, source, key, derive(args.seed, name), **keys)
        predictions += here
    refusals: list[Row] = []
    for estimator in files:
        by_key = {sets[name]: each for name, each in estimator.items()}
        how = args.options.model_dump()
        refusals += refusal.rows(by_key, **how, seed=args.refusal_seed, **keys)
    write_csv(args.out, table)
    write_csv(args.refusal, refusals)
    write_parquet(args.scores, scores(predictions, sets))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, RefusalOptions)

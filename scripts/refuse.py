"""Count how often each estimator refuses to answer, and how right it is where it answers."""

import argparse

from plumbline.config.uncertainty import RefusalOptions
from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--predictions", nargs="+", required=True, help="one file per estimator")
    parser.add_argument("--minimal", nargs="*", default=[], help="attacks without ε")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--out", required=True, help="CSV to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import parse_all
    from plumbline.runtime.progress import progress
    from plumbline.storage.artefacts import load_predictions
    from plumbline.storage.tables import Row, write_csv
    from plumbline.uncertainty.refusal import rows

    of = {"dataset": args.dataset, "model": args.model}
    found: list[Row] = []
    for path in progress(args.predictions, "estimators"):
        predictions = load_predictions(path)
        keys = parse_all(predictions, args.minimal)
        sets = {keys[name]: each for name, each in predictions.items()}
        found += rows(sets, **args.options.model_dump(), seed=args.seed, **of)
    write_csv(args.out, found)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, RefusalOptions)

"""Draw mutants of a net with one operator and count how often they change its answers."""

import argparse
import json

from plumbline import cli
from plumbline.config.stability import MutantOptions


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operator", required=True, help="a module of stability/operators")
    parser.add_argument("--set", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--classifier", required=True, help="Classifier that is mutated")
    parser.add_argument("--calibration", required=True, help="ImageSet that accepts mutants")
    parser.add_argument("--sets", nargs="+", required=True, help="ImageSets that mutants classify")
    parser.add_argument("--names", nargs="+", required=True, help="what the table calls each set")
    parser.add_argument("--dataset", required=True, help="key of the table")
    parser.add_argument("--model", required=True, help="key of the table")
    parser.add_argument("--out", required=True, help="Parquet to write, a row per image")
    parser.add_argument("--table", required=True, help="CSV to write")
    cli.add_runtime(parser)


def main(args: argparse.Namespace) -> None:
    from functools import partial

    from plumbline.artefacts import ImageSet
    from plumbline.methods import OPERATORS
    from plumbline.models.classifier import Classifier
    from plumbline.runtime import setup
    from plumbline.stability.mutants import label_changes, per_image, summary
    from plumbline.tables import write_csv, write_parquet

    classifier = Classifier.load(args.classifier, setup(args.device, args.threads))
    first = slice(args.options.images)
    sets = {
        name: ImageSet.load(path).select(first)
        for name, path in zip(args.names, args.sets, strict=True)
    }
    outcome = label_changes(
        classifier,
        partial(OPERATORS.load(args.operator), **args.set),
        ImageSet.load(args.calibration).select(first),
        sets,
        mutants=args.options.mutants,
        accept=args.options.accept,
        seed=args.seed,
    )
    keys = {"dataset": args.dataset, "model": args.model, "operator": args.operator}
    write_csv(args.table, summary(outcome, args.seed, **keys))
    write_parquet(args.out, per_image(outcome, sets, args.operator))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments, MutantOptions)

"""Draw how often mutants change the answer, by kind of image, for one dataset's nets."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--changes", nargs="+", required=True, help="Parquet tables of images")
    parser.add_argument("--models", nargs="+", required=True, help="model of each table")
    parser.add_argument("--tables", nargs="+", required=True, help="CSVs of the operators")
    parser.add_argument("--adaptive", nargs="*", default=[], help="attacks that know a detector")
    parser.add_argument("--boxes", required=True, help="PNG to write, rates of single images")
    parser.add_argument("--rates", required=True, help="PNG to write, means by operator's rate")
    parser.add_argument("--mutants", required=True, help="PNG to write, AUROC by their number")
    parser.add_argument("--sequential", required=True, help="PNG to write, sequential tests")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import (
        stability,
        stability_mutants,
        stability_rates,
        stability_sequential,
    )
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame, read_images

    changes, tables = read_images(args.changes, args.models), read_frame(args.tables)
    changes["correct"] = changes["prediction"] == changes["label"]
    save(stability.draw(changes, tables, args.adaptive), args.boxes)
    save(stability_rates.draw(tables), args.rates)
    save(stability_mutants.draw(tables), args.mutants)
    save(stability_sequential.draw(tables), args.sequential)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

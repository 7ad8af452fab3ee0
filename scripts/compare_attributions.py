"""Compare all attribution methods of one net: degradation curves, and gains over the controls."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results", nargs="+", required=True, help="DegradationResult of each method"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap")
    parser.add_argument("--out", required=True, help="CSV to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.attribution import comparison
    from plumbline.attribution.degradation_result import DegradationResult
    from plumbline.storage.tables import write_csv

    found = [DegradationResult.load(path) for path in args.results]
    write_csv(args.out, comparison.rows(found, args.seed))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

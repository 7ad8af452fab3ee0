"""Judge the claims of the studies by a fixed rule from the tables of this run."""

import argparse
from pathlib import Path

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--claims", required=True, help="YAML of the claims")
    parser.add_argument(
        "--tables",
        nargs="+",
        type=Path,
        required=True,
        help="CSV files, one per stage and named after it",
    )
    parser.add_argument("--out", required=True, help="CSV of the ledger to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.claims.judging import judge
    from plumbline.report.claims.schema import load_claims
    from plumbline.storage.tables import read_rows, write_csv

    tables = {path.stem: read_rows(path) for path in args.tables}
    write_csv(args.out, judge(load_claims(args.claims), tables))


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

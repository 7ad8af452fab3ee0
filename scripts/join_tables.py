"""Concatenate the tables of one stage over all datasets and models."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tables", nargs="+", required=True, help="CSV files to concatenate, in this order"
    )
    parser.add_argument("--out", required=True, help="CSV to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.storage.tables import read_rows, write_csv

    write_csv(args.out, [row for path in args.tables for row in read_rows(path)])


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Draw what becomes of every estimator of a net on shifted and attacked images."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="CSV of measures")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import shifts
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame

    save(shifts.draw(read_frame([args.table])), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

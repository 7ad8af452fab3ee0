"""Draw accuracy and calibration of one dataset's nets."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--evaluation", nargs="+", required=True, help="CSVs, one per model")
    parser.add_argument("--bins", nargs="+", required=True, help="reliability CSVs, one per model")
    parser.add_argument("--accuracy", required=True, help="PNG to write")
    parser.add_argument("--reliability", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import accuracy, reliability
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame

    save(accuracy.draw(read_frame(args.evaluation)), args.accuracy)
    save(reliability.draw(read_frame(args.bins)), args.reliability)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Draw the reliability diagrams of every estimator of a net."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", required=True, help="Parquet table of images")
    parser.add_argument("--model", required=True, help="net that it is of")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import calibration
    from plumbline.report.style import save
    from plumbline.storage.tables import read_images

    save(calibration.draw(read_images([args.scores], [args.model])), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

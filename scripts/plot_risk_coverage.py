"""Draw risk against coverage of every estimator of one dataset's nets."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", nargs="+", required=True, help="Parquet tables of images")
    parser.add_argument("--models", nargs="+", required=True, help="model of each table")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import risk_coverage
    from plumbline.report.style import save
    from plumbline.storage.tables import read_images

    save(risk_coverage.draw(read_images(args.scores, args.models)), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

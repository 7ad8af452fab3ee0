"""Draw how often mutants change the answer, by kind of image, for one dataset's nets."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--changes", nargs="+", required=True, help="Parquet tables of images")
    parser.add_argument("--models", nargs="+", required=True, help="model of each table")
    parser.add_argument("--tables", nargs="+", required=True, help="CSVs with rejection rates")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import stability
    from plumbline.report.reading import read_frame, read_images
    from plumbline.report.style import save

    changes = read_images(args.changes, args.models)
    changes["correct"] = changes["prediction"] == changes["label"]
    save(stability.draw(changes, read_frame(args.tables)), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

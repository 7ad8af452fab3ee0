"""Draw how uncertain each estimator of a net is on each kind of image."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", required=True, help="Parquet table of images")
    parser.add_argument("--model", required=True, help="net that it is of")
    parser.add_argument("--measures", nargs="+", required=True, help="measures to draw")
    parser.add_argument("--adaptive", nargs="*", default=[], help="attacks that know a detector")
    parser.add_argument("--out", nargs="+", required=True, help="PNGs to write, one per measure")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import uncertainty
    from plumbline.report.style import save
    from plumbline.storage.tables import read_images

    scores = read_images([args.scores], [args.model])
    for measure, path in zip(args.measures, args.out, strict=True):
        save(uncertainty.draw(scores, measure, args.adaptive), path)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

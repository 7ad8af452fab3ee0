"""Draw turned test images with what each estimator of a net says of them."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sets", nargs="+", required=True, help="ImageSets, one per level")
    parser.add_argument("--levels", nargs="+", type=float, required=True, help="degrees of each")
    parser.add_argument("--scores", required=True, help="Parquet table of images")
    parser.add_argument("--model", required=True, help="net that it is of")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import rotation
    from plumbline.report.style import save
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import read_images

    sets = [ImageSet.load(path) for path in args.sets]
    scores = read_images([args.scores], [args.model])
    save(rotation.draw(sets, args.levels, scores), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Draw the largest holes of the maps of one corpus: decoded, beside the nearest images."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", required=True, help="corpus that is drawn")
    parser.add_argument("--maps", nargs="+", required=True, help="its LatentMaps, of every net")
    parser.add_argument("--holes", nargs="+", required=True, help="Holes of each of them")
    parser.add_argument("--train", required=True, help="ImageSet of the training images")
    parser.add_argument("--estimators", nargs="+", required=True, help="estimators, in order")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import holes
    from plumbline.report.style import save
    from plumbline.storage.artefacts import ImageSet, load_arrays

    maps = [load_arrays(path, "LatentMap") for path in args.maps]
    found = [load_arrays(path, "Holes") for path in args.holes]
    train = ImageSet.load(args.train)
    figure = holes.draw(
        {about["model"]: arrays for arrays, about in maps},
        {about["model"]: (arrays, about["data_distance"]) for arrays, about in found},
        args.estimators,
        train.images,
        classes=train.classes,
        corpus=args.corpus,
    )
    save(figure, args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

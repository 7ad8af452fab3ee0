"""Draw the mean and the spread of one attribution over random passes, for a few images."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", required=True, help="ImageSet that was explained")
    parser.add_argument("--spread", required=True, help="Spread to draw")
    parser.add_argument("--model", required=True, help="for the title")
    parser.add_argument("--method", required=True, help="for the title")
    parser.add_argument("--objective", required=True, help="for the title")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.attribution.steadiness import Spread
    from plumbline.report.figures import spread
    from plumbline.report.style import save
    from plumbline.storage.artefacts import ImageSet

    found = Spread.load(args.spread)
    images = ImageSet.load(args.images).select(slice(len(found.index)))
    title = spread.title(found, args.method, args.model, args.objective)
    save(spread.draw(images, found, title), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

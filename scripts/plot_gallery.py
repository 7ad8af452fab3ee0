"""Draw the attributions of one net side by side: rows images, columns methods."""

import argparse
import json

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", required=True, help="ImageSet that was explained")
    parser.add_argument("--attributions", nargs="+", required=True, help="one file per method")
    parser.add_argument("--gallery", type=json.loads, required=True, help="what chooses, as JSON")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.attribution.selection import gallery as choose
    from plumbline.report.figures import gallery
    from plumbline.report.style import save
    from plumbline.storage.artefacts import Attribution, ImageSet

    images = ImageSet.load(args.images)
    images = images.select(choose(images.labels, **args.gallery))
    attributions = [Attribution.load(path) for path in args.attributions]
    shown, relevance = gallery.gather(images, attributions)
    save(gallery.draw(shown, relevance), args.out, keep=gallery.COLORS)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

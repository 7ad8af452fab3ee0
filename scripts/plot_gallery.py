"""Draw the attributions of one net side by side: rows images, columns methods."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", required=True, help="ImageSet that was explained")
    parser.add_argument("--attributions", nargs="+", required=True, help="one file per method")
    parser.add_argument("--count", type=int, required=True, help="images to show at most")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.artefacts import Attribution, ImageSet
    from plumbline.report.figures import gallery
    from plumbline.report.style import save

    attributions = [Attribution.load(path) for path in args.attributions]
    explained = min(len(each.index) for each in attributions)
    images = ImageSet.load(args.images).select(slice(explained))
    shown = gallery.choose(images.labels, args.count)
    names = images.classes
    figure = gallery.draw(
        images.pixels[shown],
        [names[label] for label in images.labels[shown]],
        [names[target] for target in attributions[0].target[shown]],
        {each.method: each.relevance[shown] for each in attributions},
    )
    save(figure, args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

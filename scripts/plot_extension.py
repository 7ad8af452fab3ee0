"""Draw what nets gain from further training images that were decoded from holes."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="figures of one net, CSV")
    parser.add_argument("--holes", required=True, help="ImageSet from the holes")
    parser.add_argument("--random", required=True, help="ImageSet from anywhere off the data")
    parser.add_argument("--model", required=True, help="the net, for the title")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import extension
    from plumbline.report.style import notice, save
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import read_frame

    paths = {"holes": args.holes, "random": args.random}
    extra = {arm: ImageSet.load(path).pixels for arm, path in paths.items()}
    if not len(extra["holes"]):
        save(notice("This map has no hole: there is nothing to train on."), args.out)
        return
    save(extension.draw(read_frame([args.table]), extra, model=args.model), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

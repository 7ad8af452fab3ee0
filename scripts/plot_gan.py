"""Draw losses and samples of the generators of one dataset."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--histories", nargs="+", required=True, help="CSVs, one per generator")
    parser.add_argument("--samples", nargs="+", required=True, help="ImageSets, one per generator")
    parser.add_argument("--train", required=True, help="ImageSet that they learnt from")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import gan
    from plumbline.report.style import save
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import read_frame

    train = ImageSet.load(args.train)
    samples = [ImageSet.load(path) for path in args.samples]
    histories = [read_frame([path]) for path in args.histories]
    trained = {
        each.name: gan.Training(history, each.pixels, train.select(each.index).pixels)
        for history, each in zip(histories, samples, strict=True)
    }
    save(gan.draw(trained), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

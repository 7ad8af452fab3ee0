"""Draw what one net takes for its classes: rows visualizations, columns classes."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", nargs="+", required=True, help="ImageSets, one per entry")
    parser.add_argument("--tables", nargs="+", required=True, help="their CSVs, in the same order")
    parser.add_argument("--test", required=True, help="ImageSet of real images, the control")
    parser.add_argument("--model", required=True, help="the net")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import visualization
    from plumbline.report.style import save
    from plumbline.storage.artefacts import ImageSet
    from plumbline.storage.tables import read_frame

    sets = [ImageSet.load(path) for path in args.images]
    control = visualization.control(sets[0], ImageSet.load(args.test), read_frame([args.tables[0]]))
    lines = {visualization.CONTROL: control} | {
        each.name: visualization.line(each) for each in sets
    }
    figure = visualization.draw(
        lines,
        visualization.classes(sets[0]),
        model=args.model,
        second=sets[0].provenance["second net"],
    )
    save(figure, args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

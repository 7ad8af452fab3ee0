"""Draw what fitted detectors of wrong answers gain over the maximum softmax probability."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", nargs="+", required=True, help="CSVs of detectors")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import detectors
    from plumbline.report.reading import read_frame
    from plumbline.report.style import save

    save(detectors.draw(read_frame(args.tables)), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Draw what fitted detectors of wrong answers gain over the maximum softmax probability."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", nargs="+", required=True, help="CSVs of detectors")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import detectors
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame

    save(detectors.draw(read_frame(args.tables)), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Draw what more passes or more nets bring to one dataset's nets."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", nargs="+", required=True, help="CSVs of sweeps")
    parser.add_argument("--vary", required=True, choices=["samples", "members"], help="which")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import sweep
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame

    save(sweep.draw(read_frame(args.tables), args.vary), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Draw what each attribution method of one net gains over chance against what it costs."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--costs", nargs="+", required=True, help="CSVs, one per method")
    parser.add_argument("--degradation", required=True, help="CSV of all methods")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import cost
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame

    save(cost.draw(read_frame(args.costs), read_frame([args.degradation])), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

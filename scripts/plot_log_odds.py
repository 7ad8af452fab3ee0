"""Draw the fall of the log-odds of one net, for all pairs of classes and methods."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", required=True, help="CSV of the log-odds test")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import log_odds
    from plumbline.report.style import save
    from plumbline.storage.tables import read_frame

    save(log_odds.draw(read_frame([args.table])), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

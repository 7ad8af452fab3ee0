"""Draw the order of the scores over all tasks of a dataset."""

import argparse

from plumbline.runtime import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leaderboard", required=True, help="CSV of rank.py")
    parser.add_argument("--dataset", required=True, help="dataset drawn")
    parser.add_argument("--out", required=True, help="PNG to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.figures import ranks
    from plumbline.report.style import save
    from plumbline.report.tables import of_dataset
    from plumbline.storage.tables import read_frame

    save(ranks.draw(of_dataset(read_frame([args.leaderboard]), args.dataset)), args.out)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

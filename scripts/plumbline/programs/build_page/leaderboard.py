"""Build the leaderboard: a self-contained page with a sortable, filterable table of all scores."""

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leaderboard", required=True, help="leaderboard table, CSV")
    parser.add_argument("--back", required=True, help="link to the report")
    parser.add_argument("--out", required=True, help="HTML to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.report.pages import leaderboard
    from plumbline.storage.files import write_text
    from plumbline.storage.tables import read_frame

    write_text(args.out, leaderboard.render(read_frame([args.leaderboard]), args.back))

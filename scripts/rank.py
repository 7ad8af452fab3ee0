"""Join what every score tells on every net, and rank the scores over all tasks."""

import argparse

from plumbline import cli


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", nargs="+", required=True, help="CSVs of detect.py")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap over blocks")
    parser.add_argument("--out", required=True, help="CSV to write")


def main(args: argparse.Namespace) -> None:
    import pandas as pd

    from plumbline.detection import leaderboard
    from plumbline.frames import read_csv
    from plumbline.tables import write_csv

    detection = pd.concat([read_csv(path) for path in args.tables], ignore_index=True)
    detection["distance"] = detection["distance"].fillna("")
    ranks = list(leaderboard.rows(detection, args.seed))
    write_csv(args.out, detection.to_dict("records") + ranks)


if __name__ == "__main__":
    cli.run(main, __doc__, arguments)

"""Join the detection tables of all nets and rank the scores over all tasks."""

import argparse
import json


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", nargs="+", required=True, help="CSV files written by `tasks`")
    parser.add_argument(
        "--replicates", type=json.loads, default={}, help="architecture of each net, as JSON"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap over blocks")
    parser.add_argument("--out", required=True, help="CSV to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.detection import leaderboard
    from plumbline.storage.tables import read_frame, write_csv

    detection = read_frame(args.tables)
    singles = leaderboard.single_nets(detection, args.replicates)
    joined = [*leaderboard.over_nets(singles), *leaderboard.rows(singles, args.seed)]
    write_csv(args.out, singles.to_dict("records") + joined)

"""Evaluate every score as a detector of misclassified, adversarial and OOD images."""

import argparse
import json
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--uncertainty", required=True, help="uncertainty scores of each image, Parquet"
    )
    parser.add_argument(
        "--scores", nargs="*", type=Path, default=[], help="Parquet of each detection score"
    )
    parser.add_argument(
        "--detectors", nargs="*", default=[], help="scores of the fitted detectors, Parquet"
    )
    parser.add_argument("--near", nargs="*", default=[], help="near-OOD datasets")
    parser.add_argument(
        "--passes",
        type=json.loads,
        default={},
        help="number of passes of each estimator, as JSON",
    )
    parser.add_argument("--steps", type=int, default=1, help="steps of the path of the conductance")
    parser.add_argument(
        "--label-changes", nargs="*", default=[], help="label change rates, Parquet"
    )
    parser.add_argument("--dataset", required=True, help="key in the table")
    parser.add_argument("--model", required=True, help="key in the table")
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap")
    parser.add_argument("--out", required=True, help="CSV to write")


def main(args: argparse.Namespace) -> None:
    from plumbline.data.image_sets import keys_of
    from plumbline.detection import columns
    from plumbline.detection.tasks import judge, tasks
    from plumbline.runtime.progress import progress
    from plumbline.storage.tables import read_parquet, write_csv

    uncertainty = read_parquet(args.uncertainty).query("set_kind != 'shifted'")
    further = {path.stem: read_parquet(path) for path in args.scores}
    changes = [read_parquet(path) for path in args.label_changes]
    right = columns.correct(uncertainty)
    table = columns.join(
        columns.uncertainty_scores(uncertainty),
        columns.label_change_scores(changes),
        columns.further_scores(further),
        *(columns.detector_scores(read_parquet(path)) for path in args.detectors),
    )
    costs = columns.evaluations(
        list(table),
        args.passes,
        {name: own["mutants"].max() for each in changes for name, own in each.groupby("operator")},
        args.steps,
        {name: each["evaluations"].iloc[0] for name, each in further.items()},
    )
    keys = {"dataset": args.dataset, "model": args.model}
    rows = [
        row
        for task in progress(list(tasks(right, keys_of(uncertainty), args.near)), "tasks")
        for row in judge(task, table, args.seed, costs, **keys)
    ]
    write_csv(args.out, rows)
